/*
Which GPU pool each second of container time claims, and how much of it the pool pays for.

Seconds are allocated, not dollars: what its own pools pay for claims no other. A pool pays first what is better known.
Seconds that their own pools do not pay for claim the GPUs on the bill that no function of the app asks for; requests that a
server may have answered do not.

key: environment, object_id, interval_start, resolution, resource, function, phase, configuration_from, hour, component, evidence
partition: interval_start
*/
with

gpu_pools as (
    select
        row_number() over (order by environment, object_id, hour, resolution, resource) as pool_number,
        environment,
        object_id,
        hour as interval_start,
        resolution,
        resource,
        is_other_gpu,
        (abs(billed_usd) * 1000000000000)::hugeint as billed_pd
    from spend.pools
    where
        kind = 'gpu'
        and is_deployed_app
        and hour >= $since
        and hour < $until
),

-- From here on a row of container time is its number.
held as materialized (
    select
        t.*,
        k.gpus[1].gpu_count as first_gpu_count,
        k.region_percent,
        row_number() over () as row_number
    from spend.container_time as t
    inner join staging.configurations as k
        on
            t.environment = k.environment
            and t.app = k.app
            and t.function = k.function
            and t.configuration_from = k.valid_from
    where
        t.interval_start >= $since
        and t.interval_start < $until
        and (k.source = 'unknown' or len(k.gpus) > 0)
),

-- Before prices, which the planner would join to all time first, each of them to every row.
own_time as materialized (
    select
        t.row_number,
        t.payment_order,
        t.hour,
        t.region_percent,
        g.pool_number,
        g.resource,
        s.gpu_count,
        case
            when s.share_ppm = 1000000 then t.container_us
            else meta.quotient(t.container_us::hugeint * s.share_ppm, 1000000)::bigint
        end as claimed_us
    from held as t
    inner join spend.gpu_choices as s
        on
            t.environment = s.environment
            and t.object_id = s.object_id
            and t.interval_start = s.interval_start
            and t.resolution = s.resolution
            and t.function = s.function
            and t.phase = s.phase
            and t.configuration_from = s.configuration_from
    inner join gpu_pools as g
        on
            s.environment = g.environment
            and s.object_id = g.object_id
            and s.interval_start = g.interval_start
            and s.resolution = g.resolution
            and s.resource = g.resource
    where s.share_ppm > 0
),

own_claims as (
    select
        t.row_number,
        t.payment_order,
        t.pool_number,
        t.claimed_us,
        -- microseconds in an hour × hundredths of the factor
        meta.quotient(
            t.claimed_us::hugeint * t.gpu_count * t.region_percent * p.picodollars_per_hour, 360000000000
        ) as claim_pd
    from own_time as t
    inner join staging.prices as p
        on
            t.resource = p.resource
            and t.hour >= p.valid_from
            and t.hour < p.valid_to
),

own_turns as (
    select
        pool_number,
        payment_order,
        sum(claim_pd)::hugeint as claim_pd
    from own_claims
    group by all
),

own_turns_after_others as (
    select
        *,
        coalesce(
            sum(claim_pd) over (
                partition by pool_number
                order by payment_order
                rows between unbounded preceding and 1 preceding
            ), 0
        )::hugeint as paid_before_pd
    from own_turns
),

paid_own_claims as (
    select
        c.*,
        case
            when g.billed_pd >= t.paid_before_pd + t.claim_pd then c.claimed_us
            when g.billed_pd <= t.paid_before_pd then 0
            else meta.quotient(c.claimed_us * (g.billed_pd - t.paid_before_pd), t.claim_pd)
        end::bigint as paid_us
    from own_claims as c
    inner join own_turns_after_others as t
        on
            c.pool_number = t.pool_number
            and c.payment_order = t.payment_order
    inner join gpu_pools as g on c.pool_number = g.pool_number
),

paid_by_own_pools as (
    select
        row_number,
        sum(paid_us)::bigint as paid_us
    from paid_own_claims
    group by all
),

other_pools as (
    select
        g.*,
        g.billed_pd // (p.picodollars_per_hour // 1000000 + 1) + 1 as weight
    from gpu_pools as g
    inner join staging.prices as p
        on
            g.resource = p.resource
            and g.interval_start >= p.valid_from
            and g.interval_start < p.valid_to
    where g.is_other_gpu
),

weighted_other_pools as (
    select
        *,
        sum(weight) over (partition by environment, object_id, interval_start, resolution)::hugeint as total_weight
    from other_pools
),

other_claims as (
    select
        t.row_number,
        t.payment_order,
        g.pool_number,
        ((t.container_us - coalesce(o.paid_us, 0)) * g.weight // g.total_weight)::bigint as claimed_us,
        meta.quotient(
            claimed_us::hugeint * t.first_gpu_count * t.region_percent * p.picodollars_per_hour, 360000000000
        ) as claim_pd
    from held as t
    inner join weighted_other_pools as g
        on
            t.environment = g.environment
            and t.object_id = g.object_id
            and t.interval_start = g.interval_start
            and t.resolution = g.resolution
    inner join staging.prices as p
        on
            g.resource = p.resource
            and t.hour >= p.valid_from
            and t.hour < p.valid_to
    left join paid_by_own_pools as o on t.row_number = o.row_number
    where
        t.first_gpu_count is not null
        and t.evidence != 'requests'
),

other_turns as (
    select
        pool_number,
        payment_order,
        sum(claim_pd)::hugeint as claim_pd
    from other_claims
    group by all
),

other_turns_after_others as (
    select
        *,
        coalesce(
            sum(claim_pd) over (
                partition by pool_number
                order by payment_order
                rows between unbounded preceding and 1 preceding
            ), 0
        )::hugeint as paid_before_pd
    from other_turns
),

paid_claims as (
    select *
    from paid_own_claims
    union all by name
    select
        c.*,
        case
            when g.billed_pd >= t.paid_before_pd + t.claim_pd then c.claimed_us
            when g.billed_pd <= t.paid_before_pd then 0
            else meta.quotient(c.claimed_us * (g.billed_pd - t.paid_before_pd), t.claim_pd)
        end::bigint as paid_us
    from other_claims as c
    inner join other_turns_after_others as t
        on
            c.pool_number = t.pool_number
            and c.payment_order = t.payment_order
    inner join gpu_pools as g on c.pool_number = g.pool_number
),

claimed as (
    select
        pool_number,
        sum(claim_pd)::hugeint as claim_pd
    from paid_claims
    group by all
),

-- What a pool has beyond its claims is time of the same containers, as far as it may stay unexplained.
unexplained as (
    select
        c.pool_number,
        c.claim_pd,
        greatest(0, least(g.billed_pd - c.claim_pd, c.claim_pd * s.unexplained_percent // 100)) as unexplained_pd
    from claimed as c
    inner join gpu_pools as g on c.pool_number = g.pool_number
    cross join catalog.settings as s
)

select
    g.environment,  -- Modal environment
    g.object_id,  -- Modal app that was billed
    h.app,  -- its name
    g.interval_start,  -- start of the billed interval, UTC
    g.resolution,  -- h or d
    g.resource,  -- the GPU that is claimed
    h.function,  -- who claims
    h.phase,  -- rollout phase of the containers
    h.configuration_from,  -- names their configuration, see staging.configurations
    h.hour,  -- start of the hour, UTC
    h.component,  -- what it was for, see catalog.components
    h.evidence,  -- see spend.container_time
    h.payment_order,  -- what is better known is paid first
    c.claimed_us,  -- container time that claims this GPU, microseconds
    c.paid_us,  -- how much of it the pool pays for, microseconds
    case
        when u.unexplained_pd = 0 then 0
        else meta.quotient(c.claimed_us * u.unexplained_pd, greatest(u.claim_pd, 1))::bigint
    end as unexplained_us,  -- more time that it pays for
    c.claim_pd,  -- modelled cost in picodollars
    case h.least_ppm
        when 0 then 0
        when 1000000 then c.claim_pd
        else meta.quotient(c.claim_pd * h.least_ppm, 1000000)
    end as least_pd,  -- what of it was there at least
    case h.most_ppm
        when 1000000 then c.claim_pd
        else meta.quotient(c.claim_pd * h.most_ppm, 1000000)
    end as most_pd  -- what it may have been at most
from paid_claims as c
inner join gpu_pools as g on c.pool_number = g.pool_number
inner join unexplained as u on c.pool_number = u.pool_number
inner join held as h on c.row_number = h.row_number
where c.claimed_us > 0
