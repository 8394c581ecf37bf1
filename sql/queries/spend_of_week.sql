/*
What did each function cost in the newest week that is reported, by component and in total, in the cents that the report
prints?
*/
with

newest as (
    select
        environment,
        function,
        component,
        amount_usd
    from finance.spend_weekly_cents
    where week_start in (select max(s.week_start) from finance.savings_weekly as s)
)

select
    coalesce(environment, 'all environments') as environment,
    coalesce(function, 'all functions') as function,
    coalesce(component, 'all components') as component,
    coalesce(sum(amount_usd), 0)::decimal(18, 2) as amount_usd
from newest
group by grouping sets ((environment, function, component), (environment, function), (component), ())
order by grouping(function) asc, grouping(component) asc, function asc, environment asc, component asc
