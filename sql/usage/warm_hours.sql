/*
Container time that the settings of a function ask for beyond the containers that its log shows: those that
`min_containers` keeps warm at any time, called or not, and those that `buffer_containers` may keep waiting while others
are at work. Counted from moment to moment: two containers alive at once do not stand in for one at another time.

key: configuration_key, app_id, hour, component, evidence
partition: hour
weeks at once: 5
*/
with

-- A name is deployed under one id at a time; an app that no list names is there since its first known deployment.
app_lives as (
    select
        environment,
        app,
        app_id,
        created_at as live_from,
        coalesce(stopped_at, timestamp '9999-12-31') as live_to
    from staging.apps
    where is_deployed
),

first_deployments as (
    select
        environment,
        app,
        min(deployed_at) as deployed_at
    from staging.deployments
    group by all
),

asked as (
    select
        k.environment,
        k.app,
        k.function,
        k.configuration_key,
        k.min_containers,
        k.buffer_containers,
        coalesce(k.max_containers, 2147483647) as max_containers,
        a.app_id,
        greatest(k.valid_from, coalesce(a.live_from, d.deployed_at), $since) as asked_from,
        least(k.valid_to, a.live_to, $until) as asked_to
    from staging.configurations as k
    left join app_lives as a
        on
            k.environment = a.environment
            and k.app = a.app
            and k.valid_from < a.live_to
            and k.valid_to > a.live_from
    left join first_deployments as d
        on
            k.environment = d.environment
            and k.app = d.app
    where
        (k.min_containers > 0 or k.buffer_containers > 0)
        and k.valid_from < $until
        and k.valid_to > $since
),

asked_now as (
    select *
    from asked
    where asked_from < asked_to
),

configurations_asked_now as (
    select
        k.configuration_key,
        k.environment,
        k.app,
        k.function
    from staging.configurations as k
    semi join asked_now as a
        on
            k.environment = a.environment
            and k.app = a.app
            and k.function = a.function
),

changes as (
    select
        k.environment,
        k.app,
        k.function,
        greatest(c.alive_from, $since) as moment,
        1 as more
    from usage.containers as c
    inner join configurations_asked_now as k on c.configuration_key = k.configuration_key
    where
        c.first_started_at is not null
        and c.alive_from < $until
        and c.stopped_at > $since
    union all by name
    select
        k.environment,
        k.app,
        k.function,
        c.stopped_at as moment,
        -1 as more
    from usage.containers as c
    inner join configurations_asked_now as k on c.configuration_key = k.configuration_key
    where
        c.first_started_at is not null
        and c.alive_from < $until
        and c.stopped_at > $since
        and c.stopped_at < $until
    union all by name
    select
        environment,
        app,
        function,
        unnest([asked_from, asked_to]) as moment,
        0 as more
    from asked_now
    union all by name
    select
        environment,
        app,
        function,
        unnest(range(date_trunc('hour', asked_from), asked_to, interval 1 hour)) as moment,
        0 as more
    from asked_now
),

moments as (
    select
        environment,
        app,
        function,
        moment,
        sum(more) as more
    from changes
    group by all
),

stretches as (
    select
        environment,
        app,
        function,
        moment as stretch_from,
        lead(moment) over down_the_time as stretch_to,
        sum(more) over down_the_time as alive
    from moments
    window
        down_the_time as (
            partition by environment, app, function
            order by moment
        )
),

beyond_the_log as (
    select
        a.configuration_key,
        a.app_id,
        date_trunc('hour', s.stretch_from) as hour,
        epoch_us(s.stretch_to) - epoch_us(s.stretch_from) as stretch_us,
        greatest(0, least(a.min_containers, a.max_containers) - s.alive) as warm,
        case
            when s.alive > 0 then greatest(0, least(a.buffer_containers, a.max_containers - s.alive) - warm)
            else 0
        end as waiting
    from stretches as s
    inner join asked_now as a
        on
            s.environment = a.environment
            and s.app = a.app
            and s.function = a.function
            and s.stretch_from >= a.asked_from
            and s.stretch_to <= a.asked_to
),

parts as (
    select
        * exclude (stretch_us, warm, waiting),
        'settings'::meta.evidence as evidence,
        warm * stretch_us as container_us
    from beyond_the_log
    union all by name
    select
        * exclude (stretch_us, warm, waiting),
        'limit'::meta.evidence as evidence,
        waiting * stretch_us as container_us
    from beyond_the_log
)

select
    configuration_key,  -- see usage.configurations
    app_id,  -- the app's id, where the app list leaves no doubt
    hour,  -- start of the hour, UTC
    'warm'::meta.component as component,  -- warm
    evidence,  -- settings (min_containers) or limit (buffer_containers)
    sum(container_us)::bigint as container_us,  -- container time in microseconds; for limit at most
    0 as containers  -- none that the log shows
from parts
where container_us > 0
group by all
