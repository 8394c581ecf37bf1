/*
Which of the billed GPUs the containers of a function got: of the one that it asks for all its time; where it names
several choices, or nothing is known of it, parts of its time by what the pools can bear.

A pool bears first what nobody else claims, then what others only claim by inference, then what is billed. A function that
only one of its pools can bear has no choice either, and comes before those that have one. Where only variants of a function
ask for a GPU, what its pools cannot bear had none. What is possible and no more, such as requests of a server, is not weighed.

key: environment, object_id, interval_start, resolution, resource, function, phase, configuration_from
partition: interval_start
*/
with

gpu_pools as (
    select
        row_number() over (order by l.environment, l.object_id, l.hour, l.resolution, l.resource) as pool_number,
        l.environment,
        l.object_id,
        l.hour as interval_start,
        l.resolution,
        l.resource,
        (abs(l.billed_usd) * 1000000000000)::hugeint as billed_pd,
        p.picodollars_per_hour
    from spend.pools as l
    inner join staging.prices as p
        on
            l.resource = p.resource
            and l.hour >= p.valid_from
            and l.hour < p.valid_to
    where
        l.kind = 'gpu'
        and l.is_deployed_app
        and l.hour >= $since
        and l.hour < $until
),

-- A holder: the containers of one configuration of one function in one interval.
held_time as (
    select
        t.environment,
        t.object_id,
        t.interval_start,
        t.resolution,
        t.function,
        t.phase,
        t.configuration_from,
        k.source = 'unknown' as is_unknown,
        k.gpus,
        coalesce(k.may_lack_gpu, false) as may_lack_gpu,
        k.region_percent,
        coalesce(sum(t.container_us) filter (where t.evidence not in ('rest', 'beyond', 'wait', 'requests')), 0)::hugeint
            as container_us,
        coalesce(sum(t.container_us) filter (where t.payment_order = 1), 0)::hugeint as seen_us,
        bool_or(t.evidence = 'requests') as has_requests
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
    group by all
),

held as (
    select
        *,
        row_number() over (
            order by environment, object_id, interval_start, resolution, function, configuration_from, phase
        ) as holder
    from held_time
),

-- What one microsecond of a container costs in a pool is unit ÷ 360,000,000,000 picodollars.
own_pools as (
    select
        h.holder,
        h.environment,
        h.object_id,
        h.interval_start,
        h.resolution,
        h.function,
        h.phase,
        h.configuration_from,
        h.container_us,
        h.seen_us,
        p.pool_number,
        p.resource,
        p.billed_pd,
        case
            when h.is_unknown then 1
            else list_filter(h.gpus, lambda g: struct_extract(g, 'gpu') = p.resource)[1].gpu_count
        end as gpu_count,
        gpu_count * h.region_percent * p.picodollars_per_hour as unit,
        h.may_lack_gpu,
        h.has_requests,
        count(*) over (partition by h.holder) + h.may_lack_gpu::integer as choices
    from held as h
    inner join gpu_pools as p
        on
            h.environment = p.environment
            and h.object_id = p.object_id
            and h.interval_start = p.interval_start
            and h.resolution = p.resolution
            and (h.is_unknown or list_contains(list_transform(h.gpus, lambda g: struct_extract(g, 'gpu')), p.resource))
),

-- What is left of such a pool a server can have caused, so that a choice falls on it last.
open_pools as (
    select distinct pool_number
    from own_pools
    where has_requests
),

claimed_without_choice as (
    select
        pool_number,
        sum(meta.quotient(container_us * unit, 360000000000))::hugeint as claim_pd,
        sum(meta.quotient(seen_us * unit, 360000000000))::hugeint as seen_pd
    from own_pools
    where choices = 1
    group by all
),

-- A pool bears a holder when over a hundredth of it is left; one that a single pool can bear has no choice either.
bearing as (
    select
        o.*,
        greatest(0, o.billed_pd - coalesce(c.claim_pd, 0)) as free_pd,
        greatest(0, o.billed_pd - coalesce(c.seen_pd, 0)) as free_of_seen_pd,
        free_pd * 100 > o.billed_pd as can_bear,
        count(*) filter (where can_bear) over (partition by o.holder) as bearing_pools
    from own_pools as o
    left join claimed_without_choice as c on o.pool_number = c.pool_number
    where o.choices > 1
),

claimed_by_the_only_bearer as (
    select
        pool_number,
        sum(meta.quotient(container_us * unit, 360000000000))::hugeint as claim_pd,
        sum(meta.quotient(seen_us * unit, 360000000000))::hugeint as seen_pd
    from bearing
    where
        bearing_pools = 1
        and can_bear
        and not may_lack_gpu
    group by all
),

-- How long a pool can bear a holder, in microseconds: by what is free, by what only inference claims, by what is billed.
bearable as (
    select
        b.holder,
        b.pool_number,
        b.container_us,
        b.may_lack_gpu,
        p.pool_number is not null as is_open,
        case
            when b.bearing_pools = 1 and not b.may_lack_gpu then b.free_pd
            else greatest(0, b.free_pd - coalesce(c.claim_pd, 0))
        end * 360000000000 // b.unit as free_us,
        case
            when b.bearing_pools = 1 and not b.may_lack_gpu then b.free_of_seen_pd
            else greatest(0, b.free_of_seen_pd - coalesce(c.seen_pd, 0))
        end * 360000000000 // b.unit as free_of_seen_us,
        b.billed_pd * 360000000000 // b.unit + 1 as billed_us
    from bearing as b
    left join claimed_by_the_only_bearer as c on b.pool_number = c.pool_number
    left join open_pools as p on b.pool_number = p.pool_number
),

bearable_together as (
    select
        *,
        free_of_seen_us - free_us as inferred_us,
        sum(free_us) over (partition by holder)::hugeint as all_free_us,
        coalesce(sum(free_us) filter (where not is_open) over (partition by holder), 0)::hugeint as closed_free_us,
        all_free_us - closed_free_us as open_free_us,
        sum(free_of_seen_us - free_us) over (partition by holder)::hugeint as all_inferred_us,
        sum(billed_us) over (partition by holder)::hugeint as all_billed_us
    from bearable
),

weighted_choices as (
    select
        holder,
        pool_number,
        container_us,
        may_lack_gpu,
        case
            when is_open
                then free_us * least(greatest(0, container_us - closed_free_us), open_free_us) // greatest(open_free_us, 1)
            else free_us * least(container_us, closed_free_us) // greatest(closed_free_us, 1)
        end
        + case
            when may_lack_gpu then 0
            else
                inferred_us * least(greatest(container_us - all_free_us, 0), all_inferred_us) // greatest(all_inferred_us, 1)
                + billed_us * greatest(container_us - all_free_us - all_inferred_us, 0) // all_billed_us
        end as weight
    from bearable_together
),

-- Parts of a holder's time in millionths: the last pool takes what is left, so that no second claims twice.
chosen as (
    select
        holder,
        pool_number,
        case
            when may_lack_gpu then weight * 1000000 // greatest(container_us, 1)
            when sum(weight) over all_pools = 0 then 1000000 // count(*) over all_pools
            else weight * 1000000 // sum(weight) over all_pools
        end::bigint as rounded_ppm,
        not may_lack_gpu
        and row_number() over (partition by holder order by weight desc, pool_number asc) = 1 as takes_the_rest
    from weighted_choices
    window all_pools as (partition by holder)
),

shares as (
    select
        holder,
        pool_number,
        case
            when takes_the_rest
                then 1000000 - (sum(rounded_ppm) over (partition by holder) - rounded_ppm)
            else rounded_ppm
        end::bigint as share_ppm
    from chosen
    union all by name
    select
        holder,
        pool_number,
        1000000 as share_ppm
    from own_pools
    where choices = 1
)

select
    o.environment,  -- Modal environment
    o.object_id,  -- Modal app that was billed
    o.interval_start,  -- start of the billed interval, UTC
    o.resolution,  -- h or d
    o.resource,  -- a GPU on the bill that the function can have got
    o.function,  -- whose containers
    o.phase,  -- rollout phase of the containers
    o.configuration_from,  -- names their configuration, see staging.configurations
    o.gpu_count,  -- GPUs of this kind that a container holds
    s.share_ppm  -- the part of the container time that held it, in millionths
from own_pools as o
inner join shares as s
    on
        o.holder = s.holder
        and o.pool_number = s.pool_number
