/* What was paid for GPUs, CPU and memory, and what share of the bill is each? */
with

resources as (
    select
        resource,
        sum(amount_usd) as amount_usd,
        (sum(amount_usd) * 1000000000000)::hugeint as amount_pd
    from finance.spend_daily
    group by all
),

total as (
    select sum(amount_pd)::hugeint as total_pd
    from resources
)

select
    r.resource,
    round(r.amount_usd, 2)::decimal(18, 2) as amount_usd,
    case when t.total_pd > 0 then (r.amount_pd * 1000 // t.total_pd)::decimal(9, 0) * 0.1::decimal(2, 1) end as percent
from resources as r
cross join total as t
order by r.amount_usd desc, r.resource asc
