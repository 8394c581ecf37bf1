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
    coalesce(
        sum(amount_usd) filter (where component in ('unlogged', 'residual', 'direct')), 0
    )::decimal(38, 12) as without_calls_usd,  -- billed without any call: unlogged, residual, direct
    sum(amount_usd)::decimal(38, 12) as amount_usd,  -- all of it, exact
    min(status) as status  -- settled, restated or provisional, see spend_daily
from finance.spend_daily
group by all
