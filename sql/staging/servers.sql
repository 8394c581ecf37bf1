/*
Every server on every app over time, with what it is deployed with. Servers answer requests and have no call log.

Which servers there are, `app info` says and `server info` as well. What a snapshot of `server info` shows otherwise than the
one before counts from then on; the first one holds since ever. A server without a snapshot is not configured.

key: environment, app, server, valid_from
*/
with

seen as (
    select
        d.environment,
        d.app,
        f.server,
        d.as_of,
        i.object_id,
        i.app_id,
        i.gpus,
        i.cpu_request_millicores,
        i.memory_request_mib,
        i.ephemeral_disk_mib,
        i.scaledown_window_seconds,
        i.min_containers,
        i.max_containers,
        i.buffer_containers,
        i.cluster_size,
        i.regions,
        i.nonpreemptible,
        row(
            i.object_id, i.app_id, i.gpus, i.cpu_request_millicores, i.memory_request_mib, i.ephemeral_disk_mib,
            i.scaledown_window_seconds, i.min_containers, i.max_containers, i.buffer_containers, i.cluster_size,
            i.regions, i.nonpreemptible
        ) as settings
    from raw.server_info as i
    inner join raw.files as f on i.file_id = f.file_id
    inner join staging.deliveries as d on i.file_id = d.file_id
    qualify row_number() over (
        partition by d.environment, d.app, f.server, d.as_of
        order by d.fetched_at desc, d.sha256 desc
    ) = 1
),

changes as (
    select *
    from seen
    window
        of_server as (
            partition by environment, app, server
            order by as_of
        )
    qualify
        row_number() over of_server = 1
        or settings is distinct from lag(settings) over of_server
),

listed as (
    select
        d.environment,
        d.app,
        i.name as server,
        arg_max(i.object_id, (d.as_of, d.sha256)) as object_id,
        arg_max(i.app_id, (d.as_of, d.sha256)) as app_id
    from raw.app_info as i
    inner join staging.deliveries as d on i.file_id = d.file_id
    where i.kind = 'server'
    group by all
),

servers as (
    select
        environment,
        app,
        server
    from changes
    union
    distinct
    select
        environment,
        app,
        server
    from listed
),

asked_gpus as (
    select
        environment,
        app,
        server,
        as_of,
        unnest(gpus) as choice,
        generate_subscripts(gpus, 1) as position
    from changes
),

gpu_choices as (
    select
        a.environment,
        a.app,
        a.server,
        a.as_of,
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
)

select
    s.environment,  -- Modal environment
    s.app,  -- the app's name
    s.server,  -- the server's name
    coalesce(c.object_id, l.object_id) as object_id,  -- Modal's id of the server
    coalesce(c.app_id, l.app_id) as app_id,  -- Modal's id of the app
    case
        when row_number() over (partition by s.environment, s.app, s.server order by c.as_of) = 1
            then timestamp '1970-01-01'
        else c.as_of
    end as valid_from,  -- UTC; the first period holds since ever
    lead(c.as_of, 1, timestamp '9999-12-31') over (
        partition by s.environment, s.app, s.server
        order by c.as_of
    ) as valid_to,  -- exclusive, UTC
    c.server is not null as is_configured,  -- a snapshot of server info says what follows; else it is the default
    coalesce(g.gpus, []) as gpus,  -- all choices in order of preference, by catalog name; a container gets one
    g.gpus[1].gpu as gpu,  -- the first of them; null for none
    coalesce(g.gpus[1].gpu_count, 1) as gpu_count,  -- GPUs
    c.cpu_request_millicores,  -- null: not asked for
    c.memory_request_mib,  -- null: not asked for
    coalesce((c.ephemeral_disk_mib + 19) // 20, 0) as disk_memory_mib,  -- memory that the disk is billed as, at least
    coalesce(c.scaledown_window_seconds, x.default_scaledown_window_seconds) as scaledown_window_seconds,  -- idle seconds
    coalesce(c.min_containers, 0) as min_containers,  -- containers kept warm
    c.max_containers,  -- most at once; null: not limited
    coalesce(c.buffer_containers, 0) as buffer_containers,  -- kept waiting beside those at work
    greatest(coalesce(c.cluster_size, 1), 1) as cluster_size,  -- containers that answer together
    case
        when coalesce(len(c.regions), 0) = 0 then 100
        when len(list_filter(c.regions, lambda region: contains(region, '-'))) > 0 then x.narrow_region_percent
        else x.broad_region_percent
    end as region_percent,  -- factor on the price of a GPU, in hundredths
    region_percent
    * case when coalesce(c.nonpreemptible, false) then x.nonpreemptible_percent else 100 end
    // 100 as host_percent  -- factor on the price of CPU and memory, that of the region included
from servers as s
cross join catalog.settings as x
left join changes as c
    on
        s.environment = c.environment
        and s.app = c.app
        and s.server = c.server
left join listed as l
    on
        s.environment = l.environment
        and s.app = l.app
        and s.server = l.server
left join gpu_choices as g
    on
        c.environment = g.environment
        and c.app = g.app
        and c.server = g.server
        and c.as_of = g.as_of
