/*
The bridge of each week from the published saving to the realized one, in dollars a day: by function, by phase and in
total. The steps between the two ends add up, exactly and as printed; weeks in which nothing is claimed have none.

key: week_start, scope, phase, app, function, position
partition: week_start
measured from: savings.daily_function, staging.billing_intervals, staging.configurations
measured from: staging.prices, reconciliation.log_vs_bill, spend.weekly, reconciliation.completeness, savings.replays
*/
select
    week_start,  -- Monday of the week, UTC
    week,  -- its ISO label
    scope,  -- function, phase or total; each holds the whole bridge once
    phase,  -- rollout phase; all in the total
    app,  -- the app that the phase deployed the function to; all in the sums
    function,  -- the function; all in the sums
    position,  -- place in the bridge: the published saving is 0
    step,  -- published, what changes it, realized
    exact_usd,  -- dollars a day
    printed_usd  -- the same in cents that add up with those around it
from measured_bridge
where
    week_start >= $since
    and week_start < $until
