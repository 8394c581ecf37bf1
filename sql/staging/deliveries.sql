/*
Deliveries that count: which content was fetched when, and which range it speaks for.

A delivery with a sidecar knows its own fetch time and range; one by hand has the time of its file and the range of its
rows. Which files are deliveries is judged when they are loaded.

materialized: view
key: file_id, fetched_at, range_start, range_end
*/
select distinct
    f.file_id,  -- the content, see raw.files
    f.source,  -- which export, see catalog.sources
    e.role,  -- what the export is for: bill, usage, context or control
    e.covers,  -- what a file of it covers: days, a moment or a month
    coalesce(f.environment, s.environment) as environment,  -- from the path, or the catalog's default
    f.app,  -- from the path
    f.function,  -- from the path
    f.month,  -- billing month, for summaries
    f.report_kind,  -- plain, resources or both, for billing reports
    f.resolution,  -- h or d, for billing reports
    d.range_start,  -- first instant the snapshot speaks for, UTC
    d.range_end,  -- end of that range, exclusive, UTC
    d.fetched_at,  -- when it was read from Modal, UTC
    case
        when d.has_sidecar or e.covers = 'days' then d.fetched_at
        else least(d.fetched_at, coalesce(d.range_start + interval 1 day - interval 1 microsecond, d.fetched_at))
    end as as_of,  -- the moment a snapshot without a range shows; by hand, on the day its name gives, UTC
    f.sha256  -- content identity; decides between snapshots of the same instant
from raw.deliveries as d
inner join raw.files as f on d.file_id = f.file_id
inner join catalog.sources as e on f.source = e.source
cross join catalog.settings as s
