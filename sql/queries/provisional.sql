/* Which amounts may still change, because the bill was read before it was final? */
select
    day,
    function,
    round(sum(amount_usd), 2)::decimal(18, 2) as amount_usd
from finance.spend_daily
where status = 'provisional'
group by all
order by day, function
