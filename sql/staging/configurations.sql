/*
The configuration of every function and server on every app over time, by deployment, with the rollout phase it belongs to.

Within a deployment the landed `function info` says what is deployed; what a snapshot shows otherwise than the one before,
with no deployment between them, counts from then on. So do the landed autoscaler settings, beside the rest of the function
info that was taken last before them, in the same deployment. Where no snapshot was taken, the catalog says it; where the catalog
is silent too, the nearest snapshot; a function that neither knows has `source` unknown. Servers are configured by `server
info` in the same way. Variants of a function that ask for something else are its configurations too: as they were seen last.

key: environment, app, function, valid_from
*/
with

function_infos as (
    select
        d.environment,
        d.app,
        d.function,
        d.as_of,
        d.fetched_at,
        d.sha256,
        i.gpu_type,
        i.gpu_count,
        -- what was loaded by an older version has the first choice alone
        coalesce(i.gpus, case when i.gpu_type is not null then [{'gpu_type': i.gpu_type, 'gpu_count': i.gpu_count}] end)
            as gpus,
        i.cpu_request_millicores,
        i.memory_request_mib,
        i.ephemeral_disk_mib,
        i.timeout_seconds,
        i.startup_timeout_seconds,
        i.scaledown_window_seconds,
        i.min_containers,
        i.max_containers,
        i.buffer_containers,
        i.single_use_containers,
        i.cluster_size,
        i.regions,
        i.nonpreemptible
    from raw.function_info as i
    inner join staging.deliveries as d on i.file_id = d.file_id
    union all by name
    select
        d.environment,
        d.app,
        s.function,
        d.as_of,
        d.fetched_at,
        d.sha256,
        i.gpus[1].gpu_type as gpu_type,
        i.gpus[1].gpu_count as gpu_count,
        i.gpus,
        i.cpu_request_millicores,
        i.memory_request_mib,
        i.ephemeral_disk_mib,
        i.startup_timeout_seconds,
        i.scaledown_window_seconds,
        i.min_containers,
        i.max_containers,
        i.buffer_containers,
        i.cluster_size,
        i.regions,
        i.nonpreemptible
    from raw.server_info as i
    inner join raw.files as f on i.file_id = f.file_id
    inner join staging.deliveries as d on i.file_id = d.file_id
    inner join staging.servers as s
        on
            d.environment = s.environment
            and d.app = s.app
            and f.server = s.server
),

autoscalers as (
    select
        d.environment,
        d.app,
        d.function,
        d.as_of,
        d.fetched_at,
        d.sha256,
        a.scaledown_window_seconds,
        a.min_containers,
        a.max_containers,
        a.buffer_containers
    from raw.autoscaler as a
    inner join staging.deliveries as d on a.file_id = d.file_id
),

pictures as (
    select *
    from function_infos
    union all by name
    select
        i.* replace (
            a.as_of as as_of,
            a.fetched_at as fetched_at,
            a.sha256 as sha256,
            a.scaledown_window_seconds as scaledown_window_seconds,
            a.min_containers as min_containers,
            a.max_containers as max_containers,
            a.buffer_containers as buffer_containers
        )
    from autoscalers as a
    asof join function_infos as i
        on
            a.environment = i.environment
            and a.app = i.app
            and a.function = i.function
            and a.as_of >= i.as_of
    -- what was deployed in between is not known then
    anti join staging.deployments as d
        on
            a.environment = d.environment
            and a.app = d.app
            and i.as_of < d.deployed_at
            and a.as_of >= d.deployed_at
),

snapshots as (
    select
        i.*,
        row(
            i.gpus, i.cpu_request_millicores, i.memory_request_mib, i.ephemeral_disk_mib, i.timeout_seconds,
            i.startup_timeout_seconds, i.scaledown_window_seconds, i.min_containers, i.max_containers,
            i.buffer_containers, i.single_use_containers, i.cluster_size, i.regions, i.nonpreemptible
        ) as settings
    from pictures as i
    -- of two that show the same moment, such as a file by hand and its correction, the one read last holds
    qualify row_number() over (
        partition by i.environment, i.app, i.function, i.as_of
        order by i.fetched_at desc, i.sha256 desc
    ) = 1
),

catalogued as (
    select
        (select s.environment from catalog.settings as s) as environment,
        app,
        function,
        phase,
        valid_from,
        gpu,
        gpu_count,
        cpu_millicores,
        memory_mib,
        timeout_seconds,
        scaledown_window_seconds
    from catalog.configurations
),

functions as (
    select distinct
        environment,
        app,
        function
    from snapshots
    union
    distinct
    select distinct
        environment,
        app,
        function
    from catalogued
    union
    distinct
    select distinct
        environment,
        app,
        function
    from staging.deliveries
    where source in ('function_calls', 'container_hours')
    union
    distinct
    select
        environment,
        app,
        function
    from staging.servers
),

deployed_changes as (
    select
        environment,
        app,
        function,
        timestamp '1970-01-01' as valid_from
    from functions
    union
    distinct
    select
        f.environment,
        f.app,
        f.function,
        d.deployed_at as valid_from
    from functions as f
    inner join staging.deployments as d
        on
            f.environment = d.environment
            and f.app = d.app
    union
    distinct
    select
        environment,
        app,
        function,
        valid_from
    from catalogued
),

-- The scaledown window, say, can be changed with no deployment.
seen_changes as (
    select
        s.environment,
        s.app,
        s.function,
        s.as_of as valid_from
    from snapshots as s
    asof join deployed_changes as c
        on
            s.environment = c.environment
            and s.app = c.app
            and s.function = c.function
            and s.as_of >= c.valid_from
    window
        within_deployment as (
            partition by s.environment, s.app, s.function, c.valid_from
            order by s.as_of
        )
    qualify
        row_number() over within_deployment > 1
        and s.settings is distinct from lag(s.settings) over within_deployment
),

changes as (
    select *
    from deployed_changes
    union
    distinct
    select *
    from seen_changes
),

periods as (
    select
        *,
        lead(valid_from, 1, timestamp '9999-12-31') over (
            partition by environment, app, function
            order by valid_from
        ) as valid_to
    from changes
),

with_catalog as (
    select
        p.*,
        c.phase,
        c.gpu,
        c.gpu_count,
        c.cpu_millicores,
        c.memory_mib,
        c.timeout_seconds,
        c.scaledown_window_seconds,
        c.function is not null as is_catalogued
    from periods as p
    left join catalogued as c
        on
            p.environment = c.environment
            and p.app = c.app
            and p.function = c.function
    -- the phase valid at the start of the period; before the first one, the first
    qualify row_number() over (
        partition by p.environment, p.app, p.function, p.valid_from
        order by
            c.valid_from <= p.valid_from desc,
            case when c.valid_from <= p.valid_from then c.valid_from end desc,
            c.valid_from asc
    ) = 1
),

with_snapshot as (
    select
        p.*,
        s.as_of as seen_at,
        s.as_of >= p.valid_from and s.as_of < p.valid_to as is_seen,
        s.gpu_type as seen_gpu,
        s.gpu_count as seen_gpu_count,
        s.gpus as seen_gpus,
        s.cpu_request_millicores as seen_cpu_millicores,
        s.memory_request_mib as seen_memory_mib,
        s.timeout_seconds as seen_timeout_seconds,
        s.scaledown_window_seconds as seen_scaledown_window_seconds,
        s.ephemeral_disk_mib,
        s.startup_timeout_seconds,
        s.min_containers,
        s.max_containers,
        s.buffer_containers,
        s.single_use_containers,
        s.cluster_size,
        s.regions,
        s.nonpreemptible
    from with_catalog as p
    left join snapshots as s
        on
            p.environment = s.environment
            and p.app = s.app
            and p.function = s.function
    -- the last snapshot taken while the deployment was live; else the nearest one
    qualify row_number() over (
        partition by p.environment, p.app, p.function, p.valid_from
        order by
            s.as_of >= p.valid_from and s.as_of < p.valid_to desc nulls last,
            case when s.as_of >= p.valid_from and s.as_of < p.valid_to then s.as_of end desc,
            abs(epoch_us(s.as_of) - epoch_us(p.valid_from)) asc,
            s.fetched_at desc,
            s.sha256 desc
    ) = 1
),

resolved as (
    select
        s.*,
        r.server is not null as is_server,
        case
            when r.server is not null and s.seen_at is not null then 'server info'
            when s.is_seen then 'function info'
            when s.is_catalogued then 'catalog'
            when s.seen_at is not null then 'nearest function info'
            else 'unknown'
        end as source
    from with_snapshot as s
    left join staging.servers as r
        on
            s.environment = r.environment
            and s.app = r.app
            and s.function = r.function
),

asked_gpus as (
    select
        environment,
        app,
        function,
        valid_from,
        unnest(
            case
                when source != 'catalog' then seen_gpus
                when gpu is not null then [{'gpu_type': gpu, 'gpu_count': coalesce(gpu_count, 1)}]
            end
        ) as choice,
        generate_subscripts(
            case
                when source != 'catalog' then seen_gpus
                when gpu is not null then [{'gpu_type': gpu, 'gpu_count': coalesce(gpu_count, 1)}]
            end,
            1
        ) as position
    from resolved
),

own_choices as (
    select
        a.environment,
        a.app,
        a.function,
        a.valid_from,
        list(
            {
                'gpu': coalesce(l.resource, struct_extract(a.choice, 'gpu_type')),
                'gpu_count': struct_extract(a.choice, 'gpu_count')
            }
            order by a.position
        ) as gpus
    from asked_gpus as a
    left join catalog.labels as l on lower(struct_extract(a.choice, 'gpu_type')) = l.label
    group by all
),

-- Of several variants with one GPU those that ask for least: what others use beyond it shows in the bill.
variants_by_gpu as (
    select
        environment,
        app,
        function,
        gpu,
        min(coalesce(gpu_count, 1)) as gpu_count,
        min(cpu_request_millicores) as cpu_request_millicores,
        min(memory_request_mib) as memory_request_mib
    from staging.variants
    where gpu is not null
    group by all
),

variants as (
    select
        environment,
        app,
        function,
        list(
            {
                'gpu': gpu,
                'gpu_count': gpu_count::integer,
                'cpu_request_millicores': cpu_request_millicores::integer,
                'memory_request_mib': memory_request_mib::integer
            }
            order by gpu
        ) as variants
    from variants_by_gpu
    group by all
),

gpu_choices as (
    select
        r.environment,
        r.app,
        r.function,
        r.valid_from,
        v.variants,
        -- also those of its variants
        list_concat(
            coalesce(o.gpus, []),
            list_transform(
                list_filter(
                    v.variants,
                    lambda v: not list_contains(
                        list_transform(coalesce(o.gpus, []), lambda g: struct_extract(g, 'gpu')), struct_extract(v, 'gpu')
                    )
                ),
                lambda v: {'gpu': struct_extract(v, 'gpu'), 'gpu_count': struct_extract(v, 'gpu_count')}
            )
        ) as gpus,
        len(o.gpus) is null and v.variants is not null and r.source != 'unknown' as may_lack_gpu
    from resolved as r
    left join own_choices as o
        on
            r.environment = o.environment
            and r.app = o.app
            and r.function = o.function
            and r.valid_from = o.valid_from
    left join variants as v
        on
            r.environment = v.environment
            and r.app = v.app
            and r.function = v.function
            and r.source != 'unknown'
)

select
    r.environment,  -- Modal environment
    r.app,  -- the app's name
    r.function,  -- the function's name
    r.valid_from,  -- UTC; the first period holds since ever
    r.valid_to,  -- exclusive, UTC
    coalesce(r.phase, 'none') as phase,  -- rollout phase by the catalog; none for functions outside the programme
    r.source,  -- function info, catalog, nearest function info, server info, unknown
    r.is_server,  -- answers requests and has no call log
    r.is_catalogued,  -- the catalog names this function on this app
    case when r.source = 'catalog' then r.gpu else r.seen_gpu end as gpu_label,  -- GPU type asked for; null for none
    coalesce(l.resource, gpu_label) as gpu,  -- the same by its catalog name; the first of several choices
    coalesce(case when r.source = 'catalog' then r.gpu_count else r.seen_gpu_count end, 1) as gpu_count,  -- GPUs
    -- those that only variants ask for stand last
    coalesce(g.gpus, []) as gpus,  -- all choices in order of preference, by catalog name; a container gets one
    coalesce(g.may_lack_gpu, false) as may_lack_gpu,  -- only variants ask for a GPU: containers may have none
    coalesce(g.variants, []) as variants,  -- what variants with a GPU of their own ask for; null as the function itself
    case
        when r.source = 'catalog' then r.cpu_millicores
        else r.seen_cpu_millicores
    end as cpu_request_millicores,  -- null: not asked for
    case when r.source = 'catalog' then r.memory_mib else r.seen_memory_mib end as memory_request_mib,  -- null: not asked for
    -- a disk of 20 GiB is billed as a GiB of memory
    coalesce((r.ephemeral_disk_mib + 19) // 20, 0) as disk_memory_mib,  -- memory that the disk is billed as, at least
    case when r.source = 'catalog' then r.timeout_seconds else r.seen_timeout_seconds end as timeout_seconds,  -- limit
    coalesce(
        nullif(r.startup_timeout_seconds, 0), timeout_seconds, s.default_timeout_seconds
    ) as startup_timeout_seconds,  -- seconds after which a container that has not come up has failed
    coalesce(
        case when r.source = 'catalog' then r.scaledown_window_seconds else r.seen_scaledown_window_seconds end,
        s.default_scaledown_window_seconds
    ) as scaledown_window_seconds,  -- idle seconds before a container stops
    coalesce(r.min_containers, 0) as min_containers,  -- containers kept warm
    r.max_containers,  -- most at once; null: not limited
    coalesce(r.buffer_containers, 0) as buffer_containers,  -- kept waiting beside those at work
    coalesce(r.single_use_containers, false) as single_use_containers,  -- a container ends with its first input
    greatest(coalesce(r.cluster_size, 1), 1) as cluster_size,  -- containers that serve one input together
    case
        when coalesce(len(r.regions), 0) = 0 then 100
        when len(list_filter(r.regions, lambda region: contains(region, '-'))) > 0 then s.narrow_region_percent
        else s.broad_region_percent
    end as region_percent,  -- factor on the price of a GPU, in hundredths
    region_percent
    * case when coalesce(r.nonpreemptible, false) then s.nonpreemptible_percent else 100 end
    // 100 as host_percent,  -- factor on the price of CPU and memory, that of the region included
    meta.function_key(r.environment, r.app, r.function) as function_key,  -- stands for environment, app and function
    meta.configuration_key(
        r.environment, r.app, r.function, r.valid_from
    ) as configuration_key  -- stands for environment, app, function and valid_from
from resolved as r
cross join catalog.settings as s
left join catalog.labels as l
    on lower(case when r.source = 'catalog' then r.gpu else r.seen_gpu end) = l.label
left join gpu_choices as g
    on
        r.environment = g.environment
        and r.app = g.app
        and r.function = g.function
        and r.valid_from = g.valid_from
