/*
What each function would have to pay of each pool by its own container time: seconds × quantity × list price × factors, in
picodollars (1e-12 $), and the container time by which the remainder is shared where a request says nothing.

key: environment, object_id, hour, resolution, resource, function, phase, component
partition: hour
*/
with

-- A name may stand for several app ids on the bill; usage that the app list cannot place goes to the dearest of them.
dearest_objects as (
    select
        environment,
        app,
        hour,
        resolution,
        resource,
        object_id
    from spend.pools
    where
        object_id like 'ap-%'
        and hour >= $since
        and hour < $until
    qualify row_number() over (
        partition by environment, app, hour, resolution, resource
        order by abs(billed_usd) desc, object_id asc
    ) = 1
),

app_pools as (
    select
        p.*,
        p.object_id = d.object_id as is_dearest
    from spend.pools as p
    inner join dearest_objects as d
        on
            p.environment = d.environment
            and p.app = d.app
            and p.hour = d.hour
            and p.resolution = d.resolution
            and p.resource = d.resource
    where
        p.object_id like 'ap-%'
        and p.hour >= $since
        and p.hour < $until
),

billed_ids as (
    select distinct
        environment,
        hour,
        resolution,
        object_id
    from app_pools
),

usage_intervals as (
    select
        *,
        hour as interval_start,
        'h' as resolution
    from usage.hourly
    where
        hour >= $since
        and hour < $until
    union all by name
    select
        *,
        date_trunc('day', hour) as interval_start,
        'd' as resolution
    from usage.hourly
    where
        hour >= $since
        and hour < $until
),

placed_usage as (
    select
        u.*,
        b.object_id as billed_id
    from usage_intervals as u
    left join billed_ids as b
        on
            u.environment = b.environment
            and u.app_id = b.object_id
            and u.interval_start = b.hour
            and u.resolution = b.resolution
),

usage_of_pools as (
    select
        p.environment,
        p.object_id,
        p.hour as interval_start,
        p.resolution,
        p.resource,
        p.kind,
        p.is_other_gpu,
        u.app,
        u.function,
        u.phase,
        u.configuration_from,
        u.hour,
        u.component,
        u.container_us
    from app_pools as p
    inner join placed_usage as u
        on
            p.environment = u.environment
            and p.app = u.app
            and p.hour = u.interval_start
            and p.resolution = u.resolution
    where
        p.object_id = u.billed_id
        or (u.billed_id is null and p.is_dearest)
),

configured_usage as (
    select
        u.*,
        k.source = 'unknown' as is_unknown,
        k.gpu,
        k.gpu_count,
        k.cpu_request_millicores,
        k.memory_request_mib,
        k.region_percent,
        k.region_percent * k.cpu_memory_percent // 100 as host_percent,
        s.default_cpu_millicores,
        s.default_memory_mib
    from usage_of_pools as u
    inner join staging.configurations as k
        on
            u.environment = k.environment
            and u.app = k.app
            and u.function = k.function
            and u.configuration_from = k.valid_from
    cross join catalog.settings as s
),

-- GPUs, millicores and MiB at work, each with the container time it was held for.
quantities as (
    select
        c.*,
        'gpu' as quantity_kind,
        case when c.kind = 'gpu' then c.resource else c.gpu end as priced_resource,
        case when c.is_unknown then 1 else c.gpu_count end as quantity,
        1 as units_per_quantity,
        c.region_percent as percent,
        false as is_shared_by_time
    from configured_usage as c
    where
        (c.kind = 'gpu' and (c.gpu = c.resource or c.is_unknown or (c.is_other_gpu and c.gpu is not null)))
        or (c.kind = 'all' and c.gpu is not null)
    union all by name
    select
        c.*,
        'cpu' as quantity_kind,
        'CPU' as priced_resource,
        coalesce(c.cpu_request_millicores, c.default_cpu_millicores) as quantity,
        1000 as units_per_quantity,
        c.host_percent as percent,
        c.kind = 'cpu' and c.cpu_request_millicores is null as is_shared_by_time
    from configured_usage as c
    where c.kind in ('cpu', 'all')
    union all by name
    select
        c.*,
        'memory' as quantity_kind,
        'Memory' as priced_resource,
        coalesce(c.memory_request_mib, c.default_memory_mib) as quantity,
        1024 as units_per_quantity,
        c.host_percent as percent,
        c.kind = 'memory' and c.memory_request_mib is null as is_shared_by_time
    from configured_usage as c
    where c.kind in ('memory', 'all')
    union all by name
    select
        c.*,
        'time' as quantity_kind,
        null as priced_resource,
        0 as quantity,
        1 as units_per_quantity,
        100 as percent,
        true as is_shared_by_time
    from configured_usage as c
    where c.kind = 'other'
),

prices as (
    select
        resource,
        valid_from,
        valid_to,
        (usd_per_hour * 1000000000000)::hugeint as picodollars_per_hour
    from staging.prices
),

priced as (
    select
        q.environment,
        q.object_id,
        q.app,
        q.interval_start,
        q.resolution,
        q.resource,
        q.function,
        q.phase,
        q.component,
        case when q.is_shared_by_time then q.container_us else 0 end as shared_us,
        -- microseconds in an hour × hundredths of the factor × units in a quantity
        q.container_us::hugeint
        * q.quantity
        * q.percent
        * coalesce(p.picodollars_per_hour, 0)
        // (360000000000 * q.units_per_quantity) as claim_pd
    from quantities as q
    left join prices as p
        on
            q.priced_resource = p.resource
            and q.hour >= p.valid_from
            and q.hour < p.valid_to
)

select
    environment,  -- Modal environment
    object_id,  -- Modal object that was billed
    app,  -- its name
    interval_start as hour,  -- start of the billed interval, UTC
    resolution,  -- h or d
    resource,  -- the pool's resource
    function,  -- who claims
    phase,  -- rollout phase of the containers
    component,  -- startup, execution or idle
    sum(claim_pd)::hugeint as claim_pd,  -- modelled cost in picodollars
    sum(shared_us)::hugeint as shared_us  -- container time that shares the remainder; 0 where the request is known
from priced
group by all
