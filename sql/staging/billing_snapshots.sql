/*
Every snapshot of every billed interval: which report covers it, when that was read, and whether its amounts were final then.
A file of the SDK is plain report and breakdown in one.

materialized: view
key: report_kind, resolution, hour, file_id, fetched_at
partition: hour
*/
with

reports as (
    select
        file_id,
        unnest(case report_kind when 'both' then ['plain', 'resources'] else [report_kind] end) as report_kind,
        resolution,
        range_start,
        range_end,
        fetched_at,
        sha256
    from staging.deliveries
    where source = 'billing_report'
),

hours as (
    select unnest(range(date_trunc('hour', min(range_start)), max(range_end), interval 1 hour)) as hour
    from reports
)

-- The same content may have been read once and delivered for several ranges.
select distinct
    r.report_kind,  -- plain (totals per object) or resources (broken down)
    r.resolution,  -- h or d
    h.hour,  -- start of the billed interval, UTC
    r.file_id,  -- the content, see raw.files
    r.fetched_at,  -- when it was read from Modal, UTC
    r.sha256,  -- content identity; decides between snapshots of the same instant
    r.fetched_at >= h.hour
    + case r.resolution when 'h' then interval 1 hour else interval 1 day end
    + to_hours((select s.settle_hours from catalog.settings as s)) as is_settled  -- read after the settle buffer
from reports as r
inner join hours as h
    on
        r.range_start <= h.hour
        and r.range_end > h.hour
where
    r.resolution = 'h'
    or h.hour = date_trunc('day', h.hour)
