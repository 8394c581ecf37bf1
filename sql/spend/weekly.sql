/*
What each function cost in each week, and between which bounds: the error bar of the attribution.

materialized: view
key: week, environment, app, function
partition: week_start
*/
select
    date_trunc('week', day)::date as week_start,  -- Monday of the week, UTC
    strftime(day, '%G-W%V') as week,  -- its ISO label, 2026-W46
    environment,  -- Modal environment
    app,  -- the app's name
    function,  -- who caused it; names in double underscores are residuals
    sum(amount_usd)::decimal(38, 12) as amount_usd,  -- attributed, exact
    sum(low_usd)::decimal(38, 12) as low_usd,  -- with what is inferred at its least
    sum(high_usd)::decimal(38, 12) as high_usd  -- with what is inferred at its most
from spend.daily_bounds
group by all
