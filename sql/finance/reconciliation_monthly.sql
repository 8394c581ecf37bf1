/*
From what was attributed to what Modal charges, month by month: attributed, itemised, metered, adjustments, billed, rounding,
invoice. Every difference that must be zero has a column of its own.

materialized: view
key: month
*/
with

attributed as (
    select
        date_trunc('month', day)::date as month,
        sum(amount_usd)::decimal(38, 12) as attributed_usd,
        min(status) as status
    from finance.spend_daily
    group by all
),

itemised as (
    select
        date_trunc('month', hour)::date as month,
        sum(amount_usd)::decimal(38, 12) as itemised_usd
    from staging.billing_items
    where reading = 'now'
    group by all
),

adjustments as (
    select
        day as month,
        sum(amount_usd)::decimal(38, 12) as adjustments_usd
    from finance.adjustments
    where applies_to = 'bill'
    group by all
)

select
    month,  -- first day of the UTC month
    coalesce(a.attributed_usd, 0) as attributed_usd,  -- what spend_daily has of the month
    coalesce(i.itemised_usd, 0) as itemised_usd,  -- what the landed reports have of it
    coalesce(a.attributed_usd, 0) - coalesce(i.itemised_usd, 0) as attribution_difference_usd,  -- zero, or the tie-out is broken
    m.metered_usd,  -- usage at list price, by Modal's summary; null where none is landed
    m.not_itemised_usd,  -- metered, but in no landed report
    case
        when m.metered_usd is not null then coalesce(d.adjustments_usd, 0)
    end as adjustments_usd,  -- credits, free storage, plan, reservations; one by one in adjustments
    m.billed_usd,  -- what Modal charges
    m.bill_difference_usd,  -- metered plus adjustments less billed: zero, or the bill does not add up
    v.number as invoice_number,  -- null where no invoice is landed
    v.currency as invoice_currency,  -- what its total is in
    v.total as invoice_total,  -- what it comes to before tax, in its currency
    v.rounding_usd as invoice_rounding_usd,  -- what its decimals add to billed; null without a bill in dollars
    v.difference_usd as invoice_difference_usd,  -- billed plus rounding less invoice: zero, or it is not this bill; null likewise
    coalesce(a.status, 'settled') as status  -- of the attributed cost: settled, restated or provisional, see spend_daily
from itemised as i
full outer join attributed as a using (month)
full outer join reconciliation.months as m using (month)
left join adjustments as d using (month)
left join reconciliation.invoices as v using (month)
