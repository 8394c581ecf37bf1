/*
What each function cost in each week and rollout phase, and what of it paid for work.

materialized: view
key: week, environment, function, phase
partition: week_start
*/
select
    date_trunc('week', day)::date as week_start,  -- Monday of the week, UTC
    week,  -- its ISO label, 2026-W46
    environment,  -- Modal environment
    function,  -- who caused it; names in double underscores are residuals
    phase,  -- rollout phase of the containers; none outside the programme
    coalesce(sum(amount_usd) filter (where component = 'execution'), 0)::decimal(38, 12) as execution_usd,  -- for work
    coalesce(sum(amount_usd) filter (where component = 'startup'), 0)::decimal(38, 12) as startup_usd,  -- for starting
    coalesce(sum(amount_usd) filter (where component = 'idle'), 0)::decimal(38, 12) as idle_usd,  -- for waiting
    coalesce(sum(amount_usd) filter (where component = 'warm'), 0)::decimal(38, 12) as warm_usd,  -- kept warm by settings
    coalesce(sum(amount_usd) filter (where component = 'failed'), 0)::decimal(38, 12) as failed_usd,  -- never came up
    coalesce(sum(amount_usd) filter (where component = 'unexplained'), 0)::decimal(38, 12) as unexplained_usd,  -- beyond calls
    coalesce(sum(amount_usd) filter (where component = 'unlogged'), 0)::decimal(38, 12) as unlogged_usd,  -- without a log
    coalesce(sum(amount_usd) filter (where component = 'residual'), 0)::decimal(38, 12) as residual_usd,  -- the app's
    coalesce(sum(amount_usd) filter (where component = 'direct'), 0)::decimal(38, 12) as direct_usd,  -- volumes and the like
    -- warm, failed, unexplained, unlogged and residual together, as the report counts it
    coalesce(
        sum(amount_usd) filter (
            where component in (
                select c.component
                from catalog.components as c
                where c.component_group = 'no call'
            )
        ), 0
    )::decimal(38, 12) as without_calls_usd,  -- of the amount what no call explains
    sum(amount_usd)::decimal(38, 12) as amount_usd,  -- all of it, exact
    min(status) as status  -- settled, restated or provisional, see spend_daily
from finance.spend_daily
group by all
