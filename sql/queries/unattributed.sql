/* Which billed amounts does no call explain, and why: by app, resource and week, in the cents that the report prints? */
select
    week_start as week_of,
    app,
    resource,
    function,
    component,
    sum(amount_usd)::decimal(18, 2) as amount_usd
from spend.no_call_cents
group by all
order by week_of asc, abs(sum(amount_usd)) desc, app asc, resource asc, function asc, component asc
