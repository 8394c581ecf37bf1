/*
Stretches of a landed call log that a later snapshot of the same function speaks for: rows enqueued in them no longer count.

key: file_id, range_start, range_end
*/
with

-- The same content may have been delivered for several ranges: an empty log of every quiet day is one content.
snapshots as (
    select distinct
        environment,
        app,
        function,
        file_id,
        sha256,
        range_start,
        range_end,
        fetched_at
    from staging.deliveries
    where source = 'function_calls'
),

logs as (
    select
        environment,
        app,
        function,
        file_id,
        sha256,
        min(range_start) as range_start,
        max(range_end) as range_end,
        max(fetched_at) as fetched_at
    from snapshots
    group by all
),

-- Ranges that overlap have a day in common: so a log is compared with those of its days, not with all before it.
days_of_logs as (
    select
        *,
        unnest(range(date_trunc('day', range_start), range_end, interval 1 day)) as day
    from logs
),

days_of_snapshots as (
    select
        *,
        unnest(range(date_trunc('day', range_start), range_end, interval 1 day)) as day
    from snapshots
)

select distinct
    older.file_id,  -- the log that is replaced in part or whole
    later.range_start,  -- first replaced instant, by enqueued_at, UTC
    later.range_end  -- end of the replaced stretch, exclusive, UTC
from days_of_logs as older
inner join days_of_snapshots as later
    on
        older.environment = later.environment
        and older.app = later.app
        and older.function = later.function
        and older.day = later.day
        and older.range_start < later.range_end
        and older.range_end > later.range_start
        and older.file_id != later.file_id
        and (
            older.fetched_at < later.fetched_at
            or (older.fetched_at = later.fetched_at and older.sha256 < later.sha256)
        )
