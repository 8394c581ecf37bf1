/*
Gate G1: every billed pool against what was attributed of it, at zero tolerance, and how much of it the log explains.

key: environment, object_id, hour, resolution, resource
partition: hour
weeks at once: 5
*/
with

attributed as (
    select
        environment,
        object_id,
        hour,
        resolution,
        resource,
        sum(amount_usd) as attributed_usd,
        abs(sum(modelled_usd)) as modelled_usd
    from spend.hourly
    where
        hour >= $since
        and hour < $until
    group by all
),

-- What is seen counts in full, also where the bill does not pay for it.
seen as (
    select
        environment,
        object_id,
        hour,
        resolution,
        resource,
        sum(claim_pd)::decimal(38, 0) * 0.000000000001::decimal(12, 12) as seen_usd
    from spend.claims
    where
        evidence = 'seen'
        and hour >= $since
        and hour < $until
    group by all
),

bill as (
    select
        environment,
        object_id,
        max(app) as app,
        hour,
        resolution,
        resource,
        sum(amount_usd) as billed_usd,
        min(status) as status
    from staging.billing_items
    where
        reading = 'now'
        and hour >= $since
        and hour < $until
    group by all
),

keys as (
    select
        environment,
        object_id,
        hour,
        resolution,
        resource
    from bill
    union
    distinct
    select
        environment,
        object_id,
        hour,
        resolution,
        resource
    from attributed
)

select
    k.environment,  -- Modal environment
    k.object_id,  -- Modal object
    b.app,  -- its name on the bill
    k.hour,  -- start of the billed interval, UTC
    k.resolution,  -- h or d
    k.resource,  -- catalog name or label
    coalesce(b.billed_usd, 0) as billed_usd,  -- what Modal metered
    coalesce(a.attributed_usd, 0) as attributed_usd,  -- what spend.hourly carries of it
    greatest(coalesce(a.modelled_usd, 0), coalesce(m.seen_usd, 0)) as modelled_usd,  -- what log and settings account for
    coalesce(a.attributed_usd, 0) - coalesce(b.billed_usd, 0) as difference_usd,  -- zero, or the gate is closed
    b.status  -- settled, provisional or restated
from keys as k
left join bill as b using (environment, object_id, hour, resolution, resource)
left join attributed as a using (environment, object_id, hour, resolution, resource)
left join seen as m using (environment, object_id, hour, resolution, resource)
