/*
What the call log says about every container on every day it started an input, or failed to come up: the raw material of
container lifetimes.

key: function_key, container_key, day
partition: day
weeks at once: 5
*/
with

logs as materialized (
    select
        file_id,
        is_replaced,
        function_key
    from staging.call_logs
    where not is_replaced_whole
),

hours as not materialized (
    select
        h.*,
        l.function_key,
        -- Of some containers their calls tell more than the hours do: they were still at work when the log was read, or
        -- a later snapshot speaks for a part of the log.
        h.busy_us is null or l.is_replaced as is_unsettled
    from raw.container_hours as h
    inner join logs as l on h.file_id = l.file_id
    where
        h.hour >= $since
        and h.hour < $until
        and (h.inputs > 0 or h.failures > 0)
),

unsettled as (
    select distinct
        file_id,
        container_key
    from hours
    where is_unsettled
),

unsettled_calls as (
    select
        c.*,
        l.function_key
    from staging.function_calls as c
    inner join logs as l on c.file_id = l.file_id
    semi join unsettled as u
        on
            c.file_id = u.file_id
            and c.container_key = u.container_key
),

parts as (
    select
        h.function_key,
        h.file_id,
        h.container_key,
        date_trunc('day', h.hour) as day,
        h.first_started_at,
        h.last_ended_at,
        least(h.startup_began_at, h.failing_since) as startup_began_at,
        h.placed_at,
        h.inputs,
        h.failures
    from hours as h
    anti join unsettled as u
        on
            h.file_id = u.file_id
            and h.container_key = u.container_key
    union all by name
    select
        function_key,
        file_id,
        container_key,
        date_trunc('day', started_at) as day,
        min(started_at) as first_started_at,
        max(ended_at) as last_ended_at,
        min(make_timestamp(epoch_us(started_at) - coalesce(startup_us, 0))) as startup_began_at,
        min(make_timestamp(epoch_us(started_at) - startup_us)) as placed_at,
        count(*) as inputs,
        0 as failures
    from unsettled_calls
    where
        started_at >= $since
        and started_at < $until
    group by all
    union all by name
    select
        function_key,
        file_id,
        container_key,
        date_trunc('day', enqueued_at) as day,
        min(enqueued_at) as startup_began_at,
        0 as inputs,
        count(*) as failures
    from unsettled_calls
    where
        enqueued_at >= $since
        and enqueued_at < $until
        and started_at is null
        and status = 'init failure'
    group by all
),

cluster_functions as (
    select distinct function_key
    from staging.configurations
    where cluster_size > 1
),

cluster_logs as (
    select l.file_id
    from staging.call_logs as l
    inner join cluster_functions as k on l.function_key = k.function_key
),

-- A cluster is counted week by week.
inputs_of_clusters as (
    select
        time_bucket(interval 7 day, c.started_at, $since::timestamp) as week_start,
        c.file_id,
        c.function_call_id,
        c.enqueued_at,
        list(distinct c.container_key) as container_keys
    from staging.function_calls as c
    inner join cluster_logs as l on c.file_id = l.file_id
    where
        c.started_at >= $since
        and c.started_at < $until
        and c.container_key is not null
    group by all
),

members_of_clusters as (
    select
        week_start,
        file_id,
        unnest(container_keys) as container_key,
        len(container_keys) as members
    from inputs_of_clusters
),

clusters as (
    select
        week_start,
        file_id,
        container_key,
        max(members) as members
    from members_of_clusters
    group by all
    union all by name
    select
        time_bucket(interval 7 day, h.hour, $since::timestamp) as week_start,
        h.file_id,
        h.container_key,
        max(h.cluster_members) as members
    from raw.container_hours as h
    inner join cluster_logs as l on h.file_id = l.file_id
    where
        h.hour >= $since
        and h.hour < $until
        and h.cluster_members > 1
    group by all
),

counted as (
    select
        p.*,
        coalesce(g.members, 1) as members
    from parts as p
    left join clusters as g
        on
            p.file_id = g.file_id
            and p.container_key = g.container_key
            and time_bucket(interval 7 day, p.day, $since::timestamp) = g.week_start
),

summed as (
    select
        function_key,
        container_key,
        day,
        min(first_started_at) as first_started_at,
        max(last_ended_at) as last_ended_at,
        min(startup_began_at) as startup_began_at,
        min(placed_at) as placed_at,
        sum(inputs)::bigint as inputs,
        sum(failures)::bigint as failures,
        max(members)::integer as cluster_members
    from counted
    group by all
)

select
    function_key,  -- whose log it is, see staging.functions
    container_key,  -- the container, see raw.containers
    day,  -- UTC day on which the inputs started, or were enqueued that it failed to come up for
    first_started_at,  -- first start of an input on this day, UTC; null: none started
    last_ended_at,  -- last end of an input that started on this day, UTC; null: none started
    startup_began_at,  -- first start less its start-up time, UTC
    placed_at,  -- the same, where the log says how long the start-up took
    inputs,  -- inputs started
    failures,  -- inputs that it failed to come up for
    cluster_members  -- containers of its cluster that the log shows
from summed
