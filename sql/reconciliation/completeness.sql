/*
Gate G8: per function and day, the calls that Modal counts against those of the call log, where function stats or app stats are
landed.

Of a day's windows the longest counts, of several of one length the one that was read last. A call belongs to the window in
which it ended. short: the log lacks more than the margin of catalog/settings.yaml, 2% unless it says otherwise. beyond: it
has that much more. One call may fall on either side of midnight, so it makes no difference. Modal does not say whether it
counts what was terminated, so that speaks for the log and never against it. With `usage_engine: spark` there are no calls to
count, and no row here.

key: environment, app, function, day
partition: day
empty without: raw.function_stats, raw.app_stats
*/
with

counted as (
    select
        d.environment,
        d.app,
        d.function,
        s.since,
        s.until,
        s.input_success_count::bigint + s.input_failure_count + s.input_timeout_count as counted_calls,
        d.fetched_at,
        d.sha256
    from raw.function_stats as s
    inner join staging.deliveries as d on s.file_id = d.file_id
    union all
    select
        d.environment,
        d.app,
        s.name as function,
        s.since,
        s.until,
        s.succeeded_count::bigint + s.failed_count,
        d.fetched_at,
        d.sha256
    from raw.app_stats as s
    inner join staging.deliveries as d on s.file_id = d.file_id
    where s.kind = 'function'
),

windows as (
    select
        environment,
        app,
        function,
        date_trunc('day', since) as day,
        since,
        until,
        counted_calls
    from counted
    where
        since >= $since
        and since < $until
    qualify
        row_number() over (
            partition by environment, app, function, date_trunc('day', since)
            order by until - since desc, fetched_at desc, sha256 desc
        ) = 1
),

-- A call runs for a day at most, but may have waited before.
ended as (
    select
        w.environment,
        w.app,
        w.function,
        w.day,
        count(*) filter (where k.outcome is distinct from 'terminated') as logged_calls,
        count(*) filter (where k.outcome = 'terminated') as terminated_calls
    from windows as w
    inner join staging.function_calls as c
        on
            w.environment = c.environment
            and w.app = c.app
            and w.function = c.function
            and coalesce(c.ended_at, c.enqueued_at) >= w.since
            and coalesce(c.ended_at, c.enqueued_at) < w.until
    left join catalog.call_statuses as k on c.status = k.status
    where
        c.enqueued_at >= $since - interval 7 day
        and c.enqueued_at < $until
        and coalesce(k.is_final, true)
    group by all
),

compared as (
    select
        w.*,
        coalesce(e.logged_calls, 0) as logged_calls,
        coalesce(e.terminated_calls, 0) as terminated_calls,
        greatest(100, w.counted_calls * s.completeness_margin_percent) as margin_calls_percent
    from windows as w
    left join ended as e using (environment, app, function, day)
    inner join catalog.settings as s on s.call_source = 'function_calls'
)

select
    environment,  -- Modal environment
    app,  -- the app's name
    function,  -- the function's name
    day,  -- UTC
    since,  -- start of the window that Modal counted, UTC
    until,  -- its end, exclusive, UTC
    counted_calls,  -- inputs that ended in it, as Modal counts them
    logged_calls,  -- inputs of the call log that ended in it, without the terminated
    terminated_calls,  -- inputs of the call log that were terminated in it
    case
        when (counted_calls - logged_calls - terminated_calls) * 100 > margin_calls_percent then 'short'
        when (logged_calls - counted_calls) * 100 > margin_calls_percent then 'beyond'
        else 'complete'
    end as outcome  -- complete, short, beyond
from compared
