/*
Container time by configuration and hour, what it was for and how well it is known, in microseconds.

startup, execution (the union of concurrent inputs), idle, failed (did not come up), warm (alive without a call because
the settings ask for it). Evidence: seen (in the log), settings (containers kept warm, members of a cluster that the log
does not show), window (idle after the last input), usual (failed, for as long as the function's start-ups usually take),
limit (as long as a start-up may take, as many as may wait beside those at work), beyond (failed, from the usual to the
limit), wait (between the container's id and its placement). Of limit, beyond and wait it is not known how much there was.

Of most containers it reads what their logs said in every hour (`raw.container_hours`), of the others the calls themselves.

key: configuration_key, app_id, hour, component, evidence
partition: hour
weeks at once: 5
*/
with

-- Containers of a kind differ in nothing but their times; a kind is a number, which is quicker to sum by.
kinds as materialized (
    select
        configuration_key,
        app_id,
        uncalled,
        cluster_size,
        cluster_members,
        row_number() over ()::integer as kind_number
    from usage.containers
    where
        alive_from < $until
        and stopped_at > $since
    group by all
),

alive as (
    select
        k.kind_number,
        c.container_key,
        c.alive_from,
        c.billed_from,
        c.first_started_at,
        c.last_ended_at,
        c.seen_until,
        c.stopped_at,
        c.usual_stop_at
    from usage.containers as c
    inner join kinds as k
        on
            c.configuration_key = k.configuration_key
            and c.app_id is not distinct from k.app_id
            and c.uncalled = k.uncalled
            and c.cluster_size = k.cluster_size
            and c.cluster_members = k.cluster_members
    where
        c.alive_from < $until
        and c.stopped_at > $since
),

logs as (
    select
        file_id,
        is_replaced,
        is_settled
    from staging.call_logs
    where not is_replaced_whole
),

-- What the logs say of a container whose inputs can reach into the range: no input runs for longer than Modal's longest
-- timeout, a day. Most containers are in one log.
hours_within_reach as not materialized (
    select
        h.container_key,
        h.file_id,
        h.busy_us,
        l.is_settled,
        l.is_replaced
    from raw.container_hours as h
    inner join logs as l on h.file_id = l.file_id
    where
        h.hour >= $since - interval 1 day
        and h.hour < $until
),

in_several as (
    select container_key
    from hours_within_reach
    group by all
    having min(file_id) != max(file_id)
    union
    select container_key
    from hours_within_reach
    where is_settled
),

unsettled as (
    select distinct container_key
    from hours_within_reach
    where
        not is_settled
        and (busy_us is null or is_replaced)
),

spans as (
    select
        h.file_id,
        h.container_key,
        min(h.first_started_at) as first_started_at,
        max(h.last_ended_at) as last_ended_at
    from raw.container_hours as h
    inner join logs as l
        on
            h.file_id = l.file_id
            and not l.is_settled
    semi join in_several as s on h.container_key = s.container_key
    where
        h.hour >= $since - interval 1 day
        and h.hour < $until
    group by all
),

-- Of most of these each log has a stretch of its own: then the hours of the logs add up. Only where stretches overlap,
-- or a log alone does not settle it, the inputs of the container are laid over one another.
ordered_spans as (
    select
        container_key,
        first_started_at,
        max(last_ended_at) over (
            partition by container_key
            order by first_started_at, file_id
            rows between unbounded preceding and 1 preceding
        ) as ended_before
    from spans
    where first_started_at is not null
),

interleaved as (
    select container_key
    from unsettled
    union
    select container_key
    from ordered_spans
    where first_started_at < ended_before
),

-- Told by membership, not by joins, which would let the planner take the few containers for more than the many hours.
busy_hours_of_logs as (
    select
        h.container_key,
        h.hour,
        h.busy_us,
        h.container_key in (select s.container_key from in_several as s) as is_in_several
    from raw.container_hours as h
    semi join logs as l on h.file_id = l.file_id
    where
        h.hour >= $since
        and h.hour < $until
        and h.busy_us > 0
        and h.container_key not in (select i.container_key from interleaved as i)
),

hours_of_logs as (
    select * exclude (is_in_several)
    from busy_hours_of_logs
    where not is_in_several
    union all by name
    select
        container_key,
        hour,
        sum(busy_us)::bigint as busy_us
    from busy_hours_of_logs
    where is_in_several
    group by all
),

-- Times as microseconds and hours as numbers since 1970: integers are quickest.
inputs as (
    select
        c.container_key,
        epoch_us(greatest(c.started_at, $since)) as began_us,
        epoch_us(least(c.ended_at, $until)) as ended_us
    from staging.function_calls as c
    semi join interleaved as i on c.container_key = i.container_key
    where
        c.started_at >= $since - interval 1 day
        and c.started_at < $until
        and c.ended_at > $since
),

ordered_inputs as (
    select
        container_key,
        began_us,
        ended_us,
        max(ended_us) over (
            partition by container_key
            order by began_us
            rows between unbounded preceding and 1 preceding
        ) as busy_until_us
    from inputs
),

-- What an input adds to the time that the container was busy already; greatest passes over the null of its first input.
busy_stretches as (
    select
        container_key,
        greatest(began_us, busy_until_us) as began_us,
        ended_us
    from ordered_inputs
    where ended_us > greatest(began_us, busy_until_us)
),

-- Stretches follow one another, so only the last one that begins in an hour can outlast it.
hours_of_beginning as (
    select
        container_key,
        began_us // 3600000000 as hour_number,
        sum(ended_us - began_us)::bigint as busy_us,
        max(ended_us) as ended_us
    from busy_stretches
    group by all
),

later_hours as (
    select
        container_key,
        ended_us,
        unnest(range(hour_number + 1, (ended_us - 1) // 3600000000 + 1)) as hour_number
    from hours_of_beginning
    where ended_us > (hour_number + 1) * 3600000000
),

parts_of_hours as (
    select
        container_key,
        hour_number,
        busy_us - greatest(0, ended_us - (hour_number + 1) * 3600000000) as busy_us
    from hours_of_beginning
    union all by name
    select
        container_key,
        hour_number,
        least(3600000000, ended_us - hour_number * 3600000000) as busy_us
    from later_hours
),

busy_hours as (
    select *
    from hours_of_logs
    union all by name
    select
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
                date_trunc('hour', greatest(alive_from, $since)),
                least(stopped_at, $until),
                interval 1 hour
            )
        ) as hour
    from alive
),

hour_bounds as (
    select
        kind_number,
        container_key,
        hour,
        first_started_at is null as is_failed,
        epoch_us(hour) as hour_us,
        hour_us + 3600000000 as next_us,
        epoch_us(alive_from) as alive_us,
        epoch_us(billed_from) as billed_us,
        epoch_us(coalesce(first_started_at, billed_from)) as started_us,
        epoch_us(seen_until) as ended_us,
        epoch_us(stopped_at) as stopped_us,
        epoch_us(usual_stop_at) as usual_stop_us
    from alive_by_hour
),

life_hours as (
    select
        kind_number,
        container_key,
        hour,
        is_failed,
        greatest(0, least(billed_us, next_us) - greatest(alive_us, hour_us)) as wait_us,
        greatest(0, least(started_us, next_us) - greatest(billed_us, hour_us)) as startup_us,
        greatest(0, least(ended_us, next_us) - greatest(started_us, hour_us)) as serving_us,
        greatest(0, least(stopped_us, next_us) - greatest(ended_us, hour_us)) as tail_us,
        -- null where the function has never come up
        greatest(0, least(usual_stop_us, next_us) - greatest(ended_us, hour_us)) as usual_us,
        usual_stop_us is not null as has_usual
    from hour_bounds
),

-- Of those that failed to come up, which are few, each part is a sum of its own.
failed_hours as (
    select
        kind_number,
        hour,
        sum(serving_us)::bigint as failed_us,
        sum(tail_us)::bigint as tail_us,
        coalesce(sum(usual_us) filter (where has_usual), 0)::bigint as usual_us,
        coalesce(sum(tail_us) filter (where not has_usual), 0)::bigint as limit_us,
        coalesce(sum(tail_us - usual_us) filter (where has_usual), 0)::bigint as beyond_us
    from life_hours
    where is_failed
    group by all
),

summed_hours as (
    select
        l.kind_number,
        l.hour,
        count(*) as containers,
        sum(l.wait_us)::bigint as wait_us,
        sum(l.startup_us)::bigint as startup_us,
        sum(coalesce(b.busy_us, 0))::bigint as busy_us,
        sum(case when l.is_failed then 0 else l.serving_us - coalesce(b.busy_us, 0) end)::bigint as gap_us,
        sum(l.tail_us)::bigint as tail_us
    from life_hours as l
    left join busy_hours as b
        on
            l.container_key = b.container_key
            and l.hour = b.hour
    group by all
),

kind_hours as (
    select
        s.* exclude (tail_us),
        s.tail_us - coalesce(f.tail_us, 0) as tail_us,
        coalesce(f.failed_us, 0) as failed_us,
        coalesce(f.usual_us, 0) as usual_us,
        coalesce(f.limit_us, 0) as limit_us,
        coalesce(f.beyond_us, 0) as beyond_us
    from summed_hours as s
    left join failed_hours as f
        on
            s.kind_number = f.kind_number
            and s.hour = f.hour
),

-- The kinds of most configurations differ in nothing that makes two rows of an hour's: these need no summing up.
mixed_configurations as (
    select configuration_key
    from kinds
    group by all
    having
        max(cluster_size) > 1
        or min(uncalled) != max(uncalled)
    union
    select configuration_key
    from usage.warm_hours
    where
        hour >= $since
        and hour < $until
),

named_kinds as (
    select
        k.kind_number,
        k.configuration_key,
        k.app_id,
        k.cluster_size - k.cluster_members as unseen_members,
        k.cluster_members,
        m.configuration_key is not null as is_mixed
    from kinds as k
    left join mixed_configurations as m on k.configuration_key = m.configuration_key
),

components as not materialized (
    select
        *,
        'startup'::meta.component as component,
        'wait'::meta.evidence as evidence,
        wait_us as container_us
    from kind_hours
    where wait_us > 0
    union all
    select
        *,
        'startup'::meta.component as component,
        'seen'::meta.evidence as evidence,
        startup_us as container_us
    from kind_hours
    where startup_us > 0
    union all
    select
        *,
        'execution'::meta.component as component,
        'seen'::meta.evidence as evidence,
        busy_us as container_us
    from kind_hours
    where busy_us > 0
    union all
    select
        h.*,
        k.uncalled as component,
        'seen'::meta.evidence as evidence,
        h.gap_us as container_us
    from kind_hours as h
    inner join kinds as k on h.kind_number = k.kind_number
    where h.gap_us > 0
    union all
    select
        *,
        'failed'::meta.component as component,
        'seen'::meta.evidence as evidence,
        failed_us as container_us
    from kind_hours
    where failed_us > 0
    union all
    select
        *,
        'idle'::meta.component as component,
        'window'::meta.evidence as evidence,
        tail_us as container_us
    from kind_hours
    where tail_us > 0
    union all
    select
        *,
        'failed'::meta.component as component,
        'usual'::meta.evidence as evidence,
        usual_us as container_us
    from kind_hours
    where usual_us > 0
    union all
    select
        *,
        'failed'::meta.component as component,
        'limit'::meta.evidence as evidence,
        limit_us as container_us
    from kind_hours
    where limit_us > 0
    union all
    select
        *,
        'failed'::meta.component as component,
        'beyond'::meta.evidence as evidence,
        beyond_us as container_us
    from kind_hours
    where beyond_us > 0
),

by_the_log as not materialized (
    select
        k.configuration_key,
        k.app_id,
        k.is_mixed,
        k.unseen_members,
        k.cluster_members,
        c.hour,
        c.containers,
        c.component,
        c.evidence,
        c.container_us
    from components as c
    inner join named_kinds as k on c.kind_number = k.kind_number
),

mixed_parts as (
    select * exclude (is_mixed, unseen_members, cluster_members)
    from by_the_log
    where is_mixed
    union all by name
    select
        * exclude (is_mixed, unseen_members, cluster_members)
        replace ('settings'::meta.evidence as evidence, container_us * unseen_members // cluster_members as container_us)
    from by_the_log
    where
        is_mixed
        and unseen_members > 0
        and evidence in ('seen', 'window')
    union all by name
    select *
    from usage.warm_hours
    where
        hour >= $since
        and hour < $until
),

all_time as (
    select * exclude (is_mixed, unseen_members, cluster_members)
    from by_the_log
    where not is_mixed
    union all by name
    select
        configuration_key,
        app_id,
        hour,
        component,
        evidence,
        sum(container_us)::bigint as container_us,
        max(containers) as containers
    from mixed_parts
    group by all
)

select
    configuration_key,  -- see usage.configurations
    app_id,  -- the app's id, where the app list leaves no doubt
    hour,  -- start of the hour, UTC
    component,  -- what it was for, see catalog.components
    evidence,  -- seen, settings, window, usual, limit, beyond or wait
    container_us,  -- container time in microseconds; for limit, beyond and wait at most
    containers  -- containers of the log alive in this hour
from all_time
