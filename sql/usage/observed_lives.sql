/*
Containers that Modal itself saw alive, with the function or server that they are of: between when, and how surely.

Of a container that calls of a log name, the log says whose it is. Of another one telemetry does. Where a list alone shows it,
it is the one function or server of its app that may have containers without a call, if there is one and no more. Where
telemetry goes on after it for five minutes and more, a container was gone when it was seen last.

Built whole: what is seen of any day can lengthen a life.

key: container_id
*/
with

telemetry_ends as (
    select
        environment,
        max(last_seen) as seen_until
    from staging.container_lives
    where is_measured
    group by all
),

numbered as (
    select
        s.*,
        c.container_key
    from staging.container_lives as s
    left join raw.containers as c on s.container_id = c.container_id
),

logged as (
    select distinct d.container_key
    from usage.container_days as d
    semi join numbered as n on d.container_key = n.container_key
),

known as (
    select
        n.*,
        g.container_key is not null as is_logged
    from numbered as n
    left join logged as g on n.container_key = g.container_key
),

-- Those that can have a container without a call.
uncalled as (
    select
        environment,
        app,
        min(function) as function
    from staging.configurations
    where
        is_server
        or min_containers > 0
        or buffer_containers > 0
    group by all
    having min(function) = max(function)
),

owned as (
    select
        k.* exclude (function),
        coalesce(r.function, k.function, u.function) as function
    from known as k
    left join staging.servers as r
        on
            k.environment = r.environment
            and k.app = r.app
            and k.function = r.server
    left join uncalled as u
        on
            k.environment = u.environment
            and k.app = u.app
)

select
    o.container_id,  -- Modal's id of the container
    -- a negative number, where no log names it
    case
        when o.is_logged then o.container_key
        else -row_number() over (order by o.is_logged, o.container_id)
    end::integer as container_key,
    o.is_logged,  -- calls of a log name it
    o.environment,  -- Modal environment
    o.app,  -- the app's name
    o.function,  -- of a function or server; of one that a log names, as telemetry says
    o.first_seen,  -- when it was seen first, or had started by a list, UTC
    o.last_seen,  -- when it was seen last, UTC
    o.is_measured and o.last_seen + interval 5 minute < e.seen_until as is_followed  -- telemetry followed it to its end
from owned as o
left join telemetry_ends as e on o.environment = e.environment
where
    o.is_logged
    or (o.app is not null and o.function is not null and o.last_seen > o.first_seen)
