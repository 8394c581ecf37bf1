/*
Container time that container series show beyond the call log, for every hour of a function that they cover.

The mean number of containers times the length of its buckets is container time, whoever called it. What the log has seen of
it stays what it is. The rest started up, as far as more containers came up than the log names, or was kept warm by settings,
or is the tail, or what else the settings allow, in this order; what none of them allows was alive without a call: warm where
settings keep containers, else idle.

An hour counts when at least three quarters of it were observed, and buckets without an observation are taken like the
others of their hour.

Samples a minute apart show of one life a minute more or less than there was, by chance: a sixth of a minute's square in the
mean. Of many lives the errors cancel each other, as a share of all that is beyond the log.

key: environment, app, app_id, function, configuration_from, hour, component
partition: hour
empty without: staging.function_series
*/
with

buckets as (
    select
        environment,
        app,
        function,
        is_server,
        date_trunc('hour', bucket_start) as hour,
        bucket_seconds,
        value
    from staging.function_series
    where
        measure = 'containers'
        and aggregation = 'avg'
        and value is not null
        and bucket_seconds <= 3600
        and 3600 % bucket_seconds = 0
        and bucket_start >= $since
        and bucket_start < $until
),

observed as (
    select
        b.environment,
        b.app,
        coalesce(s.function, b.function) as function,
        b.hour,
        sum(b.bucket_seconds) as observed_seconds,
        (sum((b.value * b.bucket_seconds * 1000000)::bigint)::hugeint * 3600 // sum(b.bucket_seconds))::bigint as alive_us
    from buckets as b
    left join staging.servers as s
        on
            b.is_server
            and b.environment = s.environment
            and b.app = s.app
            and b.function = s.server
    group by all
    having observed_seconds >= 2700
),

-- Few functions have series: by their keys nothing else is read.
observed_configurations as (
    select distinct
        c.configuration_key,
        c.environment,
        c.app,
        c.function,
        c.configuration_from,
        c.phase
    from usage.configurations as c
    semi join observed using (environment, app, function)
    where
        c.window_start >= $since
        and c.window_start < $until
),

observed_hours as (
    select
        c.*,
        u.app_id,
        u.hour,
        u.component::varchar as component,
        u.evidence::varchar as evidence,
        u.container_us
    from usage.hours as u
    inner join observed_configurations as c on u.configuration_key = c.configuration_key
    where
        u.hour >= $since
        and u.hour < $until
),

logged as (
    select
        environment,
        app,
        function,
        hour,
        coalesce(sum(container_us) filter (where evidence = 'seen'), 0)::bigint as seen_us,
        coalesce(sum(container_us) filter (where evidence in ('settings', 'window', 'usual')), 0)::bigint as expected_us,
        coalesce(sum(container_us) filter (where component = 'warm' and evidence = 'limit'), 0)::bigint as waiting_us
    from observed_hours
    semi join observed using (environment, app, function, hour)
    group by all
),

compared as (
    select
        o.*,
        o.alive_us - coalesce(s.seen_us, 0) as difference_us,
        coalesce(s.expected_us, 0) as expected_us,
        coalesce(s.waiting_us, 0) as waiting_us
    from observed as o
    left join logged as s
        on
            o.environment = s.environment
            and o.app = s.app
            and o.function = s.function
            and o.hour = s.hour
),

-- Samples scatter: an hour may show less than the log has seen. All hours together show what is beyond it, and what part
-- of the expected time that is.
sampled as (
    select
        *,
        (
            greatest(0, difference_us)::hugeint * greatest(0, sum(difference_us) over the_function)
            // greatest(1, sum(greatest(0, difference_us)) over the_function)
        )::bigint as sampled_us,
        (
            expected_us::hugeint * greatest(0, sum(difference_us) over the_function)
            // greatest(1, sum(expected_us) over the_function)
        )::bigint as usual_us
    from compared
    window the_function as (partition by environment, app, function)
),

-- Where hours come to much the same part of the expected time, that part says more of an hour than its few samples. With a
-- buffer nothing is expected of an hour.
agreeing as (
    select
        *,
        sum(abs(sampled_us - usual_us)) over the_function * 10 <= sum(sampled_us) over the_function * 4
        and sum(waiting_us) over the_function = 0 as is_usual
    from sampled
    window the_function as (partition by environment, app, function)
),

containers as not materialized (
    select
        n.environment,
        n.app,
        n.function,
        c.*
    from usage.containers as c
    inner join usage.configurations as n
        on
            c.configuration_key = n.configuration_key
            and date_trunc('week', c.created_at) = n.window_start
    where
        c.created_at >= $since
        and c.created_at < $until
),

-- Which containers came up: those of the log, or more, where the series count them.
came_up as (
    select
        environment,
        app,
        function,
        sum(cluster_size // cluster_members)::bigint as lives
    from containers
    semi join observed using (environment, app, function)
    group by all
    union all by name
    select
        r.environment,
        r.app,
        coalesce(s.function, r.function) as function,
        sum(r.value)::bigint as lives
    from staging.function_series as r
    left join staging.servers as s
        on
            r.is_server
            and r.environment = s.environment
            and r.app = s.app
            and r.function = s.server
    where
        r.measure = 'containers'
        and r.aggregation = 'count'
        and r.bucket_start >= $since
        and r.bucket_start < $until
    group by all
),

lives as (
    select
        environment,
        app,
        function,
        max(lives) as lives
    from came_up
    group by all
),

beyond_the_log as (
    select
        a.* exclude (difference_us, expected_us, waiting_us, sampled_us, usual_us),
        case when a.is_usual then a.usual_us else a.sampled_us end as unseen_us,
        least(
            1000000,
            sqrt(greatest(1, coalesce(l.lives, 1)) * 600000000000000)::bigint * 1000000
            // greatest(1, sum(case when a.is_usual then a.usual_us else a.sampled_us end) over the_function)
        )::bigint as sampling_ppm
    from agreeing as a
    left join lives as l
        on
            a.environment = l.environment
            and a.app = l.app
            and a.function = l.function
    window the_function as (partition by a.environment, a.app, a.function)
),

-- Containers that came up without a call took as long to start as those of the log usually do.
starts as (
    select
        environment,
        app,
        function,
        date_trunc('hour', bucket_start) as hour,
        sum(value)::bigint as starts
    from staging.function_series
    where
        measure = 'containers'
        and aggregation = 'count'
        and not is_server
        and bucket_start >= $since
        and bucket_start < $until
    group by all
),

logged_starts as (
    select
        environment,
        app,
        function,
        date_trunc('hour', created_at) as hour,
        sum(cluster_size // cluster_members) as starts
    from containers
    semi join starts using (environment, app, function)
    group by all
),

usual_startups as (
    select
        environment,
        app,
        function,
        quantile_disc(epoch_us(first_started_at) - epoch_us(billed_from), 0.5) as startup_us
    from containers
    semi join starts using (environment, app, function)
    where inputs > 0
    group by all
),

compared_starts as (
    select
        s.environment,
        s.app,
        s.function,
        s.hour,
        u.startup_us,
        s.starts - coalesce(l.starts, 0) as uncalled
    from starts as s
    inner join usual_startups as u
        on
            s.environment = u.environment
            and s.app = u.app
            and s.function = u.function
    left join logged_starts as l
        on
            s.environment = l.environment
            and s.app = l.app
            and s.function = l.function
            and s.hour = l.hour
),

uncalled_starts as (
    select
        *,
        startup_us * greatest(0, uncalled) * greatest(0, sum(uncalled) over the_function)
        // greatest(1, sum(greatest(0, uncalled)) over the_function) as starting_us
    from compared_starts
    window the_function as (partition by environment, app, function)
),

starting as (
    select
        b.environment,
        b.app,
        null as app_id,
        b.function,
        k.valid_from as configuration_from,
        k.phase,
        b.hour,
        'startup' as component,
        'starts' as evidence,
        least(u.starting_us, b.unseen_us)::bigint as container_us,
        b.is_usual,
        b.sampling_ppm,
        b.unseen_us
    from beyond_the_log as b
    inner join uncalled_starts as u
        on
            b.environment = u.environment
            and b.app = u.app
            and b.function = u.function
            and b.hour = u.hour
    asof join staging.configurations as k
        on
            b.environment = k.environment
            and b.app = k.app
            and b.function = k.function
            and b.hour >= k.valid_from
    where u.starting_us > 0
),

time_without_calls as (
    select
        u.environment,
        u.app,
        u.app_id,
        u.function,
        u.configuration_from,
        u.phase,
        u.hour,
        u.component,
        u.evidence,
        u.container_us,
        b.is_usual,
        b.sampling_ppm,
        b.unseen_us
    from observed_hours as u
    inner join beyond_the_log as b
        on
            u.environment = b.environment
            and u.app = b.app
            and u.function = b.function
            and u.hour = b.hour
    where u.evidence != 'seen'
    union all by name
    select *
    from starting
),

possible as (
    select
        *,
        coalesce(
            sum(container_us) over (
                partition by environment, app, function, hour
                order by
                    case evidence
                        when 'starts' then 0
                        when 'settings' then 1
                        when 'window' then 2
                        when 'usual' then 2
                        when 'limit' then 3
                        when 'beyond' then 4
                        else 5
                    end,
                    configuration_from, component, app_id
                rows between unbounded preceding and 1 preceding
            ), 0
        )::bigint as before_us
    from time_without_calls
),

allowed as (
    select
        environment,
        app,
        function,
        hour,
        sum(container_us)::bigint as allowed_us
    from possible
    group by all
),

-- Also where nothing is left: the row says that the hour was observed.
beyond_the_settings as (
    select
        b.environment,
        b.app,
        null as app_id,
        b.function,
        k.valid_from as configuration_from,
        k.phase,
        b.hour,
        b.is_usual,
        b.sampling_ppm,
        case when k.min_containers > 0 or k.buffer_containers > 0 then 'warm' else 'idle' end as component,
        greatest(0, b.unseen_us - coalesce(a.allowed_us, 0)) as container_us
    from beyond_the_log as b
    asof join staging.configurations as k
        on
            b.environment = k.environment
            and b.app = k.app
            and b.function = k.function
            and b.hour >= k.valid_from
    left join allowed as a
        on
            b.environment = a.environment
            and b.app = a.app
            and b.function = a.function
            and b.hour = a.hour
),

parts as (
    select
        * exclude (unseen_us, before_us, evidence)
        replace (greatest(0, least(container_us, unseen_us - before_us)) as container_us),
        case
            when evidence in ('settings', 'window', 'usual')
                then least(container_us, before_us + container_us - unseen_us, unseen_us // 4)
            else 0
        end as rest_us
    from possible
    union all by name
    select
        *,
        0 as rest_us
    from beyond_the_settings
)

select
    environment,  -- Modal environment
    app,  -- the app's name
    app_id,  -- the app's id, where the app list leaves no doubt
    function,  -- the function's name
    configuration_from,  -- names the configuration, see staging.configurations
    phase,  -- rollout phase of that configuration
    hour,  -- start of the hour, UTC
    component,  -- what it was for, see catalog.components
    bool_or(is_usual) as is_usual,  -- all hours of the function come to much the same part of its tails
    max(sampling_ppm) as sampling_ppm,  -- standard error of all of the function's together, by sampling, in millionths
    sum(container_us)::bigint as container_us,  -- container time beyond the log, microseconds; 0 where the log shows all
    sum(greatest(0, rest_us))::bigint as rest_us  -- what settings and window allow beyond the samples, a quarter at most
from parts
group by all
