/*
What the sandboxes of an app claim of its pools: what Modal itself says that they cost in a window, by resource.

Whether sandboxes are billed under their app or under ids of their own is not public. Where ids of sandboxes are billed for at
least half of what they cost on a day, they claim nothing of an app. Modal's figure is of a day: within it, a pool bears first
what functions do not claim, then what they only claim by inference, then what is billed.

key: pool_number, claimant_key, component, evidence
partition: hour
empty without: staging.sandbox_costs
*/
with

costs as (
    select
        environment,
        app_id as object_id,
        since,
        until,
        resource,
        (sum(cost_usd) * 1000000000000)::hugeint as cost_pd
    from staging.sandbox_costs
    where
        since < $until
        and until > $since
    group by all
    having sum(cost_usd) > 0
),

billed_apart as (
    select
        i.environment,
        date_trunc('day', i.hour) as day,
        sum(i.billed_usd) as billed_usd
    from spend.pools as i
    inner join catalog.object_kinds as k
        on
            split_part(i.object_id, '-', 1) || '-' = k.prefix
            and k.kind = 'sandbox'
    where
        i.hour >= $since
        and i.hour < $until
    group by all
),

days as (
    select
        environment,
        date_trunc('day', since) as day,
        sum(cost_pd) as cost_pd
    from costs
    group by all
),

days_in_apps as (
    select
        d.environment,
        d.day
    from days as d
    left join billed_apart as b
        on
            d.environment = b.environment
            and d.day = b.day
    where coalesce(b.billed_usd, 0) * 2000000000000 < d.cost_pd
),

-- A pool that is not broken down has all resources together.
claimed_pools as (
    select
        p.environment,
        p.object_id,
        p.hour,
        p.resource,
        p.pool_number,
        c.since,
        (abs(any_value(p.billed_usd)) * 1000000000000)::hugeint as billed_pd,
        sum(c.cost_pd)::hugeint as cost_pd
    from spend.pools as p
    inner join costs as c
        on
            p.environment = c.environment
            and p.object_id = c.object_id
            and (p.resource = c.resource or p.kind = 'all')
            and p.hour < c.until
            and p.hour + case p.resolution when 'h' then interval 1 hour else interval 1 day end > c.since
    inner join days_in_apps as d
        on
            c.environment = d.environment
            and date_trunc('day', c.since) = d.day
    where
        p.is_deployed_app
        and p.hour >= $since
        and p.hour < $until
    group by all
),

claims as (
    select
        pool_number,
        payment_order,
        evidence,
        claim_pd
    from spend.function_claims
    where
        hour >= $since
        and hour < $until
    union all by name
    select
        pool_number,
        payment_order,
        evidence,
        claim_pd
    from spend.gpu_claims
    where
        interval_start >= $since
        and interval_start < $until
),

functions as (
    select
        pool_number,
        sum(claim_pd) filter (where payment_order <= 3)::hugeint as claim_pd,
        sum(claim_pd) filter (where evidence in ('seen', 'series', 'settings'))::hugeint as known_pd
    from claims
    semi join claimed_pools using (pool_number)
    group by all
),

bearing as (
    select
        p.*,
        greatest(0, p.billed_pd - coalesce(f.claim_pd, 0))::hugeint as free_pd,
        greatest(0, p.billed_pd - coalesce(f.known_pd, 0))::hugeint - free_pd as inferred_pd,
        p.billed_pd - free_pd - inferred_pd as known_pd
    from claimed_pools as p
    left join functions as f using (pool_number)
),

bearing_together as (
    select
        *,
        sum(free_pd) over the_window::hugeint as all_free_pd,
        sum(inferred_pd) over the_window::hugeint as all_inferred_pd,
        sum(known_pd) over the_window::hugeint as all_known_pd
    from bearing
    window the_window as (partition by environment, object_id, resource, since)
),

-- In millionths of what each part of the pool is, so that products stay within 128 bits.
shares as (
    select
        *,
        least(cost_pd, all_free_pd) * 1000000 // greatest(all_free_pd, 1) as free_ppm,
        least(greatest(0, cost_pd - all_free_pd), all_inferred_pd) * 1000000 // greatest(all_inferred_pd, 1) as inferred_ppm,
        least(greatest(0, cost_pd - all_free_pd - all_inferred_pd), all_known_pd) * 1000000
        // greatest(all_known_pd, 1) as known_ppm
    from bearing_together
)

select
    hour,  -- start of the billed interval, UTC
    pool_number,  -- names the pool, see spend.pools
    meta.claimant_key('__sandboxes__', 'none') as claimant_key,  -- __sandboxes__, see spend.claimants
    'direct'::meta.component as component,  -- direct
    'stated'::meta.evidence as evidence,  -- stated: by Modal itself
    2 as payment_order,  -- what is better known is paid first
    sum((free_pd * free_ppm + inferred_pd * inferred_ppm + known_pd * known_ppm) // 1000000)::hugeint
        as claim_pd  -- in picodollars
from shares
group by all
having claim_pd > 0
