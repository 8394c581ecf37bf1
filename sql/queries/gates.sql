/*
Do the gates hold in the newest week that is reported, and in the months that it lies in: conservation, control totals, months,
the bill, the invoice, the log, freshness, and the log's calls? Nothing checked: not measured.
*/
with

newest as (
    select max(week_start)::timestamp as since
    from savings.weekly
),

months as (
    select distinct date_trunc('month', since + to_days(n.day::integer))::date as month
    from newest
    cross join range(7) as n (day)
),

summaries as (
    select
        months.month,
        m.metered_usd is not null as is_summarised,
        m.not_itemised_usd,
        m.bill_difference_usd != 0 or coalesce(abs(m.breakdown_difference_usd), 0) > 0.01::decimal(38, 12) as is_off
    from months
    left join reconciliation.months as m on months.month = m.month
),

gates as (
    select
        'G1 conservation' as gate,
        count(*) as checked,
        count(*) filter (where p.difference_usd != 0) as off,
        'pools whose attributed cost is not what was billed' as off_means
    from reconciliation.pools as p
    inner join newest as n on p.hour >= n.since and p.hour < n.since + interval 7 day
    union all
    select
        'G2 control total' as gate,
        count(*) as checked,
        count(*) filter (where t.control not in ('equal', 'rounding', 'dropped')) as off,
        'totals that no breakdown proves' as off_means
    from staging.billing_totals as t
    inner join newest as n on t.hour >= n.since and t.hour < n.since + interval 7 day
    where t.reading = 'now'
    union all
    select
        'G3 month' as gate,
        case when bool_or(s.is_summarised) then count(*) else 0 end as checked,
        count(*) filter (where not s.is_summarised or abs(s.not_itemised_usd) > 0.01::decimal(38, 12)) as off,
        'months without a summary, or with more than a cent that no landed report itemises' as off_means
    from summaries as s
    union all
    select
        'G4 bill' as gate,
        case when bool_or(s.is_summarised) then count(*) else 0 end as checked,
        count(*) filter (where not s.is_summarised or s.is_off) as off,
        'months without a summary, or where metered plus adjustments is not billed' as off_means
    from summaries as s
    union all
    select
        'G5 invoice' as gate,
        count(i.number) as checked,
        count(i.number) filter (where i.currency != 'USD' or i.difference_usd is null or i.difference_usd != 0) as off,
        'months whose invoice is not what was billed' as off_means
    from months
    left join reconciliation.invoices as i on months.month = i.month
    union all
    select
        'G6 log against bill' as gate,
        count(*) as checked,
        count(*) filter (where l.outcome != 'matched') as off,
        'function days that the log does not explain' as off_means
    from reconciliation.log_vs_bill as l
    inner join newest as n on l.day >= n.since and l.day < n.since + interval 7 day
    where
        (l.billed_usd != 0 or l.container_us > 0)
        and (l.function = '__no_calls__' or not starts_with(l.function, '__'))
    union all
    select
        'G7 freshness' as gate,
        7 as checked,
        7 - count(*) filter (where d.is_settled) as off,
        'days whose bill may still change or is not landed whole' as off_means
    from newest as n
    left join staging.landed_days as d on n.since <= d.day and d.day < n.since + interval 7 day
    union all
    select
        'G8 completeness' as gate,
        count(*) as checked,
        count(*) filter (where c.outcome != 'complete') as off,
        'function days on which log and Modal count other calls' as off_means
    from reconciliation.completeness as c
    inner join newest as n on c.day >= n.since and c.day < n.since + interval 7 day
)

select
    strftime(n.since, '%G-W%V') as week,
    g.gate,
    g.checked,
    case when g.checked > 0 then g.off else 0 end as off,
    g.off_means
from gates as g
cross join newest as n
order by g.gate
