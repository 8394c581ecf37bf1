/*
What the call log says about every container on every day it started an input: the raw material of container lifetimes.

key: environment, app, function, container_key, day
partition: day
*/
with

by_log as (
    select
        file_id,
        container_key,
        date_trunc('day', started_at) as day,
        min(started_at) as first_started_at,
        max(ended_at) as last_ended_at,
        min(make_timestamp(epoch_us(started_at) - coalesce(startup_us, 0))) as startup_began_at,
        count(*) as inputs
    from staging.function_calls
    where
        started_at >= $since
        and started_at < $until
        and container_key is not null
    group by all
),

logs as (
    select distinct
        file_id,
        environment,
        app,
        function
    from staging.deliveries
    where source = 'function_calls'
)

select
    l.environment,  -- Modal environment
    l.app,  -- the app's name
    l.function,  -- the function's name
    c.container_key,  -- the container, see raw.containers
    c.day,  -- UTC day on which the inputs started
    min(c.first_started_at) as first_started_at,  -- first start of an input on this day, UTC
    max(c.last_ended_at) as last_ended_at,  -- last end of an input that started on this day, UTC
    min(c.startup_began_at) as startup_began_at,  -- first start less its start-up time, UTC
    sum(c.inputs)::bigint as inputs  -- inputs started
from by_log as c
inner join logs as l on c.file_id = l.file_id
group by all
