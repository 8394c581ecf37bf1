/*
Landed call logs: whose calls they hold, when each was read last, and whether later snapshots speak for its calls.

key: file_id
*/
with

logs as (
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

replaced as (
    select
        s.file_id,
        bool_or(s.range_start <= f.content_start and s.range_end >= f.content_end) as is_whole
    from staging.superseded_calls as s
    inner join raw.files as f on s.file_id = f.file_id
    group by all
)

select
    l.file_id,  -- the landed log
    l.environment,  -- Modal environment
    l.app,  -- the app's name, from the log's path
    l.function,  -- the function's name, from the log's path
    l.fetched_at,  -- when it was read last, UTC
    r.file_id is not null as is_replaced,  -- a later snapshot speaks for calls of it
    coalesce(r.is_whole, false) as is_replaced_whole  -- for all of them: none of its calls counts
from logs as l
left join replaced as r on l.file_id = r.file_id
