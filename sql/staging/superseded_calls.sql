/*
Stretches of a landed call log that a later snapshot of the same function speaks for: rows enqueued in them no longer count.

materialized: view
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
)

select distinct
    older.file_id,  -- the log that is replaced in part or whole
    later.range_start,  -- first replaced instant, by enqueued_at, UTC
    later.range_end  -- end of the replaced stretch, exclusive, UTC
from logs as older
inner join snapshots as later
    on
        older.environment = later.environment
        and older.app = later.app
        and older.function = later.function
        and older.range_start < later.range_end
        and older.range_end > later.range_start
        and older.file_id != later.file_id
        and (
            older.fetched_at < later.fetched_at
            or (older.fetched_at = later.fetched_at and older.sha256 < later.sha256)
        )
