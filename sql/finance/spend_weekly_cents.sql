/*
What each week cost as it is printed: whole cents that add up along every line, from the components of a phase to the week.
The report and the workbook print these cents.

materialized: view
key: week, environment, app, function, phase, component
partition: week_start
*/
select
    week_start,  -- Monday of the week, UTC
    week,  -- its ISO label, 2026-W46
    environment,  -- Modal environment
    app,  -- the app's or object's name on the bill
    function,  -- who caused it; names in double underscores are residuals
    phase,  -- rollout phase of the containers; none outside the programme
    component,  -- what it was for, see catalog.components
    amount_usd,  -- whole cents
    exact_usd  -- the same to the last digit
from spend.weekly_cents
