/*
What was paid for containers that start or wait rather than work in the newest week that is reported, in cents and percent of
the cost?
*/
with

newest as (
    select
        environment,
        function,
        coalesce(sum(amount_usd) filter (where component = 'startup'), 0) as startup_usd,
        coalesce(sum(amount_usd) filter (where component = 'idle'), 0) as idle_usd,
        sum(amount_usd) as cost_usd
    from finance.spend_weekly_cents
    where week_start in (select max(s.week_start) from finance.savings_weekly as s)
    group by all
)

select
    coalesce(environment, 'all environments') as environment,
    coalesce(function, 'all functions') as function,
    coalesce(sum(startup_usd), 0)::decimal(18, 2) as startup_usd,
    coalesce(sum(idle_usd), 0)::decimal(18, 2) as idle_usd,
    coalesce(sum(cost_usd), 0)::decimal(18, 2) as cost_usd,
    case
        when sum(cost_usd) > 0
            then (
                (sum(startup_usd + idle_usd) * 100)::hugeint * 1000 // (sum(cost_usd) * 100)::hugeint
            )::decimal(9, 0) * 0.1::decimal(2, 1)
    end as percent
from newest
group by grouping sets ((environment, function), ())
order by grouping(function) asc, sum(startup_usd + idle_usd) desc, function asc, environment asc
