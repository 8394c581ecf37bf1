/*
Containers that Modal itself saw alive, with or without a call: by its telemetry, or in a list of what ran at a moment.

A list knows since when a container ran, and that it still did when the list was read; of which function it was, it does not
say. Telemetry knows the function, and the container from its first point to its last.

key: environment, container_id
*/
with

seen as (
    select
        coalesce(t.environment_name, d.environment) as environment,
        t.container_id,
        t.app_name as app,
        t.function_name as function,
        t.first_at as first_seen,
        t.last_at as last_seen,
        true as is_measured
    from raw.telemetry as t
    inner join staging.deliveries as d on t.file_id = d.file_id
    where t.metric = 'modal.container.running'
    union all
    select
        d.environment,
        l.container_id,
        l.app_name as app,
        null as function,
        l.started_at as first_seen,
        greatest(l.started_at, d.fetched_at) as last_seen,
        false as is_measured
    from raw.container_list as l
    inner join staging.deliveries as d on l.file_id = d.file_id
    where l.started_at is not null
)

select
    environment,  -- Modal environment
    container_id,  -- Modal's id of the container
    max(app) as app,  -- the app's name
    max(function) as function,  -- the function's or server's name; null where only a list shows the container
    min(first_seen) as first_seen,  -- when it was seen first, or had started by a list, UTC
    max(last_seen) as last_seen,  -- when it was seen last, UTC
    bool_or(is_measured) as is_measured  -- telemetry followed it; else it was only seen in lists, and may have lived on
from seen
group by all
