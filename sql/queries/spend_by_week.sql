/* What did each week cost, and how much more or less than the week before? */
with

weeks as (
    select
        week,
        sum(amount_usd)::decimal(18, 2) as amount_usd
    from finance.spend_weekly_cents
    group by all
),

days as (
    select
        week,
        count(distinct day) as days,
        min(status) as status
    from finance.spend_daily
    group by all
)

select
    w.week,
    d.days,
    w.amount_usd,
    w.amount_usd - lag(w.amount_usd) over (order by w.week) as change_usd,
    d.status
from weeks as w
inner join days as d on w.week = d.week
order by w.week
