/*
Container time of the functions, placed on the objects and intervals of the bill: before the bill has said how much of
what is inferred was there.

Servers answer requests that no log shows: where no container series does, they may have as many containers as their
settings allow (a thousand, where nothing limits them), which the bill pays for last.

A call log belongs to the app that is deployed under the name, not to a run of the same name. A name may stand for several
deployed ids in one interval; what the app list cannot place goes to the dearest of them.

key: interval_number, function, phase, configuration_from, hour, component, evidence
partition: interval_start
weeks at once: 5
*/
with

app_costs as (
    select
        environment,
        app,
        hour as interval_start,
        resolution,
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
        *,
        row_number() over (
            partition by environment, app, interval_start, resolution
            order by billed_usd desc, object_id asc
        ) = 1 as is_dearest
    from app_costs
),

apps_billed_by_day as (
    select distinct
        environment,
        app
    from app_costs
    where resolution = 'd'
),

observed_hours as (
    select distinct
        environment,
        app,
        function,
        hour
    from spend.observed_time
    where
        hour >= $since
        and hour < $until
),

-- What container series show takes the place of what the settings let expect.
container_hours as (
    select u.* exclude (containers)
    from usage.hourly as u
    left join observed_hours as o
        on
            u.environment = o.environment
            and u.app = o.app
            and u.function = o.function
            and u.hour = o.hour
    where
        u.hour >= $since
        and u.hour < $until
        and (u.evidence = 'seen' or o.hour is null)
    union all by name
    select
        * exclude (rest_us, is_usual, sampling_ppm),
        'series' as evidence
    from spend.observed_time
    where
        hour >= $since
        and hour < $until
        and container_us > 0
    union all by name
    select
        * exclude (rest_us, is_usual, sampling_ppm) replace (rest_us as container_us),
        'rest' as evidence
    from spend.observed_time
    where
        hour >= $since
        and hour < $until
        and rest_us > 0
),

usage_intervals as (
    select
        *,
        hour as interval_start,
        'h' as resolution
    from container_hours
    union all by name
    select
        *,
        date_trunc('day', hour) as interval_start,
        'd' as resolution
    from container_hours
    semi join apps_billed_by_day using (environment, app)
),

-- What telemetry has seen of a server, in an hour in which it saw any.
seen_servers as (
    select distinct
        u.environment,
        u.app,
        u.function,
        u.hour
    from usage.hourly as u
    semi join staging.servers as s
        on
            u.environment = s.environment
            and u.app = s.app
            and u.function = s.function
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
        b.app,
        b.interval_start,
        b.resolution,
        k.function,
        k.phase,
        k.valid_from as configuration_from,
        b.interval_start as hour,
        'direct' as component,
        'requests' as evidence,
        (coalesce(k.max_containers, 1000) - k.min_containers)
        * k.cluster_size
        * case b.resolution when 'h' then 3600000000 else 86400000000 end as container_us
    from app_costs as b
    inner join staging.configurations as k
        on
            b.environment = k.environment
            and b.app = k.app
            and b.interval_start >= k.valid_from
            and b.interval_start < k.valid_to
    anti join seen_servers as o
        on
            b.environment = o.environment
            and b.app = o.app
            and k.function = o.function
            and b.interval_start <= o.hour
            and o.hour < b.interval_start + case b.resolution when 'h' then interval 1 hour else interval 1 day end
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
            and u.resolution = b.resolution
),

-- Only where a name stands for several ids, or for one that is not always known, rows come together.
ambiguous_apps as (
    select
        environment,
        app
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
        (environment, app) in (
            select
                a.environment,
                a.app
            from ambiguous_apps as a
        ) as is_ambiguous
    from billed_apps
),

placed as (
    select
        b.is_ambiguous,
        b.interval_start,
        b.interval_number,
        u.function,
        u.phase,
        u.configuration_from,
        u.hour,
        u.component,
        u.evidence,
        u.container_us
    from told_apart as b
    inner join placed_usage as u
        on
            b.environment = u.environment
            and b.app = u.app
            and b.interval_start = u.interval_start
            and b.resolution = u.resolution
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
    function,  -- whose containers
    phase,  -- rollout phase of the containers
    configuration_from,  -- names their configuration, see staging.configurations
    hour,  -- start of the hour, UTC
    component,  -- what it was for, see catalog.components
    evidence,  -- seen, series, settings, window, usual, limit, rest, beyond, wait or requests
    container_us  -- container time in microseconds; for limit, beyond, wait, requests at most
from all_time
