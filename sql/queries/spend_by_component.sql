/* What is paid for work, and what for start-up, idle containers and the unexplained: by function and component? */
with

costs as (
    select
        function,
        component,
        sum(amount_usd)::decimal(18, 2) as amount_usd
    from finance.spend_weekly_cents
    group by all
)

select
    function,
    component,
    amount_usd,
    sum(amount_usd) over (partition by function)::decimal(18, 2) as function_usd
from costs
order by function_usd desc, function asc, amount_usd desc, component asc
