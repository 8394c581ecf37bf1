/*
Which GPU pool each second of container time claims, and how much of it the pool pays for.

Seconds are allocated, not dollars: what its own pools pay for claims no other. A pool pays first what is better known.
Seconds that their own pools do not pay for claim the GPUs on the bill that no function of the app asks for; requests that a
server may have answered do not.

key: pool_number, configuration_key, hour, component, evidence
partition: interval_start
weeks at once: 5
*/
with

gpu_pools as materialized (
    select
        pool_number,
        interval_number,
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

intervals_of_other_gpus as materialized (
    select distinct interval_number
    from gpu_pools
    where is_other_gpu
),

named as (
    select distinct
        configuration_key,
        claimant_key,
        starts_with(function, '__server__/') as is_server
    from usage.configurations
    where
        window_start >= $since
        and window_start < $until
),

configurations as materialized (
    select
        n.*,
        k.gpus,
        k.region_percent
    from staging.configurations as k
    inner join named as n on k.configuration_key = n.configuration_key
    where
        k.source = 'unknown'
        or len(k.gpus) > 0
),

choices as materialized (
    select
        s.interval_number,
        s.configuration_key,
        s.pool_number,
        s.share_ppm,
        -- microseconds in an hour × hundredths of the factor; the price can change within a day
        s.gpu_count * k.region_percent * p.picodollars_per_hour as rate,
        p.valid_from,
        p.valid_to,
        s.interval_number in (select o.interval_number from intervals_of_other_gpus as o) as has_other_gpu,
        g.resolution = 'd' or k.is_server as is_part,
        k.claimant_key
    from spend.gpu_choices as s
    inner join gpu_pools as g on s.pool_number = g.pool_number
    inner join configurations as k on s.configuration_key = k.configuration_key
    inner join staging.prices as p
        on
            s.resource = p.resource
            and s.interval_start + case g.resolution when 'h' then interval 1 hour else interval 1 day end > p.valid_from
            and s.interval_start < p.valid_to
    where
        s.share_ppm > 0
        and s.interval_start >= $since
        and s.interval_start < $until
),

container_time as not materialized (
    select *
    from spend.container_time
    where
        interval_start >= $since
        and interval_start < $until
),

-- An outer join keeps the planner from taking all this time for little; what it does not find claims nothing.
own_time as not materialized (
    select
        t.* exclude (container_us),
        s.claimant_key,
        s.pool_number,
        s.is_part,
        s.has_other_gpu,
        s.rate,
        case
            when s.share_ppm = 1000000 then t.container_us
            else meta.quotient(t.container_us::hugeint * s.share_ppm, 1000000)::bigint
        end as claimed_us
    from container_time as t
    left join choices as s
        on
            t.interval_number = s.interval_number
            and t.configuration_key = s.configuration_key
            and t.hour >= s.valid_from
            and t.hour < s.valid_to
),

own_claims as materialized (
    select
        * exclude (rate),
        payment_order as turn,
        meta.quotient(claimed_us::hugeint * rate, 360000000000) as claim_pd
    from own_time
    where claimed_us > 0
),

own_turns as (
    select
        pool_number,
        turn,
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
                order by turn
                rows between unbounded preceding and 1 preceding
            ), 0
        )::hugeint as paid_before_pd
    from own_turns
),

-- What their own pools do not pay for claims the pools of other GPUs, where there are any.
paid_by_own_pools as (
    select
        c.interval_number,
        c.configuration_key,
        c.hour,
        c.component,
        c.evidence,
        sum(
            case
                when g.billed_pd >= t.paid_before_pd + t.claim_pd then c.claimed_us
                when g.billed_pd <= t.paid_before_pd then 0
                else meta.quotient(c.claimed_us * (g.billed_pd - t.paid_before_pd), t.claim_pd)
            end::bigint
        )::bigint as paid_us
    from own_claims as c
    inner join own_turns_after_others as t
        on
            c.pool_number = t.pool_number
            and c.turn = t.turn
    inner join gpu_pools as g on c.pool_number = g.pool_number
    where c.has_other_gpu
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
        sum(weight) over (partition by interval_number)::hugeint as total_weight
    from other_pools
),

held as materialized (
    select
        t.*,
        k.claimant_key,
        k.is_server,
        k.gpus[1].gpu_count as first_gpu_count,
        k.region_percent
    from container_time as t
    inner join intervals_of_other_gpus as i on t.interval_number = i.interval_number
    inner join configurations as k on t.configuration_key = k.configuration_key
    where t.evidence != 'requests'
),

-- They are paid in turns of their own.
other_claims as (
    select
        t.* exclude (container_us, first_gpu_count, region_percent, is_server),
        g.pool_number,
        g.resolution = 'd' or t.is_server as is_part,
        10 + t.payment_order as turn,
        ((t.container_us - coalesce(o.paid_us, 0)) * g.weight // g.total_weight)::bigint as claimed_us,
        meta.quotient(
            claimed_us::hugeint * t.first_gpu_count * t.region_percent * p.picodollars_per_hour, 360000000000
        ) as claim_pd
    from held as t
    inner join weighted_other_pools as g on t.interval_number = g.interval_number
    inner join staging.prices as p
        on
            g.resource = p.resource
            and t.hour >= p.valid_from
            and t.hour < p.valid_to
    left join paid_by_own_pools as o
        on
            t.interval_number = o.interval_number
            and t.configuration_key = o.configuration_key
            and t.hour = o.hour
            and t.component = o.component
            and t.evidence = o.evidence
    where t.first_gpu_count is not null
),

other_turns as (
    select
        pool_number,
        turn,
        sum(claim_pd)::hugeint as claim_pd
    from other_claims
    group by all
),

turns_after_others as (
    select *
    from own_turns_after_others
    union all by name
    select
        *,
        coalesce(
            sum(claim_pd) over (
                partition by pool_number
                order by turn
                rows between unbounded preceding and 1 preceding
            ), 0
        )::hugeint as paid_before_pd
    from other_turns
),

-- What a pool has beyond its claims is time of the same containers, as far as it may stay unexplained.
turns as (
    select
        t.*,
        g.billed_pd,
        sum(t.claim_pd) over (partition by t.pool_number)::hugeint as pool_claim_pd,
        greatest(
            0, least(g.billed_pd - pool_claim_pd, pool_claim_pd * s.unexplained_percent // 100)
        ) as unexplained_pd
    from turns_after_others as t
    inner join gpu_pools as g on t.pool_number = g.pool_number
    cross join catalog.settings as s
),

claims as (
    select * exclude (has_other_gpu)
    from own_claims
    union all by name
    select *
    from other_claims
)

select
    c.interval_start,  -- start of the billed interval, UTC
    c.interval_number,  -- names the interval of the billed app, see spend.pools
    c.pool_number,  -- names the pool of the GPU that is claimed
    c.is_part,  -- several rows are one claim: the hours of a day, what a server does
    c.configuration_key,  -- whose containers claim, see usage.configurations
    c.claimant_key,  -- their function and phase, see spend.claimants
    c.hour,  -- start of the hour, UTC
    c.component,  -- what it was for, see catalog.components
    c.evidence,  -- see spend.container_time
    c.payment_order,  -- what is better known is paid first
    c.claimed_us,  -- container time that claims this GPU, microseconds
    case
        when t.billed_pd >= t.paid_before_pd + t.claim_pd then c.claimed_us
        when t.billed_pd <= t.paid_before_pd then 0
        else meta.quotient(c.claimed_us * (t.billed_pd - t.paid_before_pd), t.claim_pd)
    end::bigint as paid_us,  -- how much of it the pool pays for, microseconds
    case
        when t.unexplained_pd = 0 then 0
        else meta.quotient(c.claimed_us * t.unexplained_pd, greatest(t.pool_claim_pd, 1))::bigint
    end as unexplained_us,  -- more time that it pays for
    c.claim_pd,  -- modelled cost in picodollars
    c.least_ppm,  -- what of it was there at least, in millionths
    c.most_ppm  -- what it may have been at most, in millionths
from claims as c
inner join turns as t
    on
        c.pool_number = t.pool_number
        and c.turn = t.turn
where c.claimed_us > 0
