/*
The ledger of the programme: every function in every phase that changes it, and what has become of it by the end of each
week. A function's phases add up to its avoided cost.

key: week_start, phase, app, function
partition: week_start
measured from: savings.daily_function, staging.billing_intervals, staging.configurations
measured from: staging.prices, reconciliation.log_vs_bill, spend.weekly, reconciliation.completeness, savings.replays
measured from: spend.weekly_cents
*/
select
    week_start,  -- Monday of the week, UTC
    week,  -- its ISO label
    phase,  -- rollout phase; several joined by + where they cannot be told apart
    app,  -- the app that the phase deployed the function to
    function,  -- the function
    position,  -- place in the rollout, from 1
    state,  -- proposed, deployed, or the status of the measurement: verified, provisional, reversed …
    reasons,  -- codes of why the state is no better, the weightiest first, separated by spaces
    measured_days,  -- days of the week that count for the function
    calls,  -- its successful calls on them, in all phases; each input of a map is one
    avoided_usd,  -- the phase's part of the week's avoided cost, negative where it became dearer; null: no claim
    half_width_usd,  -- an estimate: half of its 90% interval; null for one phase among several, or without one
    printed_usd::decimal(18, 2) as printed_usd  -- the avoided cost in whole cents that add up to the week's
from measured_ledger
where
    week_start >= $since
    and week_start < $until
