/*
Modal's bill as FOCUS 1.4 Cost and Usage with split cost allocation: the charge is what Modal bills of an app, the allocated
resource is the function that caused it. The rows of focus.cost_and_usage_1_2, those of a charge and a function together;
their phases and components are the elements of AllocatedMethodDetails, and the ratios of a charge add up to exactly 1.

What no function caused (volumes, sandboxes, cost without calls, lines of the monthly summary) is not allocated.

materialized: view
key: ChargePeriodStart, ResourceId, x_Interval, x_Resource, AllocatedResourceId, ChargeClass, SkuPriceId, ChargeDescription
partition: ChargePeriodStart
*/
-- noqa: disable=CP02
with

-- An app's charge: what is billed of it in an interval for a resource at one price.
origins as (
    select
        f.*,
        c.has_function as is_allocated,
        case when is_allocated then concat_ws(
            '/', f.SubAccountId, f.ResourceId, strftime(f.ChargePeriodStart, '%Y-%m-%dT%H:%M:%SZ'), f.x_Interval,
            coalesce(f.SkuPriceId, f.x_Resource), f.ChargeClass
        ) end as origin,
        abs((f.BilledCost * 1000000000000)::hugeint) as amount_pd
    from focus.cost_and_usage_1_2 as f
    left join catalog.components as c on f.x_Component = c.component
),

-- A charge of nothing is split evenly.
summed as (
    select
        *,
        sum(BilledCost) over charge as origin_usd,
        sum(amount_pd) over charge as charge_pd,
        count(*) over charge as charge_rows,
        sum(amount_pd) over down_the_charge as sum_pd,
        count(*) over down_the_charge as sum_rows
    from origins
    window
        charge as (
            partition by ChargePeriodStart, origin
        ),
        down_the_charge as (
            partition by ChargePeriodStart, origin
            order by x_Function, x_Phase, x_Component
            rows unbounded preceding
        )
),

running as (
    select
        *,
        case when charge_pd = 0 then 1 else amount_pd end::hugeint as weight,
        case when charge_pd = 0 then charge_rows else charge_pd end::hugeint as total_weight,
        case when charge_pd = 0 then sum_rows else sum_pd end::hugeint as sum_weight
    from summed
),

-- Differences of a rounded running sum add up to the whole, whatever was rounded.
elements as (
    select
        *,
        1000000000000 * sum_weight // total_weight as ratio_up_to,
        1000000000000 * (sum_weight - weight) // total_weight as ratio_before,
        case when is_allocated then (ratio_up_to - ratio_before)::decimal(38, 0) * 0.000000000001::decimal(12, 12) end as ratio,
        case when ConsumedUnit = 'Seconds' then ConsumedQuantity::decimal(38, 6) end as seconds
    from running
),

described as (
    select
        *,
        '{"AllocatedRatio": ' || ratio::decimal(13, 12)
        || case when seconds is not null then ', "UsageUnit": "Seconds", "UsageQuantity": ' || seconds else '' end
        || ', "x_Phase": ' || to_json(x_Phase) || ', "x_Component": ' || to_json(x_Component) || '}' as element,
        case
            when is_allocated then x_Resource || ' of ' || coalesce(ResourceName, ResourceId) || ': ' || x_Function
            else ChargeDescription
        end as text
    from elements
)

select
    BillingAccountId,  -- the Modal workspace, as catalog/billing.yaml calls it
    BillingAccountName,  -- its name
    SubAccountId,  -- Modal environment; null for charges of the whole workspace
    SubAccountName,  -- the same: an environment has no other name
    'Modal' as ServiceProviderName,  -- who provides the service
    null::varchar as HostProviderName,  -- always null: Modal's bill does not say whose machines ran it
    InvoiceIssuerName,  -- who sends the invoice
    InvoiceId,  -- number of the month's invoice; null while none is landed
    BillingPeriodStart,  -- start of the UTC month
    BillingPeriodEnd,  -- its end, exclusive
    ChargePeriodStart,  -- start of the billed hour or day, or of the month, UTC
    ChargePeriodEnd,  -- its end, exclusive
    ChargeCategory,  -- Usage; Credit; Adjustment (rounding, not itemised, the plan, reservations)
    ChargeClass,  -- Correction: what was settled anew after its month had ended
    text as ChargeDescription,  -- in words
    ChargeFrequency,  -- Usage-Based; Recurring (the plan); One-Time
    sum(BilledCost)::decimal(38, 12) as BilledCost,  -- what is charged, exact
    sum(EffectiveCost)::decimal(38, 12) as EffectiveCost,  -- the same: no row pays for other rows in advance
    sum(ContractedCost)::decimal(38, 12) as ContractedCost,  -- the same: Modal's exports show no negotiated prices
    sum(ListCost)::decimal(38, 12) as ListCost,  -- the same: Modal meters at list prices
    BillingCurrency,  -- US dollars
    PricingCurrency,  -- US dollars
    sum(PricingCurrencyEffectiveCost)::decimal(38, 12) as PricingCurrencyEffectiveCost,  -- EffectiveCost
    PricingCurrencyListUnitPrice,  -- ListUnitPrice
    PricingCurrencyContractedUnitPrice,  -- ContractedUnitPrice
    PricingCategory,  -- Standard: list prices; null for what has no price
    sum(PricingQuantity)::decimal(38, 12) as PricingQuantity,  -- ListCost ÷ ListUnitPrice: Modal bills amounts, not quantities
    PricingUnit,  -- Hours (of a GPU, of a core), GiB-Hours, or USD where only an amount is billed
    ListUnitPrice,  -- list price × factor for region and nonpreemptible; 1 where only an amount is billed
    ContractedUnitPrice,  -- the same
    coalesce(
        sum(seconds), sum(ConsumedQuantity)
    )::decimal(38, 12) as ConsumedQuantity,  -- container time by the call log; where none was measured, PricingQuantity
    case
        when count(seconds) > 0 then 'Seconds'
        else max(ConsumedUnit)
    end as ConsumedUnit,  -- Seconds of containers where they were measured, else PricingUnit
    ServiceName,  -- by the kind of object that is billed
    ServiceCategory,  -- Compute, Storage; Other for charges of the whole workspace
    ServiceSubcategory,  -- Serverless Compute, File Storage or Other (Other)
    SkuId,  -- GPU type, CPU, Memory, the bill's label, Volume …; null for what has no price
    SkuPriceId,  -- the SKU and its factor on the list price in hundredths, A100-40GB/100%
    SkuMeter,  -- what is metered; Amount where the bill gives nothing else
    SkuPriceDetails,  -- what one unit is (JSON), and the factor on the list price in hundredths
    RegionId,  -- always null: Modal's bill does not say where something ran
    RegionName,  -- always null
    ResourceId,  -- Modal object that is billed: ap- app, vo- volume, sb- sandbox
    ResourceName,  -- its name
    ResourceType,  -- App, Volume, Sandbox or Object
    Tags,  -- the object's tags on the bill, JSON; null without any
    case when is_allocated then 'tieout-container-time' end as AllocatedMethodId,  -- see docs/focus.md
    '{"Elements": ['
    || string_agg(element, ', ' order by x_Phase, x_Component)
    || ']}' as AllocatedMethodDetails,  -- its share of the charge by phase and component, JSON; a charge's ratios add up to 1
    case when is_allocated then ResourceId || '/' || x_Function end as AllocatedResourceId,  -- the app's id and the function
    case when is_allocated then x_Function end as AllocatedResourceName,  -- the function that caused the charge
    x_Function,  -- the same; names in double underscores are residuals
    x_Resource,  -- GPU type, CPU, Memory, the bill's label; rounding; all (not broken down)
    x_Interval,  -- what was billed: hour, day, month
    x_Status,  -- settled, provisional (may still change) or restated
    origin as x_SplitOriginId,  -- names the charge that is split; null where nothing is allocated
    case when is_allocated then origin_usd end::decimal(38, 12) as x_SplitOriginCost  -- what the whole charge comes to, exact
from described
group by all
