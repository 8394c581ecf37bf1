/*
What only the bill shows to be a claim, in picodollars (1e-12 $): beside what functions, servers and sandboxes claim.

A pool that no container time claims is `unlogged`, when one function alone of the app can have used the resource: one whose
pulled log speaks for that time was not called. GPU time that nobody claims, beyond what may stay unexplained of the claims,
held CPU and memory too: as `unlogged`, or as the app's `__unexplained__` rest. So has what runs in hours without a call, and
what the containers of an hour cannot have used.

key: pool_number, claimant_key, component
partition: hour
weeks at once: 5
*/
with

-- Apps and functions are numbers, too.
configurations as materialized (
    select
        *,
        dense_rank() over (order by environment, app) as app_number,
        dense_rank() over (order by environment, app, function) as function_number
    from staging.configurations
),

apps as (
    select distinct
        app_number,
        environment,
        app
    from configurations
),

app_pools as materialized (
    select
        p.*,
        a.app_number,
        p.hour as interval_start,
        (abs(p.billed_usd) * 1000000000000)::hugeint as billed_pd
    from spend.pools as p
    left join apps as a
        on
            p.environment = a.environment
            and p.app = a.app
    where
        p.is_deployed_app
        and p.hour >= $since
        and p.hour < $until
),

claims as (
    select
        pool_number,
        claim_pd,
        container_us
    from spend.function_claims
    where
        hour >= $since
        and hour < $until
    union all by name
    select
        pool_number,
        claim_pd,
        0 as container_us
    from spend.gpu_claims
    where
        interval_start >= $since
        and interval_start < $until
    union all by name
    select
        pool_number,
        claim_pd,
        0 as container_us
    from spend.sandbox_claims
    where
        hour >= $since
        and hour < $until
),

claim_totals as (
    select
        pool_number,
        sum(claim_pd)::hugeint as claim_pd,
        sum(container_us)::hugeint as container_us
    from claims
    group by all
),

unclaimed_pools as (
    select p.*
    from app_pools as p
    left join claim_totals as c using (pool_number)
    where c.claim_pd is null
),

-- What was pulled of a log speaks for its whole range: a function without a claim in it had no container for a call. By
-- its days, on which pools are matched with few logs.
pulled_logs as (
    select distinct
        k.app_number,
        k.function_number,
        d.range_start,
        d.range_end,
        unnest(
            range(
                date_trunc('day', greatest(d.range_start, $since)),
                least(d.range_end, $until),
                interval 1 day
            )
        ) as day
    from staging.call_logs as l
    inner join raw.deliveries as d on l.file_id = d.file_id
    inner join configurations as k
        on
            l.environment = k.environment
            and l.app = k.app
            and l.function = k.function
    where
        d.has_sidecar
        and d.range_end > $since
        and d.range_start < $until
),

unclaimed_intervals as (
    select distinct
        interval_number,
        app_number,
        resolution,
        interval_start
    from unclaimed_pools
),

intervals_without_calls as (
    select distinct
        i.interval_number,
        l.function_number
    from unclaimed_intervals as i
    inner join pulled_logs as l
        on
            i.app_number = l.app_number
            and date_trunc('day', i.interval_start) = l.day
            and i.interval_start >= l.range_start
            and i.interval_start + case i.resolution when 'h' then interval 1 hour else interval 1 day end <= l.range_end
),

-- The functions of the app that can have used the resource at that time, by their configuration.
able_functions as (
    select
        p.pool_number,
        min(k.function) as function,
        arg_max(k.phase, k.valid_from) as phase,
        arg_max(k.valid_from, k.valid_from) as configuration_from
    from unclaimed_pools as p
    inner join configurations as k
        on
            p.app_number = k.app_number
            and p.interval_start < k.valid_to
            and p.interval_start + case p.resolution when 'h' then interval 1 hour else interval 1 day end > k.valid_from
    left join intervals_without_calls as w
        on
            p.interval_number = w.interval_number
            and k.function_number = w.function_number
    where
        w.interval_number is null
        and (
            p.kind != 'gpu'
            or k.source = 'unknown'
            or list_contains(list_transform(k.gpus, lambda g: struct_extract(g, 'gpu')), p.resource)
            or (p.is_other_gpu and len(k.gpus) > 0)
        )
    group by all
    -- one function alone, which is quicker to see from both ends than to count
    having min(k.function) = max(k.function)
),

unlogged as (
    select
        p.pool_number,
        p.billed_pd,
        f.function,
        f.phase,
        f.configuration_from
    from unclaimed_pools as p
    inner join able_functions as f using (pool_number)
),

-- GPU time on the bill that is nobody's, in microseconds of containers with one GPU.
unclaimed_gpu_time as (
    select
        p.environment,
        p.object_id,
        p.interval_start,
        p.resolution,
        coalesce(f.function, '__unexplained__') as function,
        coalesce(f.phase, 'none') as phase,
        f.configuration_from,
        sum(
            greatest(0, p.billed_pd * 100 - coalesce(c.claim_pd, 0) * (100 + s.unexplained_percent)) * 36000000
            // r.picodollars_per_hour
        )::hugeint as container_us
    from app_pools as p
    left join claim_totals as c using (pool_number)
    left join unlogged as f using (pool_number)
    inner join staging.prices as r
        on
            p.resource = r.resource
            and p.interval_start >= r.valid_from
            and p.interval_start < r.valid_to
    cross join catalog.settings as s
    where p.kind = 'gpu'
    group by all
    having container_us > 0
),

host_time as (
    select
        p.pool_number,
        p.interval_start,
        p.resource,
        u.function,
        u.phase,
        case when k.function is null then 'residual' else 'unlogged' end as component,
        u.container_us,
        coalesce(k.host_percent, 100) as host_percent,
        case p.kind
            when 'cpu' then coalesce(k.cpu_request_millicores, s.default_cpu_millicores)
            else greatest(coalesce(k.memory_request_mib, s.default_memory_mib), coalesce(k.disk_memory_mib, 0))
        end as quantity,
        case p.kind when 'cpu' then 1000 else 1024 end as units_per_quantity,
        case p.kind when 'cpu' then k.cpu_request_millicores else k.memory_request_mib end is null as is_shared_by_time
    from app_pools as p
    inner join unclaimed_gpu_time as u using (environment, object_id, interval_start, resolution)
    left join claim_totals as c using (pool_number)
    left join unlogged as o using (pool_number)
    left join staging.configurations as k
        on
            p.environment = k.environment
            and p.app = k.app
            and u.function = k.function
            and u.configuration_from = k.valid_from
    cross join catalog.settings as s
    where
        p.kind in ('cpu', 'memory')
        and o.function is null
        -- a pool that no function claims has no rest to tell from it
        and (
            k.function is not null
            or c.claim_pd is not null
        )
),

host_claims as (
    select
        h.pool_number,
        h.function,
        h.phase,
        h.component,
        h.container_us,
        case when h.is_shared_by_time then h.container_us else 0 end as shared_us,
        h.container_us * h.quantity * h.host_percent * p.picodollars_per_hour
        // (360000000000 * h.units_per_quantity) as claim_pd
    from host_time as h
    inner join staging.prices as p
        on
            h.resource = p.resource
            and h.interval_start >= p.valid_from
            and h.interval_start < p.valid_to
),

host_pools as (
    select
        p.*,
        time_bucket(interval 7 day, p.interval_start, $since::timestamp) as window_start,
        c.pool_number is not null or u.pool_number is not null as is_claimed,
        coalesce(c.claim_pd, 0) as claim_pd,
        coalesce(c.container_us, 0) as container_us
    from app_pools as p
    left join claim_totals as c using (pool_number)
    left join unlogged as u using (pool_number)
    where p.kind in ('cpu', 'memory')
),

-- What runs beside the functions: the median of a week's hours in which nobody claims, from the first billed one to the
-- last.
hours_without_claims as (
    select
        window_start,
        environment,
        object_id,
        resource,
        date_diff('hour', min(interval_start), max(interval_start)) + 1 - count(*) filter (where is_claimed) as hours,
        list_sort(coalesce(list(billed_pd) filter (where not is_claimed), [])) as billed,
        len(billed) - hours // 2 as median_position
    from host_pools
    where resolution = 'h'
    group by all
),

-- Modal lets a container use 16 cores beyond its request, and no container has more than 336 GiB.
pools_beyond_limits as (
    select
        p.environment,
        p.object_id,
        p.interval_start,
        p.resolution,
        any_value(p.billed_pd - p.claim_pd) as left_pd,
        any_value(p.container_us * case p.kind when 'cpu' then 16 else 336 end) * max(k.host_percent)
        * max(r.picodollars_per_hour) // 360000000000 as most_pd
    from host_pools as p
    inner join staging.configurations as k
        on
            p.environment = k.environment
            and p.app = k.app
            and p.interval_start >= k.valid_from
            and p.interval_start < k.valid_to
    inner join staging.prices as r
        on
            p.resource = r.resource
            and p.interval_start >= r.valid_from
            and p.interval_start < r.valid_to
    where
        p.claim_pd > 0
        and p.billed_pd > p.claim_pd
    group by p.pool_number, p.environment, p.object_id, p.interval_start, p.resolution
    having left_pd > most_pd
),

hours_beyond_limits as (
    select distinct
        environment,
        object_id,
        interval_start,
        resolution
    from pools_beyond_limits
),

beside_functions as (
    select
        p.pool_number,
        least(
            p.billed_pd - p.claim_pd,
            coalesce(case when h.hours >= 6 and h.median_position > 0 then h.billed[h.median_position] end, 0)
        ) as claim_pd
    from host_pools as p
    inner join hours_without_claims as h using (window_start, environment, object_id, resource)
    where
        p.resolution = 'h'
        and p.claim_pd > 0
    union all by name
    select
        p.pool_number,
        greatest(0, p.billed_pd - p.claim_pd) as claim_pd
    from host_pools as p
    inner join hours_beyond_limits using (environment, object_id, interval_start, resolution)
    where p.claim_pd > 0
),

by_the_bill as (
    select
        u.pool_number,
        u.function,
        u.phase,
        'unlogged' as component,
        0 as container_us,
        0 as shared_us,
        u.billed_pd as claim_pd
    from unlogged as u
    union all by name
    select *
    from host_claims
    union all by name
    select
        b.pool_number,
        '__unexplained__' as function,
        'none' as phase,
        'residual' as component,
        0 as container_us,
        0 as shared_us,
        max(b.claim_pd) - coalesce(max(h.claim_pd), 0) as claim_pd
    from beside_functions as b
    left join host_claims as h on b.pool_number = h.pool_number
    group by b.pool_number
    having max(b.claim_pd) > coalesce(max(h.claim_pd), 0)
),

bills as (
    select
        pool_number,
        function,
        phase,
        component,
        sum(container_us)::hugeint as container_us,
        sum(claim_pd)::hugeint as claim_pd,
        sum(shared_us)::hugeint as shared_us
    from by_the_bill
    group by all
)

select
    p.hour,  -- start of the billed interval, UTC
    b.pool_number,  -- names the pool, see spend.pools
    -- who claims, see spend.claimants; __unexplained__ for what no function can have used
    meta.claimant_key(b.function, b.phase) as claimant_key,
    b.component::meta.component as component,  -- unlogged or residual, see catalog.components
    'bill'::meta.evidence as evidence,  -- bill: nothing else shows it
    3 as payment_order,  -- what is better known is paid first
    b.container_us::bigint as container_us,  -- container time that claims, microseconds
    b.claim_pd,  -- modelled cost in picodollars
    0::hugeint as least_pd,  -- what of it was there at least
    b.claim_pd as most_pd,  -- what it may have been at most
    b.shared_us::bigint as shared_us  -- container time that shares the remainder; 0 where the request is known
from bills as b
inner join app_pools as p on b.pool_number = p.pool_number
