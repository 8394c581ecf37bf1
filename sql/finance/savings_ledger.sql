/*
The ledger of the programme: what has become of every function in every rollout phase by the end of each week. The avoided
cost of a week's lines adds up to that of the week.

materialized: view
key: week, phase, app, function
partition: week_start
*/
select
    week_start,  -- Monday of the week, UTC
    week,  -- its ISO label, 2026-W46
    position,  -- place in the rollout, from 1
    phase,  -- rollout phase; several joined by + where they cannot be told apart
    app,  -- the app that the phase deployed the function to
    function,  -- the function
    state as status,  -- proposed, deployed, or how far the measurement can be relied on: verified, provisional …
    reasons,  -- codes of why it is no better, the weightiest first, separated by spaces
    measured_days,  -- days of the week that count for the function
    calls,  -- its successful calls on them, in all phases; each input of a map is one
    avoided_usd,  -- the phase's part of the week's avoided cost, negative where it became dearer; null: no claim
    half_width_usd,  -- an estimate: half of its 90% interval; null for one phase among several, or without one
    printed_usd  -- the avoided cost as the report prints it, in whole cents that add up to the week's
from savings.ledger
