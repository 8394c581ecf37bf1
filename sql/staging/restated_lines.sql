/*
Billed lines that a settled report said otherwise than the settled report before it, each with its last such change. A line
that has vanished is zero after it; one that came later, zero before.

key: report_kind, environment, object_id, hour, resolution, resource
partition: hour
weeks at once: 5
*/
with

-- An interval that only ever had one content cannot have been restated.
contents as (
    select *
    from staging.billing_snapshots
    where
        is_settled
        and hour >= $since
        and hour < $until
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
    inner join staging.billing_lines as r
        on
            c.file_id = r.file_id
            and c.report_kind = r.report_kind
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
),

changes as (
    select
        *,
        min(fetched_at) over (
            partition by report_kind, resolution, hour, environment, object_id, resource
        ) as restated_since
    from steps
    where before_usd != amount_usd
    qualify row_number() over (
        partition by report_kind, resolution, hour, environment, object_id, resource
        order by fetched_at desc, sha256 desc
    ) = 1
),

paths as (
    select
        file_id,
        fetched_at,
        min(path) as path
    from raw.deliveries
    group by all
)

select
    c.report_kind,  -- plain (totals per object) or resources (broken down)
    c.environment,  -- Modal environment
    c.object_id,  -- Modal object: ap- app, vo- volume, sb- sandbox
    c.app,  -- the object's name on the bill
    c.hour,  -- start of the billed interval, UTC
    c.resolution,  -- h or d
    c.resource,  -- catalog name or the bill's label; all in a plain report
    c.before_usd,  -- what was settled before, exact; zero where there was no such line
    c.amount_usd as after_usd,  -- what is settled since, exact; zero where the line has vanished
    c.file_id_before,  -- the content that said the former, see raw.files
    c.file_id as file_id_after,  -- the content that said the latter first
    b.path as path_before,  -- the file that said the former, below landing/
    a.path as path_after,  -- the file that said the latter first, below landing/
    c.fetched_before,  -- when the former was last read from Modal, UTC
    c.fetched_at as fetched_after,  -- when the latter was first read, UTC
    c.restated_since  -- when the first such change was read, UTC
from changes as c
left join paths as b on c.file_id_before = b.file_id and c.fetched_before = b.fetched_at
left join paths as a on c.file_id = a.file_id and c.fetched_at = a.fetched_at
