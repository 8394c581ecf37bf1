/* What is paid for work, and what for start-up, idle containers and the unexplained: by function? */
select
    function,
    coalesce(sum(amount_usd) filter (where component = 'execution'), 0) as execution_usd,
    coalesce(sum(amount_usd) filter (where component = 'startup'), 0) as startup_usd,
    coalesce(sum(amount_usd) filter (where component = 'idle'), 0) as idle_usd,
    coalesce(sum(amount_usd) filter (where component = 'unexplained'), 0) as unexplained_usd,
    coalesce(sum(amount_usd) filter (where component in ('unlogged', 'residual', 'direct')), 0) as without_calls_usd,
    sum(amount_usd) as total_usd
from spend.hourly
group by all
order by total_usd desc, function asc
