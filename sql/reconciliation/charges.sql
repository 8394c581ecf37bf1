/*
The bill of every month, charge by charge: every attributed amount, and what leads from metered to billed in the summary of
a month that was over when it was read, and on to the invoice. The sum over a month is what was attributed of it; with a
summary, what Modal charges; with an invoice, that in its own decimals.

materialized: view
key: hour, environment, object_id, resolution, resource, function, phase, component, name, is_correction
partition: hour
*/
with

summary_lines as (
    select
        month,
        name,
        amount_usd
    from staging.billing_summaries
    where
        kind = 'adjustment'
        and is_closed
    union all by name
    select
        m.month,
        'not_itemised' as name,
        m.not_itemised_usd as amount_usd
    from reconciliation.months as m
    semi join staging.billing_summaries as s
        on
            m.month = s.month
            and s.is_closed
    union all by name
    select
        month,
        'invoice_rounding' as name,
        rounding_usd as amount_usd
    from reconciliation.invoices
    where is_closed
),

charges as (
    select
        *,
        case when resource in ('rounding', 'difference') then 'adjustment' else 'usage' end as category,
        '' as name
    from reconciliation.usage_charges
    union all by name
    select
        month::timestamp as hour,
        month + interval 1 month as until,
        false as is_correction,
        amount_usd,
        'settled' as status,
        case
            when name not in ('not_itemised', 'invoice_rounding') and amount_usd < 0 then 'credit'
            else 'adjustment'
        end as category,
        name
    from summary_lines
    where amount_usd != 0
)

select
    date_trunc('month', c.hour)::date as month,  -- first day of the UTC month that bills it
    v.number as invoice_number,  -- the month's invoice; null while none is landed
    c.hour,  -- start of the billed interval, UTC; of a line of the summary, of the month
    c.until,  -- its end, exclusive, UTC
    c.environment,  -- Modal environment; null for a line of the summary, as is everything down to component
    c.object_id,  -- Modal object that was billed
    c.app,  -- its name
    c.resolution,  -- h or d
    c.resource,  -- catalog name or the bill's label; rounding, difference; all (not broken down)
    c.kind,  -- gpu, cpu, memory; other (not broken down, unknown labels)
    c.function,  -- who caused it; names in double underscores are residuals
    c.phase,  -- rollout phase of the containers; none outside the programme
    c.component,  -- what it was for, see catalog.components
    c.category,  -- usage; adjustment (rounding, not itemised, the plan …); credit
    c.name,  -- line of the summary: credits, not_itemised, invoice_rounding …; empty for attributed amounts
    c.is_correction,  -- what has moved since the month was closed
    c.amount_usd,  -- exact
    c.price_percent,  -- factor on the list price by region and nonpreemptible, in hundredths
    c.unit_price_usd,  -- list price × factor; 1 where only an amount is billed
    c.quantity,  -- amount ÷ unit price, to 12 decimals; Modal bills amounts, not quantities
    c.unit,  -- Hours (of a GPU or a core), GiB-Hours or USD (only an amount is billed); null if unpriced
    c.container_seconds,  -- container time by the call log; null where none was measured
    c.tags,  -- the object's tags on the bill, JSON; null without any
    c.status  -- settled, provisional or restated
from charges as c
left join reconciliation.invoices as v on date_trunc('month', c.hour)::date = v.month
