/*
The life of every container: created, first start, last end, stop, and the configuration it was created under.

It was created at the time in its id; older ids carry none, there the first start less the start-up time stands in. After
the last input it lived for the function's scaledown window, or less when its app was deployed anew or stopped: what runs
then is finished, and the container gets no other input. One that serves a single input ends with it; one that failed to
come up lived no longer than the start-up may take.

Where Modal itself saw a container (`usage.observed_lives`), that is better known than what its log lets expect: it lived at least
from its first sight to its last, and no longer where telemetry followed it to its end. One that no log names is there, too.

A container that several logs name, such as those of the methods of a class, stands once: under the function that is
known and started most of its inputs.

A log of any day can lengthen a life at either end. What no change can have touched since the last build is kept from it: these
are the rows of `meta.kept_containers`, which is empty where all are written (see `warehouse/kept_containers.py`).

key: container_key
rows kept: by day
*/
with

week_after as (
    select
        date_trunc('week', max(day)) + interval 7 day as since,
        date_trunc('week', max(day)) + interval 8 day as until
    from usage.container_days
),

-- Who starts the first input on the day after the last week that is built has lived in that week.
hours_after as (
    select
        h.*,
        l.function_key,
        h.busy_us is null or l.is_replaced as is_unsettled
    from raw.container_hours as h
    inner join week_after as w
        on
            h.hour >= w.since
            and h.hour < w.until
    inner join staging.call_logs as l
        on
            h.file_id = l.file_id
            and not l.is_replaced_whole
    where h.inputs > 0
),

unsettled_after as (
    select distinct
        file_id,
        container_key
    from hours_after
    where is_unsettled
),

day_after as (
    select
        function_key,
        container_key,
        date_trunc('day', hour) as day,
        min(first_started_at) as first_started_at,
        max(last_ended_at) as last_ended_at,
        min(startup_began_at) as startup_began_at,
        min(placed_at) as placed_at,
        sum(inputs)::bigint as inputs
    from hours_after
    where not is_unsettled
    group by all
    union all by name
    select
        l.function_key,
        c.container_key,
        date_trunc('day', c.started_at) as day,
        min(c.started_at) as first_started_at,
        max(c.ended_at) as last_ended_at,
        min(make_timestamp(epoch_us(c.started_at) - coalesce(c.startup_us, 0))) as startup_began_at,
        min(make_timestamp(epoch_us(c.started_at) - c.startup_us)) as placed_at,
        count(*) as inputs
    from staging.function_calls as c
    inner join staging.call_logs as l on c.file_id = l.file_id
    semi join unsettled_after as u
        on
            c.file_id = u.file_id
            and c.container_key = u.container_key
    inner join week_after as w
        on
            c.started_at >= w.since
            and c.started_at < w.until
    group by all
),

all_days as not materialized (
    select *
    from usage.container_days
    union all by name
    select *
    from day_after
),

days as not materialized (
    select d.*
    from all_days as d
    anti join meta.kept_containers as k on d.container_key = k.container_key
),

-- Most containers are logged on one day, in one function: these need no summing up.
of_several_rows as (
    select container_key
    from days
    group by all
    having count(*) > 1
),

counted_days as materialized (
    select
        *,
        container_key in (select s.container_key from of_several_rows as s) as is_in_several
    from days
),

logged_lives as not materialized (
    select
        container_key,
        function_key,
        false as is_shared,
        first_started_at,
        last_ended_at,
        startup_began_at,
        placed_at,
        day as first_day,
        day as last_day,
        inputs,
        coalesce(cluster_members, 1) as cluster_members
    from counted_days
    where not is_in_several
    union all by name
    select
        container_key,
        min(function_key) as function_key,
        min(function_key) != max(function_key) as is_shared,
        min(first_started_at) as first_started_at,
        max(last_ended_at) as last_ended_at,
        min(startup_began_at) as startup_began_at,
        min(placed_at) as placed_at,
        min(day) as first_day,
        max(day) as last_day,
        sum(inputs)::bigint as inputs,
        coalesce(max(cluster_members), 1) as cluster_members
    from counted_days
    where is_in_several
    group by all
),

shared_containers as (
    select
        container_key,
        first_started_at,
        last_ended_at,
        startup_began_at,
        placed_at,
        first_day,
        last_day
    from logged_lives
    where is_shared
),

lives_by_log as (
    select
        function_key,
        container_key,
        sum(inputs)::bigint as inputs,
        coalesce(max(cluster_members), 1) as cluster_members
    from days
    semi join shared_containers using (container_key)
    group by all
),

known_functions as (
    select distinct function_key
    from staging.configurations
    where source != 'unknown'
),

owners as (
    select
        l.function_key,
        l.container_key,
        s.first_started_at,
        s.last_ended_at,
        s.startup_began_at,
        s.placed_at,
        s.first_day,
        s.last_day,
        l.inputs,
        l.cluster_members
    from lives_by_log as l
    inner join shared_containers as s on l.container_key = s.container_key
    inner join staging.functions as f on l.function_key = f.function_key
    left join known_functions as k on l.function_key = k.function_key
    qualify row_number() over (
        partition by l.container_key
        order by k.function_key is not null desc, l.inputs desc, f.environment asc, f.app asc, f.function asc
    ) = 1
),

lives as (
    select * exclude (is_shared)
    from logged_lives
    where not is_shared
    union all by name
    select *
    from owners
),

created as (
    select
        l.*,
        least(coalesce(c.created_at, l.startup_began_at), l.first_started_at, o.first_seen) as created_at,
        o.first_seen,
        o.last_seen,
        coalesce(
            o.is_followed
            -- telemetry that breaks off before the log does has not seen the end
            and (l.last_ended_at is null or o.last_seen >= l.last_ended_at - interval 1 minute),
            false
        ) as is_followed
    from lives as l
    inner join raw.containers as c on l.container_key = c.container_key
    left join usage.observed_lives as o
        on
            l.container_key = o.container_key
            and o.is_logged
    union all by name
    select
        meta.function_key(o.environment, o.app, o.function) as function_key,
        o.container_key,
        o.first_seen as first_started_at,
        o.first_seen as last_ended_at,
        o.first_seen as startup_began_at,
        0 as inputs,
        1 as cluster_members,
        o.first_seen as created_at,
        o.first_seen,
        o.last_seen,
        true as is_followed
    from usage.observed_lives as o
    anti join meta.kept_containers as k on o.container_key = k.container_key
    where not o.is_logged
),

started as (
    select
        *,
        case
            when inputs > 0
                then epoch_us(first_started_at) - epoch_us(least(greatest(created_at, placed_at), first_started_at))
        end as startup_us
    from created
),

startups as (
    select
        function_key,
        startup_us
    from started
    union all by name
    select
        c.function_key,
        k.startup_us
    from meta.kept_containers as k
    inner join staging.configurations as c on k.configuration_key = c.configuration_key
),

usual_startups as (
    select
        function_key,
        quantile_disc(startup_us, 0.5) as startup_us
    from startups
    where startup_us is not null
    group by all
),

-- Until the end an app is a number, which is quicker to match than its name.
named_apps as materialized (
    select
        environment,
        app,
        row_number() over ()::integer as app_number
    from staging.configurations
    group by all
),

app_lives as (
    select
        n.app_number,
        a.app_id,
        a.created_at as app_created_at,
        coalesce(a.stopped_at, timestamp '9999-12-31') as app_stopped_at
    from staging.apps as a
    inner join named_apps as n
        on
            a.environment = n.environment
            and a.app = n.app
    where a.is_deployed
),

names_of_several_apps as (
    select app_number
    from app_lives
    group by all
    having count(*) > 1
),

-- Containers are many, configurations and deployments few: with both ends of the time for which these hold, they are
-- matched without sorting the containers.
stretches as (
    select
        k.*,
        n.app_number,
        n.app_number in (select s.app_number from names_of_several_apps as s) as is_of_several_apps,
        u.startup_us as usual_startup_us,
        lead(k.valid_from, 1, timestamp '9999-12-31') over (
            partition by k.function_key
            order by k.valid_from
        ) as next_valid_from
    from staging.configurations as k
    inner join named_apps as n
        on
            k.environment = n.environment
            and k.app = n.app
    left join usual_startups as u on k.function_key = u.function_key
),

configured as not materialized (
    select
        c.* exclude (function_key),
        k.app_number,
        k.configuration_key,
        k.cluster_size,
        k.startup_timeout_seconds,
        k.usual_startup_us,
        k.is_of_several_apps,
        case when k.single_use_containers then 0 else k.scaledown_window_seconds end as tail_seconds,
        k.min_containers > 0 or k.buffer_containers > 0 as is_kept_warm
    from started as c
    inner join stretches as k
        on
            c.function_key = k.function_key
            and c.created_at >= k.valid_from
            and c.created_at < k.next_valid_from
),

deployments as (
    select
        n.app_number,
        d.deployed_at,
        lag(d.deployed_at, 1, timestamp '0001-01-01') over (
            partition by n.app_number
            order by d.deployed_at
        ) as previous_deployed_at
    from staging.deployments as d
    inner join named_apps as n
        on
            d.environment = n.environment
            and d.app = n.app
),

with_next_deployment as not materialized (
    select
        c.*,
        d.deployed_at as next_deployed_at
    from configured as c
    left join deployments as d
        on
            c.app_number = d.app_number
            and c.created_at >= d.previous_deployed_at
            and c.created_at < d.deployed_at
),

with_apps as not materialized (
    select
        c.*,
        a.app_id,
        a.app_created_at,
        least(
            coalesce(c.next_deployed_at, timestamp '9999-12-31'),
            coalesce(a.app_stopped_at, timestamp '9999-12-31')
        ) as replaced_at
    from with_next_deployment as c
    left join app_lives as a
        on
            c.app_number = a.app_number
            and c.created_at >= a.app_created_at
            and c.created_at < a.app_stopped_at
),

with_app as (
    select *
    from with_apps
    where not is_of_several_apps
    union all by name
    select * replace (case when count(app_id) over (partition by container_key) = 1 then app_id end as app_id)
    from with_apps
    where is_of_several_apps
    qualify row_number() over (
        partition by container_key
        order by app_created_at desc nulls last, app_id asc
    ) = 1
)

select
    container_key,  -- see raw.containers; negative where no log names it, see usage.observed_lives
    configuration_key,  -- its environment, app, function and phase, see staging.configurations
    app_id,  -- the app's id, where the app list leaves no doubt
    created_at,  -- UTC
    -- an id can be older than the placement: the container waited for a GPU, or was kept warm
    least(
        greatest(created_at, coalesce(placed_at, first_seen)), first_started_at, first_seen
    ) as billed_from,  -- from when on it is known to be billed, UTC
    case when is_kept_warm then billed_from else created_at end as alive_from,  -- what waits before is kept warm by settings
    first_started_at,  -- first start of an input, UTC; null: it failed to come up
    last_ended_at,  -- last end of an input, UTC; null: it failed to come up
    greatest(last_ended_at, last_seen, case when first_started_at is null then billed_from end)
        as seen_until,  -- until when it is known to have lived, UTC
    case
        when is_followed then seen_until
        when first_started_at is null
            then greatest(
                seen_until,
                least(created_at + to_seconds(startup_timeout_seconds), greatest(created_at, replaced_at))
            )
        else greatest(seen_until, least(last_ended_at + to_seconds(tail_seconds), replaced_at))
    end as stopped_at,  -- the latest it can have stopped, UTC
    case
        when first_started_at is null and usual_startup_us is not null
            then least(created_at + to_microseconds(usual_startup_us), stopped_at)
    end as usual_stop_at,  -- of one that failed: when the function's start-ups usually end, UTC; null: none ever ended
    inputs,  -- inputs it started
    case
        when inputs = 0 and first_started_at is not null and is_kept_warm then 'warm'::meta.component
        else 'idle'::meta.component
    end as uncalled,  -- what its time without an input is: warm, where nobody called it and settings keep containers; idle
    cluster_size,  -- containers that serve its inputs together
    least(cluster_members, cluster_size) as cluster_members,  -- of these, how many the log shows
    startup_us,  -- from its creation or placement to its first start, microseconds; null: it started no input
    first_day,  -- the first UTC day on which a log names it; null where none does
    last_day  -- the last such day, as far as weeks are built and the day after
from with_app
