/*
Container time by function and hour: start-up, execution (the union of concurrent inputs) and idle, in microseconds.

The heavy step: it reads the call log; everything after it is functions × hours.

key: environment, app, app_id, function, configuration_from, hour, component
partition: hour
*/
with

alive as (
    select
        environment,
        app,
        app_id,
        function,
        container_key,
        configuration_from,
        phase,
        created_at,
        first_started_at,
        stopped_at
    from usage.containers
    where
        created_at < $until
        and stopped_at > $since
),

-- No input runs for more than Modal's longest timeout, a day.
inputs as (
    select
        environment,
        app,
        function,
        container_key,
        greatest(started_at, $since) as began_at,
        least(ended_at, $until) as ended_at
    from staging.function_calls
    where
        started_at >= $since - interval 1 day
        and started_at < $until
        and ended_at > $since
        and container_key is not null
),

ordered_inputs as (
    select
        *,
        max(ended_at) over (
            partition by environment, app, function, container_key
            order by began_at, ended_at
            rows between unbounded preceding and 1 preceding
        ) as busy_until
    from inputs
),

busy_stretches as (
    select
        environment,
        app,
        function,
        container_key,
        ended_at,
        greatest(began_at, coalesce(busy_until, began_at)) as began_at
    from ordered_inputs
    where busy_until is null or ended_at > busy_until
),

hours_of_long_stretches as (
    select
        *,
        unnest(range(date_trunc('hour', began_at), ended_at, interval 1 hour)) as hour
    from busy_stretches
    where ended_at > date_trunc('hour', began_at) + interval 1 hour
),

stretches_by_hour as (
    select
        environment,
        app,
        function,
        container_key,
        date_trunc('hour', began_at) as hour,
        epoch_us(ended_at) - epoch_us(began_at) as busy_us
    from busy_stretches
    where ended_at <= date_trunc('hour', began_at) + interval 1 hour
    union all by name
    select
        environment,
        app,
        function,
        container_key,
        hour,
        epoch_us(least(ended_at, hour + interval 1 hour)) - epoch_us(greatest(began_at, hour)) as busy_us
    from hours_of_long_stretches
),

busy_hours as (
    select
        environment,
        app,
        function,
        container_key,
        hour,
        sum(busy_us)::bigint as busy_us
    from stretches_by_hour
    group by all
),

alive_by_hour as (
    select
        *,
        unnest(
            range(
                date_trunc('hour', greatest(created_at, $since)),
                least(stopped_at, $until),
                interval 1 hour
            )
        ) as hour
    from alive
),

life_hours as (
    select
        environment,
        app,
        app_id,
        function,
        container_key,
        configuration_from,
        phase,
        hour,
        greatest(
            0,
            epoch_us(least(first_started_at, hour + interval 1 hour)) - epoch_us(greatest(created_at, hour))
        ) as startup_us,
        greatest(
            0,
            epoch_us(least(stopped_at, hour + interval 1 hour)) - epoch_us(greatest(first_started_at, hour))
        ) as serving_us
    from alive_by_hour
),

container_hours as (
    select
        l.*,
        coalesce(b.busy_us, 0) as busy_us
    from life_hours as l
    left join busy_hours as b
        on
            l.environment = b.environment
            and l.app = b.app
            and l.function = b.function
            and l.container_key = b.container_key
            and l.hour = b.hour
),

function_hours as (
    select
        environment,
        app,
        app_id,
        function,
        configuration_from,
        phase,
        hour,
        count(*) as containers,
        sum(startup_us)::bigint as startup_us,
        sum(busy_us)::bigint as busy_us,
        sum(serving_us - busy_us)::bigint as idle_us
    from container_hours
    group by all
),

components as (
    select
        *,
        unnest([
            {'component': 'startup', 'container_us': startup_us},
            {'component': 'execution', 'container_us': busy_us},
            {'component': 'idle', 'container_us': idle_us}
        ]) as part
    from function_hours
)

select
    environment,  -- Modal environment
    app,  -- the app's name
    app_id,  -- the app's id, where the app list leaves no doubt
    function,  -- the function's name
    configuration_from,  -- names the configuration, see staging.configurations
    phase,  -- rollout phase of that configuration
    hour,  -- start of the hour, UTC
    struct_extract(part, 'component') as component,  -- startup, execution or idle
    struct_extract(part, 'container_us') as container_us,  -- container time in microseconds
    containers  -- containers alive in this hour
from components
where struct_extract(part, 'container_us') > 0
