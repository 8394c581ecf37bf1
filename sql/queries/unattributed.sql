/* Which billed amounts does no call explain, and why: by app, resource and week? */
select
    date_trunc('week', hour)::date as week_of,
    app,
    resource,
    function,
    component,
    count(*) as pools,
    sum(amount_usd) as amount_usd
from spend.hourly
where
    component in (
        select c.component
        from catalog.components as c
        where c.component_group = 'no call'
    )
group by all
order by week_of asc, abs(sum(amount_usd)) desc, app asc, resource asc, function asc, component asc
