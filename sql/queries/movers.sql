/* Which functions cost more or less in the newest week than in the week before, in cents? */
with

newest as (
    select
        max(week_start) as week_start,
        max(week_start) - interval 7 day as week_before
    from finance.spend_weekly_cents
),

functions as (
    select
        c.function,
        coalesce(sum(c.amount_usd) filter (where c.week_start = n.week_before), 0) as before_usd,
        coalesce(sum(c.amount_usd) filter (where c.week_start = n.week_start), 0) as now_usd
    from finance.spend_weekly_cents as c
    cross join newest as n
    where c.week_start >= n.week_before
    group by all
)

select
    coalesce(function, 'all functions') as function,
    sum(before_usd)::decimal(18, 2) as before_usd,
    sum(now_usd)::decimal(18, 2) as now_usd,
    (sum(now_usd) - sum(before_usd))::decimal(18, 2) as change_usd
from functions
group by grouping sets ((function), ())
order by grouping(function) asc, abs(sum(now_usd) - sum(before_usd)) desc, function asc
