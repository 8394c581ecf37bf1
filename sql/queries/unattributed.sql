/* Which billed amounts belong to no function's calls, and why: by app, resource and week? */
select
    date_trunc('week', hour)::date as week_of,
    app,
    resource,
    function,
    component,
    count(*) as pools,
    sum(amount_usd) as amount_usd
from spend.hourly
where component in ('unexplained', 'unlogged', 'residual', 'direct')
group by all
order by week_of asc, abs(sum(amount_usd)) desc, app asc, resource asc, function asc, component asc
