/* What lies between the published saving and the realized one, in dollars a day, in the newest week with a claim? */
select
    week,
    scope,
    phase,
    function,
    step,
    printed_usd::decimal(18, 2) as printed_usd
from savings.bridge
where
    week_start = (select max(b.week_start) from savings.bridge as b)
    and (printed_usd != 0 or step in ('published', 'realized'))
order by scope desc, phase asc, function asc, position asc
