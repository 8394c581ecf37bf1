/* Which functions cost more or less in the newest week that is reported than in the week before, in cents? */
with

newest as (
    select
        max(week_start) as week_start,
        max(week_start) - interval 7 day as week_before
    from finance.savings_weekly
),

functions as (
    select
        c.environment,
        c.function,
        coalesce(sum(c.amount_usd) filter (where c.week_start = n.week_before), 0) as before_usd,
        coalesce(sum(c.amount_usd) filter (where c.week_start = n.week_start), 0) as now_usd
    from finance.spend_weekly_cents as c
    cross join newest as n
    where c.week_start between n.week_before and n.week_start
    group by all
)

select
    coalesce(environment, 'all environments') as environment,
    coalesce(function, 'all functions') as function,
    coalesce(sum(before_usd), 0)::decimal(18, 2) as before_usd,
    coalesce(sum(now_usd), 0)::decimal(18, 2) as now_usd,
    coalesce(sum(now_usd) - sum(before_usd), 0)::decimal(18, 2) as change_usd
from functions
group by grouping sets ((environment, function), ())
order by grouping(function) asc, abs(sum(now_usd) - sum(before_usd)) desc, function asc, environment asc
