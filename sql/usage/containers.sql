/*
The life of every container: created, first start, last end, stop, and the configuration it was created under.

It was created at the time in its id; older ids carry none, there the first start less the start-up time stands in. After
the last input it lived for the function's scaledown window, or less when its app was deployed anew or stopped: what runs
then is finished, and the container gets no other input.

Built whole: a log of any day can lengthen a life at either end.

key: environment, app, function, container_key
*/
with

lives as (
    select
        environment,
        app,
        function,
        container_key,
        min(first_started_at) as first_started_at,
        max(last_ended_at) as last_ended_at,
        min(startup_began_at) as startup_began_at,
        sum(inputs)::bigint as inputs
    from usage.container_days
    group by all
),

created as (
    select
        l.*,
        least(coalesce(c.created_at, l.startup_began_at), l.first_started_at) as created_at
    from lives as l
    inner join raw.containers as c on l.container_key = c.container_key
),

configured as (
    select
        c.*,
        k.valid_from as configuration_from,
        k.phase,
        k.scaledown_window_seconds
    from created as c
    asof join staging.configurations as k
        on
            c.environment = k.environment
            and c.app = k.app
            and c.function = k.function
            and c.created_at >= k.valid_from
),

app_lives as (
    select
        environment,
        app,
        app_id,
        created_at as app_created_at,
        coalesce(stopped_at, timestamp '9999-12-31') as app_stopped_at
    from staging.apps
),

with_next_deployment as (
    select
        c.*,
        d.deployed_at as next_deployed_at
    from configured as c
    asof left join staging.deployments as d
        on
            c.environment = d.environment
            and c.app = d.app
            and c.created_at < d.deployed_at
),

with_app as (
    select
        c.*,
        case when count(a.app_id) over (
            partition by c.environment, c.app, c.function, c.container_key
        ) = 1 then a.app_id end as app_id,
        a.app_stopped_at
    from with_next_deployment as c
    left join app_lives as a
        on
            c.environment = a.environment
            and c.app = a.app
            and c.created_at >= a.app_created_at
            and c.created_at < a.app_stopped_at
    qualify row_number() over (
        partition by c.environment, c.app, c.function, c.container_key
        order by a.app_created_at desc nulls last, a.app_id asc
    ) = 1
)

select
    environment,  -- Modal environment
    app,  -- the app's name
    app_id,  -- the app's id, where the app list leaves no doubt
    function,  -- the function's name
    container_key,  -- see raw.containers
    configuration_from,  -- names the configuration, see staging.configurations
    phase,  -- rollout phase of that configuration
    created_at,  -- UTC
    first_started_at,  -- first start of an input, UTC
    last_ended_at,  -- last end of an input, UTC
    greatest(
        last_ended_at,
        least(
            last_ended_at + to_seconds(scaledown_window_seconds),
            coalesce(next_deployed_at, timestamp '9999-12-31'),
            coalesce(app_stopped_at, timestamp '9999-12-31')
        )
    ) as stopped_at,  -- the latest it can have stopped, UTC
    inputs  -- inputs it started
from with_app
