/* What is paid for work, and what for start-up, idle containers and the unexplained: by function? */
select
    function,
    coalesce(sum(amount_usd) filter (where component = 'execution'), 0)::decimal(18, 2) as execution_usd,
    coalesce(sum(amount_usd) filter (where component = 'startup'), 0)::decimal(18, 2) as startup_usd,
    coalesce(sum(amount_usd) filter (where component = 'idle'), 0)::decimal(18, 2) as idle_usd,
    coalesce(sum(amount_usd) filter (where component = 'warm'), 0)::decimal(18, 2) as warm_usd,
    coalesce(sum(amount_usd) filter (where component = 'failed'), 0)::decimal(18, 2) as failed_usd,
    coalesce(sum(amount_usd) filter (where component = 'unexplained'), 0)::decimal(18, 2) as unexplained_usd,
    coalesce(sum(amount_usd) filter (where component = 'unlogged'), 0)::decimal(18, 2) as unlogged_usd,
    coalesce(sum(amount_usd) filter (where component = 'residual'), 0)::decimal(18, 2) as residual_usd,
    coalesce(sum(amount_usd) filter (where component = 'direct'), 0)::decimal(18, 2) as direct_usd,
    sum(amount_usd)::decimal(18, 2) as total_usd
from finance.spend_weekly_cents
group by function
order by total_usd desc, function asc
