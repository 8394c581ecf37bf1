/*
Container time that is inferred or sampled, as far as the bill shows it to have been there.

A learned factor cuts inferred time in two: `learned`, which is paid as inferred time is, and the `rest`, which was possible
and is paid after it. A factor above one claims more than the settings allow: containers that stop late, or that no
call of the log explains. Container series are scaled to the bill in the same way, and stay what they are. A mean is a mean,
and a sample a sample: of a factor's time, and of what container series show, a tenth more may have been there in an hour, as
the bill may pay for less.

key: interval_number, configuration_key, hour, component, evidence
partition: interval_start
weeks at once: 5
*/
with

configurations as (
    select distinct
        configuration_key,
        environment,
        app,
        function
    from usage.configurations
    where
        window_start >= $since
        and window_start < $until
),

billed_intervals as (
    select
        interval_number,
        environment,
        object_id,
        min(app) as app
    from spend.pools
    where
        is_deployed_app
        and hour >= $since
        and hour < $until
    group by all
),

intervals as materialized (
    select
        *,
        dense_rank() over (order by environment, object_id) as object_number
    from billed_intervals
),

objects as (
    select distinct
        object_number,
        environment,
        object_id,
        app
    from intervals
),

used_factors as (
    select
        o.object_number,
        c.configuration_key,
        f.window_start,
        case f.factor
            when 'tail' then 'idle'
            when 'waiting' then 'warm'
            else f.factor
        end as time_of,
        (f.value * 1000000)::bigint as value_ppm,
        -- half of the 90% interval
        (f.standard_error * 1645000)::bigint as half_ppm
    from spend.learned_factors as f
    inner join objects as o
        on
            f.environment = o.environment
            and f.object_id = o.object_id
    inner join configurations as c
        on
            o.environment = c.environment
            and o.app = c.app
            and f.function = c.function
    where
        f.is_used
        and f.factor not in ('cpu', 'memory')
        and f.window_start >= $since
        and f.window_start < $until
),

-- Of all that samples show of a function beyond its log: half of the 90% interval.
sampled as (
    select
        c.configuration_key,
        time_bucket(interval 7 day, o.hour, $since::timestamp) as window_start,
        least(1000000, max(o.sampling_ppm) * 1645 // 1000) as half_ppm
    from spend.observed_time as o
    inner join configurations as c
        on
            o.environment = c.environment
            and o.app = c.app
            and o.function = c.function
    where
        o.hour >= $since
        and o.hour < $until
    group by all
),

open_time as (
    select
        t.*,
        i.object_number,
        time_bucket(interval 7 day, t.interval_start, $since::timestamp) as window_start,
        case
            when t.evidence = 'series' then 'series'
            when t.evidence != 'rest' then t.component::varchar
        end as time_of
    from spend.placed_time as t
    inner join intervals as i on t.interval_number = i.interval_number
    where
        t.evidence in ('series', 'window', 'limit', 'beyond', 'wait', 'rest')
        and t.interval_start >= $since
        and t.interval_start < $until
),

weighed as (
    select
        t.* exclude (time_of),
        f.value_ppm,
        f.half_ppm,
        meta.quotient(t.container_us::hugeint * f.value_ppm, 1000000)::bigint as learned_us,
        greatest(t.container_us - learned_us, learned_us // 10) as rest_us
    from open_time as t
    left join used_factors as f
        on
            t.object_number = f.object_number
            and t.configuration_key = f.configuration_key
            and t.time_of = f.time_of
            and t.window_start = f.window_start
),

unlearned as (
    select
        w.*,
        case w.evidence when 'series' then 1000000 - s.half_ppm else 0 end as least_ppm,
        case w.evidence
            when 'series' then 1000000 + s.half_ppm
            when 'rest' then 0
            else 1000000
        end as most_ppm
    from weighed as w
    left join sampled as s
        on
            w.configuration_key = s.configuration_key
            and w.window_start = s.window_start
    where w.value_ppm is null
),

-- Several of these can come to one row; all other time is a row already.
parts as (
    select *
    from unlearned
    where evidence = 'rest'
    union all by name
    select
        * replace (
            case evidence when 'series' then evidence else 'learned'::meta.evidence end as evidence,
            learned_us as container_us
        ),
        greatest(0, 1000000 - half_ppm * 1000000 // greatest(value_ppm, 1)) as least_ppm,
        case when value_ppm < 1000000 then 1000000 else 1000000 + half_ppm * 1000000 // value_ppm end as most_ppm
    from weighed
    where learned_us > 0
    union all by name
    select
        * replace ('rest'::meta.evidence as evidence, rest_us as container_us),
        0 as least_ppm,
        case when value_ppm < 1000000 then least(1000000, half_ppm * container_us // rest_us) else 0 end as most_ppm
    from weighed
    where rest_us > 0
    union all by name
    select
        * replace ('rest'::meta.evidence as evidence, container_us // 10 as container_us),
        0 as least_ppm,
        0 as most_ppm
    from weighed
    where
        evidence = 'series'
        and value_ppm is null
        and container_us >= 10
),

summed_parts as (
    select
        interval_start,
        interval_number,
        configuration_key,
        hour,
        component,
        evidence,
        sum(container_us)::bigint as container_us,
        min(least_ppm)::bigint as least_ppm,
        max(most_ppm)::bigint as most_ppm
    from parts
    group by all
),

all_time as (
    select * exclude (object_number, window_start, value_ppm, half_ppm, learned_us, rest_us)
    from unlearned
    where evidence != 'rest'
    union all by name
    select *
    from summed_parts
)

select
    interval_start,  -- start of the billed interval, UTC
    interval_number,  -- names the interval of the billed app, see spend.pools
    configuration_key,  -- whose containers, see usage.configurations
    hour,  -- start of the hour, UTC
    component,  -- what it was for, see catalog.components
    evidence,  -- as in spend.placed_time; learned and rest where a factor is used
    container_us,  -- microseconds; for limit, rest, beyond and wait at most
    least_ppm::bigint as least_ppm,  -- how much of it was there at least, in millionths
    most_ppm::bigint as most_ppm  -- how much of it was there at most, in millionths
from all_time
