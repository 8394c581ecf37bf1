/* On which ten days did a single function cost most? */
select
    day,
    function,
    phase,
    sum(amount_usd) as amount_usd
from finance.spend_daily
group by all
order by amount_usd desc, day asc, function asc, phase asc
limit 10
