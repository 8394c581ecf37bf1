/* What is paid for work, and what for start-up, idle containers and the unexplained: by function? */
select
    function,
    sum(execution_usd) as execution_usd,
    sum(startup_usd) as startup_usd,
    sum(idle_usd) as idle_usd,
    sum(warm_usd) as warm_usd,
    sum(failed_usd) as failed_usd,
    sum(unexplained_usd) as unexplained_usd,
    sum(unlogged_usd) as unlogged_usd,
    sum(residual_usd) as residual_usd,
    sum(direct_usd) as direct_usd,
    sum(without_calls_usd) as without_calls_usd,
    sum(amount_usd) as total_usd
from finance.spend_by_function_phase
group by all
order by total_usd desc, function asc
