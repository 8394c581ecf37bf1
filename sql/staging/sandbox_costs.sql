/*
What Modal says the sandboxes of an app cost in a window, by tags and resource: its own figures, no estimate.

Of windows that overlap the one that was read last counts, and none of the others.

key: environment, app, app_id, since, tags, resource
*/
with

windows as (
    select
        s.file_id,
        d.environment,
        d.app,
        s.app_id,
        s.since,
        s.until,
        d.sha256,
        max(d.fetched_at) as fetched_at
    from raw.sandbox_stats as s
    inner join staging.deliveries as d on s.file_id = d.file_id
    group by all
),

-- a later window without any sandbox has no rows, and yet replaces an earlier one
deliveries as (
    select distinct
        environment,
        app,
        file_id,
        sha256,
        range_start as since,
        range_end as until,
        fetched_at
    from staging.deliveries
    where source = 'sandbox_stats'
),

counting as (
    select w.*
    from windows as w
    anti join deliveries as d
        on
            w.environment = d.environment
            and w.app = d.app
            and w.since < d.until
            and w.until > d.since
            and w.file_id != d.file_id
            and (
                w.fetched_at < d.fetched_at
                or (w.fetched_at = d.fetched_at and w.sha256 < d.sha256)
            )
)

select
    c.environment,  -- Modal environment
    c.app,  -- the app's name
    c.app_id,  -- Modal's id of the app
    c.since,  -- start of the window, UTC
    c.until,  -- its end, exclusive, UTC; on the same day
    s.tags,  -- tags that the sandboxes share, as JSON
    coalesce(l.resource, s.resource) as resource,  -- by its catalog name; rounding for what the parts miss of the cost
    sum(s.cost_usd) as cost_usd  -- as Modal says
from counting as c
inner join raw.sandbox_stats as s on c.file_id = s.file_id
left join catalog.labels as l on lower(s.resource) = l.label
group by all
