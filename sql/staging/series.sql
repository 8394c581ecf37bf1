/*
Every landed series of a function or server with what it measures, as the rules of catalog.series tell by its unit, name and
aggregation.

Of several rules that fit a series, the one with the most words holds; so it is with several series of an export that would be
one measure. Where two are alike, neither is known.

key: file_id, name, range_start, range_end, fetched_at
*/
with

names as (
    select
        file_id,
        name,
        unit,
        bucket_seconds,
        string_split(name, '_') as words,
        false as is_server
    from raw.function_metrics
    union all
    select
        file_id,
        name,
        unit,
        bucket_seconds,
        string_split(name, '_') as words,
        true as is_server
    from raw.server_metrics
),

rules as (
    select
        n.file_id,
        n.name,
        r.measure,
        r.aggregation,
        r.times,
        r.divided_by,
        len(r.words) as fitting_words
    from names as n
    inner join catalog.series as r
        on
            lower(n.unit) = lower(r.unit)
            and n.words[-1] = r.aggregation
            and list_has_all(n.words, r.words)
    qualify
        rank() over (partition by n.file_id, n.name order by len(r.words) desc) = 1
        and count(*) over (partition by n.file_id, n.name, len(r.words)) = 1
),

meanings as (
    select *
    from rules
    qualify
        rank() over (partition by file_id, measure, aggregation order by fitting_words desc) = 1
        and count(*) over (partition by file_id, measure, aggregation, fitting_words) = 1
)

-- The same content may have been delivered for several ranges.
select distinct
    n.file_id,  -- the export, see raw.files
    d.environment,  -- Modal environment
    d.app,  -- the app's name, from the export's path
    case when n.is_server then f.server else d.function end as function,  -- name of the function or server, from the path
    n.is_server,  -- a server, which has no call log
    n.name,  -- Modal's name of the series
    n.unit,  -- unit of its values, as Modal writes it
    m.measure,  -- containers, cpu, memory, gpu, calls and others of catalog.series; null where no rule knows it
    m.aggregation,  -- avg, min, max, count, p90 and others; null where no rule knows it
    m.times,  -- factor to the unit of the measure
    m.divided_by,  -- divisor to the unit of the measure
    n.bucket_seconds,  -- length of a bucket
    d.range_start,  -- start of the range that the export speaks for, UTC
    d.range_end,  -- end of that range, exclusive, UTC
    d.fetched_at,  -- when it was read from Modal, UTC
    d.sha256  -- content identity; decides between exports of the same instant
from names as n
inner join raw.files as f on n.file_id = f.file_id
inner join staging.deliveries as d on n.file_id = d.file_id
left join meanings as m
    on
        n.file_id = m.file_id
        and n.name = m.name
