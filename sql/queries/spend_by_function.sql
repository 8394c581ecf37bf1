/* What did each function cost, in which rollout phase, and what does a successful call cost? */
with

costs as (
    select
        function,
        phase,
        sum(amount_usd) as cost_usd,
        min(hour) as first_hour,
        max(hour) as last_hour
    from spend.hourly
    group by all
),

calls as (
    select
        function,
        phase,
        sum(successful_calls) as successful_calls
    from savings.daily_function
    group by all
)

select
    c.function,
    c.phase,
    c.cost_usd,
    coalesce(n.successful_calls, 0) as successful_calls,
    case
        when n.successful_calls > 0
            then (c.cost_usd * 1000000000000)::hugeint // n.successful_calls * 0.000000000001::decimal(12, 12)
    end as usd_per_successful_call,
    c.first_hour,
    c.last_hour
from costs as c
left join calls as n on c.function = n.function and c.phase = n.phase
order by c.cost_usd desc, c.function asc, c.phase asc
