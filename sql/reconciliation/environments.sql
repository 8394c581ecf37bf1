/*
Every month that Modal summarised for an environment, against what the landed reports bill its objects.

key: environment, month
*/
with

summaries as (
    select
        f.environment,
        e.month,
        e.amount_usd as metered_usd,
        d.fetched_at >= e.month + interval 1 month as is_closed
    from raw.environment_billing as e
    inner join raw.files as f on e.file_id = f.file_id
    inner join raw.deliveries as d on e.file_id = d.file_id
    where e.kind = 'metered'
    qualify row_number() over (partition by f.environment, e.month order by d.fetched_at desc, f.sha256 desc) = 1
),

items as (
    select
        environment,
        date_trunc('month', hour)::date as month,
        sum(amount_usd) as itemised_usd
    from staging.billing_items
    where reading = 'now'
    group by all
)

select
    s.environment,  -- Modal environment
    s.month,  -- first day of the UTC month
    s.metered_usd,  -- usage at list price, by the summary of the environment
    coalesce(i.itemised_usd, 0) as itemised_usd,  -- what the landed reports bill its objects
    s.metered_usd - coalesce(i.itemised_usd, 0) as difference_usd,  -- metered, but in no landed report
    s.is_closed  -- the month was over when the summary was read
from summaries as s
left join items as i
    on
        s.environment = i.environment
        and s.month = i.month
