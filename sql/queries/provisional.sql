/* Which amounts may still change, because the bill was read before it was final? */
select
    day,
    function,
    sum(amount_usd) as amount_usd
from finance.spend_daily
where status = 'provisional'
group by all
order by day, function
