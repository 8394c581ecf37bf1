/*
Which of the billed GPUs the containers of a function got: of the one that it asks for all its time; where it names
several choices, or nothing is known of it, parts of its time by what the pools can bear.

A pool bears first what nobody else claims, then what others only claim by inference, then what is billed. A function that
only one of its pools can bear has no choice either, and comes before those that have one. Where only variants of a function
ask for a GPU, what its pools cannot bear had none. What is possible and no more, such as requests of a server, is not weighed.

key: pool_number, configuration_key
partition: interval_start
weeks at once: 5
*/
with

gpu_pools as materialized (
    select
        l.pool_number,
        l.interval_number,
        l.hour as interval_start,
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

configurations as materialized (
    select * replace (coalesce(may_lack_gpu, false) as may_lack_gpu)
    from staging.configurations
    where
        source = 'unknown'
        or len(gpus) > 0
),

billed_kinds as (
    select distinct resource
    from gpu_pools
),

-- Which kinds of GPUs a container can have got.
kinds as (
    select
        k.configuration_key,
        r.resource,
        case
            when k.source = 'unknown' then 1
            else list_filter(k.gpus, lambda g: struct_extract(g, 'gpu') = r.resource)[1].gpu_count
        end as gpu_count
    from configurations as k
    cross join billed_kinds as r
    where
        k.source = 'unknown'
        or list_contains(list_transform(k.gpus, lambda g: struct_extract(g, 'gpu')), r.resource)
),

-- A holder: the containers of one configuration of one function in one interval.
held_time as materialized (
    select
        interval_number,
        configuration_key,
        coalesce(sum(container_us) filter (where evidence not in ('rest', 'beyond', 'wait', 'requests')), 0)::hugeint
            as container_us,
        coalesce(sum(container_us) filter (where payment_order = 1), 0)::hugeint as seen_us,
        bool_or(evidence = 'requests') as has_requests
    from spend.container_time
    where
        interval_start >= $since
        and interval_start < $until
    group by all
),

held as materialized (
    select
        h.*,
        k.may_lack_gpu,
        k.region_percent,
        row_number() over () as holder
    from held_time as h
    inner join configurations as k on h.configuration_key = k.configuration_key
),

-- What one microsecond of a container costs in a pool is unit ÷ 360,000,000,000 picodollars.
own_pools as materialized (
    select
        h.holder,
        h.configuration_key,
        h.container_us,
        h.seen_us,
        p.interval_start,
        p.interval_number,
        p.pool_number,
        p.resource,
        p.billed_pd,
        k.gpu_count,
        k.gpu_count * h.region_percent * p.picodollars_per_hour as unit,
        h.may_lack_gpu,
        h.has_requests
    from held as h
    inner join gpu_pools as p on h.interval_number = p.interval_number
    inner join kinds as k
        on
            h.configuration_key = k.configuration_key
            and p.resource = k.resource
),

choosing as (
    select holder
    from own_pools
    group by all
    having count(*) + max(may_lack_gpu::integer) > 1
),

pools_with_a_choice as (
    select distinct o.pool_number
    from own_pools as o
    semi join choosing as c on o.holder = c.holder
),

-- What is left of such a pool a server can have caused, so that a choice falls on it last.
open_pools as (
    select distinct pool_number
    from own_pools
    where has_requests
),

claimed_without_choice as (
    select
        o.pool_number,
        sum(meta.quotient(o.container_us * o.unit, 360000000000))::hugeint as claim_pd,
        sum(meta.quotient(o.seen_us * o.unit, 360000000000))::hugeint as seen_pd
    from own_pools as o
    anti join choosing as c on o.holder = c.holder
    where o.pool_number in (select w.pool_number from pools_with_a_choice as w)
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
    semi join choosing as h on o.holder = h.holder
    left join claimed_without_choice as c on o.pool_number = c.pool_number
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

shares_of_choices as (
    select
        holder,
        pool_number,
        case
            when takes_the_rest
                then 1000000 - (sum(rounded_ppm) over (partition by holder) - rounded_ppm)
            else rounded_ppm
        end::bigint as share_ppm
    from chosen
),

shares as (
    select
        o.*,
        1000000 as share_ppm
    from own_pools as o
    anti join choosing as c on o.holder = c.holder
    union all by name
    select
        o.*,
        s.share_ppm
    from shares_of_choices as s
    inner join own_pools as o
        on
            s.holder = o.holder
            and s.pool_number = o.pool_number
)

select
    interval_start,  -- start of the billed interval, UTC
    interval_number,  -- names the interval of the billed app, see spend.pools
    pool_number,  -- names the pool of the GPU
    resource,  -- a GPU on the bill that the function can have got
    configuration_key,  -- whose containers, see usage.configurations
    gpu_count,  -- GPUs of this kind that a container holds
    share_ppm  -- the part of the container time that held it, in millionths
from shares
