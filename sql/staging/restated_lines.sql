/*
Billed lines that a settled report said otherwise than the settled report before it, each with its last such change. A line
that has vanished is zero after it; one that came later, zero before.

key: report_kind, environment, object_id, hour, resolution, resource
partition: hour
*/
with

reports as (
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

settled_reports as (
    select
        r.report_kind,
        r.resolution,
        h.hour,
        r.file_id,
        r.fetched_at,
        r.sha256
    from reports as r
    inner join hours as h
        on
            r.range_start <= h.hour
            and r.range_end > h.hour
    where
        (r.resolution = 'h' or h.hour = date_trunc('day', h.hour))
        and r.fetched_at >= h.hour
        + case r.resolution when 'h' then interval 1 hour else interval 1 day end
        + to_hours((select s.settle_hours from catalog.settings as s))
),

-- An interval that only ever had one content cannot have been restated.
contents as (
    select *
    from settled_reports
    qualify count(distinct file_id) over (partition by report_kind, resolution, hour) > 1
),

amounts as (
    select
        c.report_kind,
        c.resolution,
        c.hour,
        c.file_id,
        c.fetched_at,
        r.environment,
        r.object_id,
        coalesce(l.resource, r.resource, 'all') as resource,
        max(r.description) as app,
        sum(r.cost_usd) as amount_usd
    from contents as c
    inner join raw.billing_report as r
        on
            c.file_id = r.file_id
            and c.hour = r.interval_start
    left join catalog.labels as l on lower(r.resource) = l.label
    group by all
),

lines as (
    select
        report_kind,
        resolution,
        hour,
        environment,
        object_id,
        resource,
        max(app) as app
    from amounts
    group by all
),

said as (
    select
        l.*,
        c.file_id,
        c.fetched_at,
        c.sha256,
        coalesce(a.amount_usd, 0) as amount_usd
    from lines as l
    inner join contents as c using (report_kind, resolution, hour)
    left join amounts as a
        using (report_kind, resolution, hour, environment, object_id, resource, file_id, fetched_at)
),

steps as (
    select
        *,
        lag(amount_usd) over in_order as before_usd,
        lag(file_id) over in_order as file_id_before,
        lag(fetched_at) over in_order as fetched_before
    from said
    window
        in_order as (
            partition by report_kind, resolution, hour, environment, object_id, resource
            order by fetched_at, sha256
        )
)

select
    report_kind,  -- plain (totals per object) or resources (broken down)
    environment,  -- Modal environment
    object_id,  -- Modal object: ap- app, vo- volume, sb- sandbox
    app,  -- the object's name on the bill
    hour,  -- start of the billed interval, UTC
    resolution,  -- h or d
    resource,  -- catalog name or the bill's label; all in a plain report
    before_usd,  -- what was settled before, exact; zero where there was no such line
    amount_usd as after_usd,  -- what is settled since, exact; zero where the line has vanished
    file_id_before,  -- the content that said the former, see raw.files
    file_id as file_id_after,  -- the content that said the latter first
    fetched_before,  -- when the former was last read from Modal, UTC
    fetched_at as fetched_after  -- when the latter was first read, UTC
from steps
where before_usd != amount_usd
qualify row_number() over (
    partition by report_kind, resolution, hour, environment, object_id, resource
    order by fetched_at desc, sha256 desc
) = 1
