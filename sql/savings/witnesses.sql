/*
The witnesses of each week's saving: other ways to the same amount, by function and over all functions.

key: week_start, app, function, witness
partition: week_start
measured from: savings.daily_function, staging.billing_intervals, staging.configurations, savings.replays
measured from: staging.prices, reconciliation.log_vs_bill, spend.weekly, reconciliation.completeness
*/
select
    week_start,  -- Monday of the week, UTC
    week,  -- its ISO label
    app,  -- the app of the newest phase; all for the sum
    function,  -- the function; all for the sum
    witness,  -- regression, replay, same days
    counterfactual_usd,  -- what it says that the measured days would have cost
    saving_usd,  -- that less what they did cost
    half_width_usd,  -- an estimate: half of its own 90% interval; null: too few days
    difference_usd,  -- how far it is from the saving of the week
    allowed_usd,  -- an estimate: half of the week's interval without what the witnesses add; null: too few days
    agrees  -- within that; the same days have their own interval beside it
from measured_witnesses
where
    week_start >= $since
    and week_start < $until
