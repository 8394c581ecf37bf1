/*
What the call log says about every container on every day it started an input: the raw material of container lifetimes.

key: environment, app, function, container_key, day
partition: day
*/
select
    c.environment,  -- Modal environment
    c.app,  -- the app's name
    c.function,  -- the function's name
    c.container_key,  -- the container, see raw.containers
    date_trunc('day', c.started_at) as day,  -- UTC day on which the inputs started
    min(c.started_at) as first_started_at,  -- first start of an input on this day, UTC
    max(c.ended_at) as last_ended_at,  -- last end of an input that started on this day, UTC
    min(c.started_at - to_microseconds(coalesce(c.startup_us, 0))) as startup_began_at,  -- first start less its start-up
    count(*) as inputs,  -- inputs started
    sum(hash(c.started_at, c.ended_at)::hugeint) as content_hash  -- changes when any of these inputs does
from staging.function_calls as c
where
    c.started_at >= $since
    and c.started_at < $until
    and c.container_key is not null
group by all
