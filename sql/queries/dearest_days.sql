/* On which ten days did a single function cost most? */
select
    day,
    environment,
    function,
    round(sum(amount_usd), 2)::decimal(18, 2) as amount_usd
from finance.spend_daily
group by all
order by sum(amount_usd) desc, day asc, function asc, environment asc
limit 10
