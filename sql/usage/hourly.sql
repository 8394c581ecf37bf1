/*
Container time by function and hour: start-up, execution (the union of concurrent inputs) and idle, in microseconds.

The heavy step: it reads the call log; everything after it is functions × hours.

key: environment, app, app_id, function, configuration_from, hour, component
partition: hour
*/
with

logs as (
    select
        file_id,
        dense_rank() over (order by environment, app, function)::integer as function_number,
        environment,
        app,
        function
    from (
        select distinct
            file_id,
            environment,
            app,
            function
        from staging.deliveries
        where source = 'function_calls'
    ) as named_logs
),

functions as (
    select distinct
        function_number,
        environment,
        app,
        function
    from logs
),

alive as (
    select
        f.function_number,
        c.container_key,
        c.app_id,
        c.configuration_from,
        c.phase,
        c.created_at,
        c.first_started_at,
        c.stopped_at
    from usage.containers as c
    inner join functions as f
        on
            c.environment = f.environment
            and c.app = f.app
            and c.function = f.function
    where
        c.created_at < $until
        and c.stopped_at > $since
),

-- Times as microseconds and hours as numbers since 1970: this is the heavy part, and integers are quickest.
-- No input runs for more than Modal's longest timeout, a day.
inputs as (
    select
        l.function_number,
        c.container_key,
        epoch_us(greatest(c.started_at, $since)) as began_us,
        epoch_us(least(c.ended_at, $until)) as ended_us
    from staging.function_calls as c
    inner join logs as l on c.file_id = l.file_id
    where
        c.started_at >= $since - interval 1 day
        and c.started_at < $until
        and c.ended_at > $since
        and c.container_key is not null
),

ordered_inputs as (
    select
        function_number,
        container_key,
        began_us,
        ended_us,
        max(ended_us) over (
            partition by function_number, container_key
            order by began_us
            rows between unbounded preceding and 1 preceding
        ) as busy_until_us
    from inputs
),

-- What an input adds to the time that the container was busy already; greatest passes over the null of its first input.
busy_stretches as (
    select
        function_number,
        container_key,
        greatest(began_us, busy_until_us) as began_us,
        ended_us
    from ordered_inputs
    where ended_us > greatest(began_us, busy_until_us)
),

-- Stretches follow one another, so only the last one that begins in an hour can outlast it.
hours_of_beginning as (
    select
        function_number,
        container_key,
        began_us // 3600000000 as hour_number,
        sum(ended_us - began_us)::bigint as busy_us,
        max(ended_us) as ended_us
    from busy_stretches
    group by all
),

later_hours as (
    select
        function_number,
        container_key,
        ended_us,
        unnest(range(hour_number + 1, (ended_us - 1) // 3600000000 + 1)) as hour_number
    from hours_of_beginning
    where ended_us > (hour_number + 1) * 3600000000
),

parts_of_hours as (
    select
        function_number,
        container_key,
        hour_number,
        busy_us - greatest(0, ended_us - (hour_number + 1) * 3600000000) as busy_us
    from hours_of_beginning
    union all by name
    select
        function_number,
        container_key,
        hour_number,
        least(3600000000, ended_us - hour_number * 3600000000) as busy_us
    from later_hours
),

busy_hours as (
    select
        function_number,
        container_key,
        make_timestamp(hour_number * 3600000000) as hour,
        sum(busy_us)::bigint as busy_us
    from parts_of_hours
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
        function_number,
        container_key,
        app_id,
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

function_hours as (
    select
        l.function_number,
        l.app_id,
        l.configuration_from,
        l.phase,
        l.hour,
        count(*) as containers,
        sum(l.startup_us)::bigint as startup_us,
        sum(coalesce(b.busy_us, 0))::bigint as busy_us,
        sum(l.serving_us - coalesce(b.busy_us, 0))::bigint as idle_us
    from life_hours as l
    left join busy_hours as b
        on
            l.function_number = b.function_number
            and l.container_key = b.container_key
            and l.hour = b.hour
    group by all
),

components as (
    select
        f.environment,
        f.app,
        f.function,
        h.app_id,
        h.configuration_from,
        h.phase,
        h.hour,
        h.containers,
        unnest([
            {'component': 'startup', 'container_us': h.startup_us},
            {'component': 'execution', 'container_us': h.busy_us},
            {'component': 'idle', 'container_us': h.idle_us}
        ]) as part
    from function_hours as h
    inner join functions as f on h.function_number = f.function_number
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
