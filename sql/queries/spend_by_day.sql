/* What did each of the last 14 days cost, which function cost most of it, and is the bill final? */
with

functions as (
    select
        day,
        function,
        sum(amount_usd) as amount_usd,
        min(status) as status
    from finance.spend_daily
    group by all
)

select
    day,
    round(sum(amount_usd), 2)::decimal(18, 2) as amount_usd,
    arg_max(function, amount_usd) as dearest_function,
    min(status) as status
from functions
group by all
order by day desc
limit 14
