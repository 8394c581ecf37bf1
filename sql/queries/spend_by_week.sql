/* What did each week cost, and how much more or less than the week before? */
with

weeks as (
    select
        week,
        count(distinct day) as days,
        sum(amount_usd) as amount_usd,
        min(status) as status
    from finance.spend_daily
    group by all
)

select
    week,
    days,
    amount_usd,
    amount_usd - lag(amount_usd) over (order by week) as change_usd,
    status
from weeks
order by week
