/*
Gate G5: the invoice of every month that has one, the newest delivery of it, against what Modal says it billed.

materialized: view
key: month
*/
with

latest_invoices as (
    select
        month,
        file_id
    from staging.deliveries
    where source = 'invoices'
    qualify row_number() over (
        partition by month
        order by fetched_at desc, sha256 desc
    ) = 1
),

latest_summaries as (
    select
        month,
        file_id
    from staging.deliveries
    where source = 'billing_summary'
    qualify row_number() over (
        partition by month
        order by fetched_at desc, sha256 desc
    ) = 1
),

bills as (
    select
        l.month,
        sum(s.amount_usd)::decimal(38, 12) as billed_usd
    from latest_summaries as l
    inner join raw.billing_summary as s on l.file_id = s.file_id
    where s.kind = 'billed'
    group by all
)

select
    l.month,  -- first day of the UTC month
    i.number,  -- number of the invoice
    i.issued_on,  -- its date; null when the file does not say
    i.currency,  -- what its total is in
    i.total,  -- what it comes to before tax, in its currency, exact
    b.billed_usd,  -- what Modal charges by its summary; null where none is landed
    case when i.currency = 'USD' then b.billed_usd - i.total end as difference_usd,  -- zero, or the gate is closed
    f.path  -- the file, below landing/
from latest_invoices as l
inner join raw.invoices as i on l.file_id = i.file_id
inner join raw.files as f on l.file_id = f.file_id
left join bills as b on l.month = b.month
