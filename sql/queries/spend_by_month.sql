/* What did each month cost, function by function and in total? */
select
    strftime(day, '%Y-%m') as month,
    coalesce(function, 'all functions') as function,
    sum(amount_usd) as amount_usd,
    min(status) as status
from finance.spend_daily
group by grouping sets ((month, function), (month))
order by month asc, grouping(function) asc, amount_usd desc, function asc
