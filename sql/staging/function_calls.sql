/*
Every input of every function as the latest snapshot tells it, with the function it belongs to and the time it ended.

materialized: view
key: file_id, row_number
*/
with

call_files as (
    select
        file_id,
        environment,
        app,
        function,
        max(fetched_at) as fetched_at
    from staging.deliveries
    where source = 'function_calls'
    group by all
),

replaced_files as (
    select distinct file_id
    from staging.superseded_calls
),

replaced_rows as (
    select distinct
        c.file_id,
        c.row_number
    from raw.function_calls as c
    inner join staging.superseded_calls as s
        on
            c.file_id = s.file_id
            and c.enqueued_at >= s.range_start
            and c.enqueued_at < s.range_end
    where c.file_id in (select r.file_id from replaced_files as r)
)

select
    c.file_id,  -- the landed log
    c.row_number,  -- the row in it
    f.environment,  -- Modal environment
    f.app,  -- the app's name, from the log's path
    f.function,  -- the function's name, from the log's path
    c.function_call_id,  -- Modal's id; inputs restarted after a preemption share it
    c.container_key,  -- the container it ran on, see raw.containers; null before it started
    c.enqueued_at,  -- UTC
    c.started_at,  -- UTC; null while pending
    case
        when c.execution_us is not null then c.started_at + to_microseconds(c.execution_us)
        when c.status = 'running' then greatest(c.started_at, least(f.fetched_at, c.started_at + interval 1 day))
        else c.started_at
    end as ended_at,  -- UTC; a running input counts until its log was read
    c.startup_us,  -- microseconds of start-up, on a container's first input
    c.execution_us,  -- microseconds of execution; null while running
    c.status  -- Modal's word for how it went
from raw.function_calls as c
inner join call_files as f on c.file_id = f.file_id
anti join replaced_rows as r
    on
        c.file_id = r.file_id
        and c.row_number = r.row_number
