/*
The configurations whose containers can have been alive in a week, from Monday, with the names that their keys stand for.

Usage, and claims on GPUs, name a configuration by its key: that is quicker to write and to match than names.

key: window_start, configuration_key
partition: window_start
weeks at once: 5
*/
with

windows as (
    select unnest(range($since::timestamp, $until::timestamp, interval 7 day)) as window_start
),

lived as (
    select
        configuration_key,
        min(alive_from) as since,
        max(stopped_at) as until
    from usage.containers
    where
        alive_from < $until
        and stopped_at > $since
    group by all
    union all by name
    select
        configuration_key,
        valid_from as since,
        valid_to as until
    from staging.configurations
    where
        valid_from < $until
        and valid_to > $since
),

held as (
    select distinct
        w.window_start,
        s.configuration_key
    from windows as w
    inner join lived as s
        on
            w.window_start + interval 7 day > s.since
            and w.window_start < s.until
)

select
    h.window_start,  -- first hour of the week, a Monday, UTC
    h.configuration_key,  -- see staging.configurations
    k.environment,  -- Modal environment
    k.app,  -- the app's name
    k.function,  -- the function's name
    k.phase,  -- rollout phase of the configuration
    k.valid_from as configuration_from,  -- since when it holds, UTC
    meta.claimant_key(k.function, k.phase) as claimant_key  -- stands for function and phase
from held as h
inner join staging.configurations as k on h.configuration_key = k.configuration_key
