/*
Gate G5: the invoice of every month that has one, the newest delivery of it, against what Modal says it billed.

materialized: view
key: month
*/
with

bills as (
    select
        month,
        amount_usd as billed_usd,
        is_closed
    from staging.billing_summaries
    where kind = 'billed'
)

select
    i.month,  -- first day of the UTC month
    i.number,  -- number of the invoice
    i.issued_on,  -- its date; null when the file does not say
    i.currency,  -- what its total is in
    i.total,  -- what it comes to before tax, in its currency, exact
    b.billed_usd,  -- what Modal charges by its summary; null where none is landed
    b.is_closed,  -- the month was over when the summary was read
    case when i.currency = 'USD' then b.billed_usd - i.total end as difference_usd,  -- zero, once the month is closed
    i.path  -- the file, below landing/
from staging.invoices as i
left join bills as b on i.month = b.month
