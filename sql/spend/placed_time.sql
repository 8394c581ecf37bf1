/*
Container time of the functions, placed on the objects and intervals of the bill: before the bill has said how much of
what is inferred was there.

Servers answer requests that no log shows: where no container series does, they may have as many containers as their
settings allow (a thousand, where nothing limits them), which the bill pays for last.

A call log belongs to the app that is deployed under the name, not to a run of the same name. A name may stand for several
deployed ids in one interval; what the app list cannot place goes to the dearest of them.

key: interval_number, configuration_key, hour, component, evidence
partition: interval_start
weeks at once: 5
*/
with

named as (
    select distinct
        configuration_key,
        environment,
        app,
        function,
        configuration_from
    from usage.configurations
    where
        window_start >= $since
        and window_start < $until
),

-- Apps and functions are numbers, too.
configurations as materialized (
    select
        *,
        dense_rank() over (order by environment, app) as app_number,
        dense_rank() over (order by environment, app, function) as function_number
    from named
),

apps as (
    select distinct
        app_number,
        environment,
        app
    from configurations
),

app_costs as (
    select
        environment,
        app,
        hour as interval_start,
        resolution = 'd' as is_by_day,
        object_id,
        interval_number,
        sum(abs(billed_usd)) as billed_usd
    from spend.pools
    where
        is_deployed_app
        and hour >= $since
        and hour < $until
    group by all
),

billed_apps as (
    select
        c.*,
        a.app_number,
        row_number() over (
            partition by a.app_number, c.interval_start, c.is_by_day
            order by c.billed_usd desc, c.object_id asc
        ) = 1 as is_dearest
    from app_costs as c
    inner join apps as a
        on
            c.environment = a.environment
            and c.app = a.app
),

apps_billed_by_day as (
    select distinct app_number
    from billed_apps
    where is_by_day
),

observed_time as (
    select
        o.*,
        c.configuration_key,
        c.app_number,
        c.function_number
    from spend.observed_time as o
    inner join configurations as c
        on
            o.environment = c.environment
            and o.app = c.app
            and o.function = c.function
            and o.configuration_from = c.configuration_from
    where
        o.hour >= $since
        and o.hour < $until
),

observed_hours as (
    select distinct
        function_number,
        hour
    from observed_time
),

-- What container series show takes the place of what the settings let expect.
container_hours as not materialized (
    select
        u.configuration_key,
        c.environment,
        c.app_number,
        u.app_id,
        u.hour,
        u.component,
        u.evidence,
        u.container_us
    from usage.hours as u
    inner join configurations as c on u.configuration_key = c.configuration_key
    left join observed_hours as o
        on
            c.function_number = o.function_number
            and u.hour = o.hour
    where
        u.hour >= $since
        and u.hour < $until
        and (u.evidence = 'seen' or o.hour is null)
    union all by name
    select
        configuration_key,
        environment,
        app_number,
        app_id,
        hour,
        component::meta.component as component,
        'series'::meta.evidence as evidence,
        container_us
    from observed_time
    where container_us > 0
    union all by name
    select
        configuration_key,
        environment,
        app_number,
        app_id,
        hour,
        component::meta.component as component,
        'rest'::meta.evidence as evidence,
        rest_us as container_us
    from observed_time
    where rest_us > 0
),

usage_intervals as (
    select
        *,
        hour as interval_start,
        false as is_by_day
    from container_hours
    union all by name
    select
        *,
        date_trunc('day', hour) as interval_start,
        true as is_by_day
    from container_hours
    semi join apps_billed_by_day using (app_number)
),

-- What telemetry has seen of a server, in an hour in which it saw any.
server_functions as (
    select
        c.configuration_key,
        c.function_number
    from configurations as c
    semi join staging.servers as s
        on
            c.environment = s.environment
            and c.app = s.app
            and c.function = s.function
),

seen_servers as (
    select distinct
        s.function_number,
        u.hour
    from usage.hours as u
    inner join server_functions as s on u.configuration_key = s.configuration_key
    where
        u.evidence = 'seen'
        and u.hour >= $since
        and u.hour < $until
    union
    select *
    from observed_hours
),

answering as (
    select distinct
        b.environment,
        b.app_number,
        b.interval_start,
        b.is_by_day,
        k.configuration_key,
        b.interval_start as hour,
        'direct'::meta.component as component,
        'requests'::meta.evidence as evidence,
        (coalesce(k.max_containers, 1000) - k.min_containers)
        * k.cluster_size
        * case when b.is_by_day then 86400000000 else 3600000000 end as container_us
    from billed_apps as b
    inner join staging.configurations as k
        on
            b.environment = k.environment
            and b.app = k.app
            and b.interval_start >= k.valid_from
            and b.interval_start < k.valid_to
    inner join configurations as c on k.configuration_key = c.configuration_key
    anti join seen_servers as o
        on
            c.function_number = o.function_number
            and b.interval_start <= o.hour
            and o.hour < b.interval_start + case when b.is_by_day then interval 1 day else interval 1 hour end
    where
        k.is_server
        and coalesce(k.max_containers, 1000) > k.min_containers
),

claimants as (
    select *
    from usage_intervals
    union all by name
    select *
    from answering
),

placed_usage as (
    select
        u.*,
        b.object_id as billed_id
    from claimants as u
    left join billed_apps as b
        on
            u.environment = b.environment
            and u.app_id = b.object_id
            and u.interval_start = b.interval_start
            and u.is_by_day = b.is_by_day
),

-- Only where a name stands for several ids, or for one that is not always known, rows come together.
ambiguous_apps as (
    select app_number
    from container_hours
    group by all
    having
        min(app_id) != max(app_id)
        or count(app_id) between 1 and count(*) - 1
),

-- Told by membership, not by a join, which would let the planner take the few intervals for more than all their usage.
told_apart as (
    select
        *,
        app_number in (select a.app_number from ambiguous_apps as a) as is_ambiguous
    from billed_apps
),

placed as (
    select
        b.is_ambiguous,
        b.interval_start,
        b.interval_number,
        u.configuration_key,
        u.hour,
        u.component,
        u.evidence,
        u.container_us
    from told_apart as b
    inner join placed_usage as u
        on
            b.app_number = u.app_number
            and b.interval_start = u.interval_start
            and b.is_by_day = u.is_by_day
    where
        b.object_id = u.billed_id
        or (u.billed_id is null and b.is_dearest)
),

all_time as (
    select *
    from placed
    where not is_ambiguous
    union all by name
    select
        * exclude (container_us),
        sum(container_us)::bigint as container_us
    from placed
    where is_ambiguous
    group by all
)

select
    interval_start,  -- start of the billed interval, UTC
    interval_number,  -- names the interval of the billed app, see spend.pools
    configuration_key,  -- whose containers, see usage.configurations
    hour,  -- start of the hour, UTC
    component,  -- what it was for, see catalog.components
    evidence,  -- seen, series, settings, window, usual, limit, rest, beyond, wait or requests
    container_us  -- container time in microseconds; for limit, beyond, wait, requests at most
from all_time
