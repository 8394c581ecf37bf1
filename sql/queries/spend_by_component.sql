/* What is paid for work, and what for start-up, idle containers and the unexplained: by function? */
with

spend as (
    select
        * exclude (amount_usd),
        amount_usd as total_usd
    from finance.spend_by_function_phase
)

select
    function,
    sum(columns('.*_usd'))
from spend
group by function
order by sum(total_usd) desc, function asc
