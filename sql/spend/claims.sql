/*
What each function would have to pay of each pool by its own container time: seconds × quantity × list price × factors, in
picodollars (1e-12 $), and the container time by which the remainder is shared where a request says nothing.

Beside the functions' containers there are two claimants that only the bill shows. A pool that no container time claims is
`unlogged`, when one function alone of the app can use the resource. GPU time that nobody claims, beyond what may stay
unexplained of the claims, held CPU and memory too: as `unlogged`, or as the app's `__unexplained__` rest.

key: environment, object_id, hour, resolution, resource, function, phase, component, evidence
partition: hour
*/
with

-- From here on a pool is its number, which is quicker to match than five columns.
app_pools as materialized (
    select
        *,
        row_number() over () as pool_number,
        hour as interval_start,
        (abs(billed_usd) * 1000000000000)::hugeint as billed_pd
    from spend.pools
    where
        is_deployed_app
        and hour >= $since
        and hour < $until
),

gpu_time as (
    select
        environment,
        object_id,
        interval_start,
        resolution,
        function,
        phase,
        configuration_from,
        hour,
        component,
        evidence,
        sum(paid_us)::bigint as paid_us,
        sum(unexplained_us)::bigint as unexplained_us
    from spend.gpu_claims
    where
        interval_start >= $since
        and interval_start < $until
    group by all
),

holders_of_gpus as (
    select
        environment,
        object_id,
        interval_start,
        resolution,
        function,
        phase,
        configuration_from
    from gpu_time
    group by all
    having sum(paid_us) > 0
),

-- What a container's GPU says of its life holds for its CPU and memory: inferred time that the GPU pools do not pay for was
-- not there, and what they pay for beyond the claims was. Without a GPU nothing says how much of a limit there was: it
-- shares nothing, and what is beyond the usual counts for nothing.
known_time as (
    select
        h.function is not null or t.evidence not in ('limit', 'rest', 'wait') as is_vouched_for,
        t.* replace (
            case
                when t.evidence != 'seen' and h.function is not null
                    then coalesce(g.paid_us, 0)
                when t.evidence = 'beyond' then 0
                else t.container_us
            end as container_us
        )
    from spend.container_time as t
    left join holders_of_gpus as h
        using (environment, object_id, interval_start, resolution, function, phase, configuration_from)
    left join gpu_time as g
        using (
            environment, object_id, interval_start, resolution, function, phase, configuration_from, hour, component,
            evidence
        )
    where
        t.interval_start >= $since
        and t.interval_start < $until
),

container_time as (
    select *
    from known_time
    union all by name
    select
        true as is_vouched_for,
        t.* replace (
            'bill' as evidence, 3 as payment_order, g.unexplained_us as container_us, 0 as least_ppm, 1000000 as most_ppm
        )
    from spend.container_time as t
    inner join gpu_time as g
        using (
            environment, object_id, interval_start, resolution, function, phase, configuration_from, hour, component,
            evidence
        )
    where
        t.interval_start >= $since
        and t.interval_start < $until
        and g.unexplained_us > 0
),

-- Use beyond the request, as it was learned, in millicores and MiB.
learned_use as (
    select
        environment,
        object_id,
        function,
        factor as kind,
        (value * case factor when 'cpu' then 1000 else 1024 end)::bigint as beyond_request,
        greatest(0, 1000000 - (standard_error * 1645000)::bigint * 1000 // greatest((value * 1000)::bigint, 1)) as least_ppm,
        1000000 + (standard_error * 1645000)::bigint * 1000 // greatest((value * 1000)::bigint, 1) as most_ppm
    from spend.learned_factors
    where
        is_used
        and factor in ('cpu', 'memory')
        and value >= 0.001
        and window_start >= $since
        and window_start < $until
),

configured_time as (
    select
        p.pool_number,
        p.kind,
        t.*,
        k.gpus,
        k.cpu_request_millicores,
        k.memory_request_mib,
        k.disk_memory_mib,
        k.region_percent,
        k.host_percent,
        s.default_cpu_millicores,
        s.default_memory_mib,
        u.beyond_request,
        u.least_ppm as least_use_ppm,
        u.most_ppm as most_use_ppm
    from app_pools as p
    inner join container_time as t
        on
            p.environment = t.environment
            and p.object_id = t.object_id
            and p.interval_start = t.interval_start
            and p.resolution = t.resolution
    inner join staging.configurations as k
        on
            t.environment = k.environment
            and t.app = k.app
            and t.function = k.function
            and t.configuration_from = k.valid_from
    left join learned_use as u
        on
            t.environment = u.environment
            and t.object_id = u.object_id
            and t.function = u.function
            and p.kind = u.kind
    cross join catalog.settings as s
    where
        p.kind != 'gpu'
        and t.container_us > 0
),

used_beyond_requests as (
    select
        * replace (
            'learned' as evidence,
            greatest(payment_order, 3) as payment_order,
            least_ppm * least_use_ppm // 1000000 as least_ppm,
            greatest(most_ppm, most_use_ppm) as most_ppm
        )
    from configured_time
    where
        beyond_request is not null
        and (kind = 'memory' or (evidence = 'seen' and component in ('startup', 'execution')))
        and evidence in ('seen', 'series', 'settings', 'window', 'usual', 'learned')
),

-- GPUs, millicores and MiB at work, each with the container time it was held for.
quantities as (
    select
        c.*,
        c.gpus[1].gpu as priced_resource,
        c.gpus[1].gpu_count as quantity,
        1 as units_per_quantity,
        c.region_percent as percent,
        false as is_shared_by_time
    from configured_time as c
    where
        c.kind = 'all'
        and len(c.gpus) > 0
    union all by name
    select
        c.*,
        'CPU' as priced_resource,
        coalesce(c.cpu_request_millicores, c.default_cpu_millicores) as quantity,
        1000 as units_per_quantity,
        c.host_percent as percent,
        c.cpu_request_millicores is null and c.beyond_request is null as is_shared_by_time
    from configured_time as c
    where c.kind in ('cpu', 'all')
    union all by name
    select
        c.*,
        case c.kind when 'cpu' then 'CPU' else 'Memory' end as priced_resource,
        c.beyond_request as quantity,
        case c.kind when 'cpu' then 1000 else 1024 end as units_per_quantity,
        c.host_percent as percent,
        true as is_shared_by_time
    from used_beyond_requests as c
    union all by name
    select
        c.*,
        'Memory' as priced_resource,
        greatest(coalesce(c.memory_request_mib, c.default_memory_mib), c.disk_memory_mib) as quantity,
        1024 as units_per_quantity,
        c.host_percent as percent,
        c.kind = 'memory' and c.memory_request_mib is null and c.beyond_request is null as is_shared_by_time
    from configured_time as c
    where c.kind in ('memory', 'all')
    union all by name
    select
        c.*,
        null as priced_resource,
        0 as quantity,
        1 as units_per_quantity,
        100 as percent,
        true as is_shared_by_time
    from configured_time as c
    where c.kind = 'other'
),

priced as (
    select
        q.pool_number,
        q.function,
        q.phase,
        q.component,
        q.evidence,
        q.payment_order,
        q.least_ppm,
        q.most_ppm,
        q.container_us,
        case
            when not q.is_shared_by_time or (not q.is_vouched_for and q.kind != 'other') then 0
            when q.evidence = 'learned' and q.beyond_request is not null
                then q.container_us::hugeint * q.quantity // q.units_per_quantity
            else q.container_us
        end as shared_us,
        -- microseconds in an hour × hundredths of the factor × units in a quantity
        q.container_us::hugeint
        * q.quantity
        * q.percent
        * coalesce(p.picodollars_per_hour, 0)
        // (360000000000 * q.units_per_quantity) as claim_pd
    from quantities as q
    left join staging.prices as p
        on
            q.priced_resource = p.resource
            and q.hour >= p.valid_from
            and q.hour < p.valid_to
    union all by name
    select
        p.pool_number,
        g.function,
        g.phase,
        g.component,
        g.evidence,
        g.payment_order,
        g.least_ppm,
        g.most_ppm,
        g.claimed_us as container_us,
        0 as shared_us,
        g.claim_pd
    from spend.gpu_claims as g
    inner join app_pools as p using (environment, object_id, interval_start, resolution, resource)
),

claim_totals as (
    select
        pool_number,
        sum(claim_pd)::hugeint as claim_pd
    from priced
    group by all
),

unclaimed_pools as (
    select p.*
    from app_pools as p
    left join claim_totals as c using (pool_number)
    where c.claim_pd is null
),

-- The functions of the app that can use the resource at that time, by their configuration.
able_functions as (
    select
        p.pool_number,
        min(k.function) as function,
        arg_max(k.phase, k.valid_from) as phase,
        arg_max(k.valid_from, k.valid_from) as configuration_from
    from unclaimed_pools as p
    inner join staging.configurations as k
        on
            p.environment = k.environment
            and p.app = k.app
            and p.interval_start < k.valid_to
            and p.interval_start + case p.resolution when 'h' then interval 1 hour else interval 1 day end > k.valid_from
    where
        p.kind != 'gpu'
        or k.source = 'unknown'
        or list_contains(list_transform(k.gpus, lambda g: struct_extract(g, 'gpu')), p.resource)
        or (p.is_other_gpu and len(k.gpus) > 0)
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

claims as (
    select *
    from priced
    union all by name
    select
        *,
        'bill' as evidence,
        3 as payment_order,
        0 as least_ppm,
        1000000 as most_ppm
    from by_the_bill
),

-- Most of it is certain or not, and needs no division.
summed as (
    select
        pool_number,
        function,
        phase,
        component,
        evidence,
        payment_order,
        sum(container_us)::hugeint as container_us,
        sum(claim_pd)::hugeint as claim_pd,
        sum(
            case least_ppm
                when 0 then 0
                when 1000000 then claim_pd
                else claim_pd * least_ppm // 1000000
            end
        )::hugeint as least_pd,
        sum(case most_ppm when 1000000 then claim_pd else claim_pd * most_ppm // 1000000 end)::hugeint as most_pd,
        sum(shared_us)::hugeint as shared_us
    from claims
    group by all
)

select
    p.environment,  -- Modal environment
    p.object_id,  -- Modal object that was billed
    p.app,  -- its name
    p.hour,  -- start of the billed interval, UTC
    p.resolution,  -- h or d
    p.resource,  -- the pool's resource
    c.function,  -- who claims; __unexplained__ for GPU time that no function claims
    c.phase,  -- rollout phase of the containers
    c.component,  -- see catalog.components; unlogged or residual where only the bill shows it
    c.evidence,  -- see spend.container_time; bill where only the bill shows it
    c.payment_order,  -- what is better known is paid first
    c.container_us,  -- container time that claims, microseconds
    c.claim_pd,  -- modelled cost in picodollars
    c.least_pd,  -- what of it was there at least
    c.most_pd,  -- what it may have been at most
    c.shared_us  -- container time that shares the remainder; 0 where the request is known
from summed as c
inner join app_pools as p on c.pool_number = p.pool_number
