/*
What each function cost in each week, and between which bounds its true cost lies by what log, settings and bill say.

materialized: view
key: week, environment, app, function
partition: week_start
*/
select
    week_start,  -- Monday of the week, UTC
    week,  -- its ISO label, 2026-W46
    environment,  -- Modal environment
    app,  -- the app's name
    function,  -- who caused it; names in double underscores are residuals
    amount_usd,  -- attributed, exact
    low_usd,  -- at least, with what is inferred at its least
    high_usd  -- at most, with what is inferred at its most
from spend.weekly
