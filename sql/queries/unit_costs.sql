/* What did a successful call cost, week by week, over all phases? */
with

costs as (
    select
        week,
        environment,
        app,
        function,
        sum(amount_usd)::decimal(18, 2) as cost_usd,
        sum(exact_usd) as exact_usd
    from finance.spend_weekly_cents
    group by all
),

calls as (
    select
        week,
        environment,
        app,
        function,
        sum(successful_calls)::bigint as calls
    from finance.unit_costs
    group by all
)

select
    c.week,
    c.environment,
    c.app,
    c.function,
    coalesce(n.calls, 0) as calls,
    c.cost_usd,
    case
        when n.calls > 0 then ((c.exact_usd * 1000000000)::hugeint // n.calls)::decimal(38, 0) * 0.000000001::decimal(9, 9)
    end as usd_per_call
from costs as c
left join calls as n
    on c.week = n.week and c.environment = n.environment and c.app = n.app and c.function = n.function
order by c.function, c.app, c.environment, c.week
