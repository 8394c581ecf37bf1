/*
Gate G5: the invoice of every month that has one, the newest delivery of it, against what Modal says it billed, rounded half
up to the decimals of the invoice. Billed plus rounding less the total is the difference.

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
),

invoices_with_bills as (
    select
        i.*,
        b.billed_usd,
        b.is_closed,
        ('1' || repeat('0', 12 - i.decimals))::hugeint as unit_pd,
        (b.billed_usd * 1000000000000)::hugeint as billed_pd
    from staging.invoices as i
    left join bills as b on i.month = b.month
),

rounded as (
    select
        *,
        case when currency = 'USD' then (
            sign(billed_pd) * ((2 * abs(billed_pd) + unit_pd) // (2 * unit_pd)) * unit_pd
        )::decimal(38, 0) * 0.000000000001::decimal(12, 12) end as rounded_usd
    from invoices_with_bills
)

select
    month,  -- first day of the UTC month
    number,  -- number of the invoice
    issued_on,  -- its date; null when the file does not say
    currency,  -- what its total is in
    total,  -- what it comes to before tax, in its currency, exact
    decimals,  -- digits after its point, 2 at least
    billed_usd,  -- what Modal charges by its summary; null where none is landed
    is_closed,  -- the month was over when the summary was read
    rounded_usd - billed_usd as rounding_usd,  -- what rounding to its decimals adds to billed; null without a bill in dollars
    rounded_usd - total as difference_usd,  -- zero, once the month is closed; null without a bill in dollars
    path  -- the file, below landing/
from rounded
