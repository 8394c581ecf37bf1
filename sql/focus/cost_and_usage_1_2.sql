/*
Modal's bill as FOCUS 1.2 Cost and Usage: a row for every attributed amount, and for every line that leads from metered to
billed in a month that is over. The sum of BilledCost over a month is what was attributed of it; with a summary, what Modal
charges; with an invoice in dollars, that in its own decimals.

The resource is what Modal bills: an app, a volume, a sandbox. Which function and phase caused the charge, and by what, is
in the columns with x_. Names and casing are those of FOCUS, hence not of this warehouse.

materialized: view
key: ChargePeriodStart, ResourceId, x_Interval, x_Resource, x_Function, x_Phase, x_Component, ChargeClass, ChargeDescription
partition: ChargePeriodStart
*/
-- noqa: disable=CP02
with

charges as (
    select
        c.* exclude (tags),
        c.tags as object_tags,
        coalesce(c.app, c.object_id) as display_name,
        case
            when c.unit is null then null
            when c.resource != 'all' then c.resource
            when not k.has_functions then k.label
            else 'Not broken down'
        end as sku,
        k.label,
        k.service,
        k.service_category,
        k.service_subcategory
    from reconciliation.charges as c
    left join catalog.object_kinds as k on split_part(c.object_id, '-', 1) || '-' = k.prefix
)

select
    b.account_id as BillingAccountId,  -- the Modal workspace, as catalog/billing.yaml calls it
    b.account_name as BillingAccountName,  -- its name
    c.environment as SubAccountId,  -- Modal environment; null for charges of the whole workspace
    c.environment as SubAccountName,  -- the same: an environment has no other name
    'Modal' as ProviderName,  -- who provides
    'Modal' as PublisherName,  -- who publishes
    'Modal' as InvoiceIssuerName,  -- who sends the invoice
    c.invoice_number as InvoiceId,  -- number of the month's invoice; null while none is landed
    c.month::timestamp as BillingPeriodStart,  -- start of the UTC month
    c.month + interval 1 month as BillingPeriodEnd,  -- its end, exclusive
    c.hour as ChargePeriodStart,  -- start of the billed hour or day, or of the month, UTC
    c.until as ChargePeriodEnd,  -- its end, exclusive
    case c.category
        when 'usage' then 'Usage'
        when 'credit' then 'Credit'
        else 'Adjustment'
    end as ChargeCategory,  -- Usage; Credit; Adjustment (rounding, not itemised, the plan, reservations)
    case when c.is_correction then 'Correction' end as ChargeClass,  -- what was settled anew after its month had ended
    case
        when c.name = '' then c.resource || ' of ' || display_name || ': ' || c.function || ', ' || c.component
        when c.name = 'not_itemised' then 'Metered by the monthly summary, in no landed report'
        when c.name = 'invoice_rounding' then 'Rounding of the month to the decimals of its invoice'
        else 'Monthly summary: ' || replace(c.name, '_', ' ')
    end as ChargeDescription,  -- in words
    case
        when c.category = 'usage' then 'Usage-Based'
        when c.name = 'plan_cost' then 'Recurring'
        else 'One-Time'
    end as ChargeFrequency,  -- Usage-Based; Recurring (the plan); One-Time
    c.amount_usd as BilledCost,  -- what is charged, exact
    c.amount_usd as EffectiveCost,  -- the same: no row pays for other rows in advance
    c.amount_usd as ContractedCost,  -- the same: Modal's exports show no negotiated prices
    c.amount_usd as ListCost,  -- the same: Modal meters at list prices
    'USD' as BillingCurrency,  -- US dollars
    'USD' as PricingCurrency,  -- US dollars
    c.amount_usd as PricingCurrencyEffectiveCost,  -- EffectiveCost
    c.unit_price_usd as PricingCurrencyListUnitPrice,  -- ListUnitPrice
    c.unit_price_usd as PricingCurrencyContractedUnitPrice,  -- ContractedUnitPrice
    case when c.category = 'usage' then 'Standard' end as PricingCategory,  -- null for what has no price
    c.quantity as PricingQuantity,  -- ListCost ÷ ListUnitPrice to 12 decimals: Modal bills amounts, not quantities
    c.unit as PricingUnit,  -- Hours (of a GPU, of a core), GiB-Hours, or USD where only an amount is billed
    c.unit_price_usd as ListUnitPrice,  -- list price × factor for region and nonpreemptible; 1 where only an amount is billed
    c.unit_price_usd as ContractedUnitPrice,  -- the same
    case
        when c.category = 'usage' and not c.is_correction
            then coalesce(c.container_seconds, c.quantity)
    end::decimal(38, 12) as ConsumedQuantity,  -- container time by the call log; where none was measured, PricingQuantity
    case
        when c.category != 'usage' or c.is_correction then null
        when c.container_seconds is not null then 'Seconds'
        else c.unit
    end as ConsumedUnit,  -- Seconds of containers where they were measured, else PricingUnit
    null::varchar as CommitmentDiscountStatus,  -- always null: Modal's exports know no commitments
    coalesce(c.service, 'Modal') as ServiceName,  -- by the kind of object that is billed
    coalesce(c.service_category, 'Other') as ServiceCategory,  -- Compute, Storage; Other for charges of the whole workspace
    coalesce(c.service_subcategory, 'Other (Other)') as ServiceSubcategory,  -- Serverless Compute, File Storage or Other (Other)
    c.sku as SkuId,  -- GPU type, CPU, Memory, the bill's label, Volume …; null for what has no price
    case
        when c.unit in ('Hours', 'GiB-Hours') then c.sku || '/' || c.price_percent || '%'
        else c.sku || '/' || c.unit
    end as SkuPriceId,  -- the SKU and its factor on the list price in hundredths, A100-40GB/100%
    case
        when c.sku is null then null
        when c.unit = 'USD' then 'Amount'
        when c.kind = 'gpu' then 'GPU time'
        when c.kind = 'cpu' then 'Core time'
        else 'Memory time'
    end as SkuMeter,  -- what is metered; Amount where the bill gives nothing else
    case
        when c.unit not in ('Hours', 'GiB-Hours') then null
        when c.kind = 'gpu' then '{"GpuCount": 1, "x_PricePercent": ' || c.price_percent || '}'
        when c.kind = 'cpu' then '{"CoreCount": 1, "x_PricePercent": ' || c.price_percent || '}'
        else '{"MemorySize": 1, "x_PricePercent": ' || c.price_percent || '}'
    end as SkuPriceDetails,  -- what one unit is (JSON), and the factor on the list price in hundredths
    null::varchar as RegionId,  -- always null: Modal's bill does not say where something ran
    null::varchar as RegionName,  -- always null
    c.object_id as ResourceId,  -- Modal object that is billed: ap- app, vo- volume, sb- sandbox
    case when c.app != c.object_id then c.app end as ResourceName,  -- its name
    coalesce(c.label, case when c.object_id is not null then 'Object' end) as ResourceType,  -- App, Volume, Sandbox or Object
    c.object_tags as Tags,  -- the object's tags on the bill, JSON; null without any
    c.function as x_Function,  -- the function that caused the charge; names in double underscores are residuals
    c.phase as x_Phase,  -- rollout phase of its containers; none outside the programme
    c.component as x_Component,  -- what it was for, see catalog.components
    c.resource as x_Resource,  -- GPU type, CPU, Memory, the bill's label; rounding; all (not broken down)
    case c.resolution when 'h' then 'hour' when 'd' then 'day' else 'month' end as x_Interval,  -- what was billed
    c.status as x_Status  -- settled, provisional (may still change) or restated
from charges as c
cross join catalog.billing as b
