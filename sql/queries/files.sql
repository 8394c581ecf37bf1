/* What was landed: files, rows and the time they speak for, by export? */
with

deliveries as (
    select
        file_id,
        count(*) as deliveries,
        min(range_start) as range_start,
        max(range_end) as range_end,
        max(fetched_at) as fetched_at
    from raw.deliveries
    group by all
)

select
    f.source,
    count(*) as files,
    sum(d.deliveries)::bigint as deliveries,
    sum(f.row_count)::bigint as rows,
    min(d.range_start) as speaks_from,
    max(d.range_end) as speaks_until,
    max(d.fetched_at) as last_fetched_at
from raw.files as f
left join deliveries as d on f.file_id = d.file_id
group by all
order by f.source
