/*
Landed call logs: whose calls they hold, when each was read last, and whether later snapshots speak for its calls.

With the setting `usage_engine: spark`, what a cluster counted of each log stands in its place, as it was counted last; which
snapshots speak for which calls was settled there.

key: file_id
*/
with

-- Where a log was counted again, the earlier count is over.
newest as (
    select
        d.path,
        arg_max(d.file_id, (d.fetched_at, f.sha256)) as file_id
    from raw.deliveries as d
    inner join raw.files as f on d.file_id = f.file_id
    where f.source = 'container_hours'
    group by all
),

logs as (
    select
        d.file_id,
        d.environment,
        d.app,
        d.function,
        max(d.fetched_at) as fetched_at,
        d.source = 'container_hours' as is_settled
    from staging.deliveries as d
    inner join catalog.settings as s on d.source = s.call_source
    where
        d.source = 'function_calls'
        or d.file_id in (select n.file_id from newest as n)
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
    f.function_key,  -- stands for environment, app and function
    l.fetched_at,  -- when it was read last, UTC
    r.file_id is not null as is_replaced,  -- a later snapshot speaks for calls of it
    coalesce(r.is_whole, false) as is_replaced_whole,  -- for all of them: none of its calls counts
    l.is_settled  -- its hours say what all logs say of a container together, and there are no calls
from logs as l
inner join staging.functions as f
    on
        l.environment = f.environment
        and l.app = f.app
        and l.function = f.function
left join replaced as r on l.file_id = r.file_id
