/* Does every week tie to the bill, to the last digit, and is it final? */
select
    week,
    pools,
    pools_off as off,
    billed_usd,
    attributed_usd,
    difference_usd as difference,
    status
from finance.weeks
order by week
