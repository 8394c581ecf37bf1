/*
Every input of every function as the latest snapshot tells it, with the function it belongs to and the time it ended.

materialized: view
key: file_id, row_number
partition: enqueued_at
*/
with

whole_logs as (
    select
        c.*,
        l.environment,
        l.app,
        l.function,
        l.fetched_at
    from raw.function_calls as c
    inner join staging.call_logs as l
        on
            c.file_id = l.file_id
            and not l.is_replaced
),

-- Few logs are replaced in part; only their rows are looked at one by one.
rest_of_replaced_logs as (
    select
        c.*,
        l.environment,
        l.app,
        l.function,
        l.fetched_at
    from raw.function_calls as c
    inner join staging.call_logs as l
        on
            c.file_id = l.file_id
            and l.is_replaced
            and not l.is_replaced_whole
    anti join staging.superseded_calls as s
        on
            c.file_id = s.file_id
            and c.enqueued_at >= s.range_start
            and c.enqueued_at < s.range_end
),

calls as (
    select *
    from whole_logs
    union all
    select *
    from rest_of_replaced_logs
)

select
    c.file_id,  -- the landed log
    c.row_number,  -- the row in it
    c.environment,  -- Modal environment
    c.app,  -- the app's name, from the log's path
    c.function,  -- the function's name, from the log's path
    c.function_call_id,  -- Modal's id; inputs restarted after a preemption share it
    c.container_key,  -- the container it ran on, see raw.containers; null before it started
    c.enqueued_at,  -- UTC
    c.started_at,  -- UTC; null while pending
    case
        when c.execution_us is not null then make_timestamp(epoch_us(c.started_at) + c.execution_us)
        when c.status = 'running' then greatest(c.started_at, least(c.fetched_at, c.started_at + interval 1 day))
        else c.started_at
    end as ended_at,  -- UTC; a running input counts until its log was read
    c.startup_us,  -- microseconds of start-up, on a container's first input
    c.execution_us,  -- microseconds of execution; null while running
    c.status  -- Modal's word for how it went
from calls as c
