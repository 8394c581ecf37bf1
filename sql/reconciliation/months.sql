/*
Gates G3 to G5: every month that Modal summarised, from metered to billed to the invoice, and what of it the landed reports
itemise.

key: month
*/
with

summaries as (
    select
        month,
        sum(case when kind = 'metered' then amount_usd end) as metered_usd,
        sum(case when kind = 'billed' then amount_usd end) as billed_usd,
        coalesce(sum(case when kind = 'adjustment' then amount_usd end), 0) as adjustments_usd,
        sum(case when kind = 'breakdown' then amount_usd end) as breakdown_usd,
        bool_and(is_closed) as is_closed
    from staging.billing_summaries
    group by all
),

items as (
    select
        date_trunc('month', hour)::date as month,
        sum(amount_usd) as itemised_usd
    from staging.billing_items
    where reading = 'now'
    group by all
)

select
    s.month,  -- first day of the UTC month
    s.metered_usd,  -- usage at list price, by the summary
    coalesce(i.itemised_usd, 0) as itemised_usd,  -- sum of the landed reports
    s.metered_usd - coalesce(i.itemised_usd, 0) as not_itemised_usd,  -- metered, but in no landed report
    s.adjustments_usd,  -- credits, free storage, plan, reservations
    s.billed_usd,  -- what Modal charges
    s.metered_usd + s.adjustments_usd - s.billed_usd as bill_difference_usd,  -- G4: zero, or the gate is closed
    s.breakdown_usd - s.metered_usd as breakdown_difference_usd,  -- the summary's own parts against its total
    s.is_closed,  -- the month was over when the summary was read
    v.number as invoice_number,  -- null where no invoice is landed
    v.currency as invoice_currency,  -- what its total is in
    v.total as invoice_total,  -- what it comes to before tax, in its currency
    v.rounding_usd as invoice_rounding_usd,  -- what rounding to the invoice's decimals adds to billed
    v.difference_usd as invoice_difference_usd  -- G5: zero once the month is closed; null without an invoice in dollars
from summaries as s
left join items as i on s.month = i.month
left join reconciliation.invoices as v on s.month = v.month
