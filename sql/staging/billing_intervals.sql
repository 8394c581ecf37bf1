/*
The snapshot that counts for every billed interval: of all reports of one kind and resolution that cover it, the latest.

key: report_kind, resolution, hour
partition: hour
*/
with

candidate_deliveries as (
    select
        file_id,
        report_kind,
        resolution,
        range_start,
        range_end,
        fetched_at,
        sha256
    from staging.deliveries
    where
        source = 'billing_report'
        and range_start < $until
        and range_end > $since
),

hours as (
    select unnest(range($since, $until, interval 1 hour)) as hour
),

covered as (
    select
        d.report_kind,
        d.resolution,
        h.hour,
        d.file_id,
        d.fetched_at,
        d.sha256
    from candidate_deliveries as d
    inner join hours as h
        on
            d.range_start <= h.hour
            and d.range_end > h.hour
    where
        d.resolution = 'h'
        or h.hour = date_trunc('day', h.hour)
)

select
    report_kind,  -- plain (totals per object) or resources (broken down)
    resolution,  -- h or d
    hour,  -- start of the billed interval, UTC
    file_id,  -- the content that counts
    fetched_at,  -- when it was read from Modal, UTC
    fetched_at >= hour
    + case resolution when 'h' then interval 1 hour else interval 1 day end
    + to_hours((select s.settle_hours from catalog.settings as s)) as is_settled  -- read after the settle buffer
from covered
qualify row_number() over (
    partition by report_kind, resolution, hour
    order by fetched_at desc, sha256 desc
) = 1
