/* What did each function cost in the newest week, by component and in total, in the cents that the report prints? */
with

newest as (
    select
        function,
        component,
        amount_usd
    from finance.spend_weekly_cents
    where week_start = (select max(s.week_start) from finance.spend_weekly_cents as s)
)

select
    coalesce(function, 'all functions') as function,
    coalesce(component, 'all components') as component,
    sum(amount_usd)::decimal(18, 2) as amount_usd
from newest
group by grouping sets ((function, component), (function), (component), ())
order by grouping(function) asc, grouping(component) asc, function asc, component asc
