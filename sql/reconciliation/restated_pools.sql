/*
Billed pools that were settled and were settled anew with another amount: the last such change of each, and the two files.
Where an object has a breakdown, its resources stand here; where it has none, its total (`all`). Where a daily report was
read after the settled hours of its day and says otherwise, the object's whole day stands here (`difference`).

Only what counts stands here: a daily report that hours have replaced moves nothing, and no more does a breakdown that has
dropped an object whose total stays.

materialized: view
key: environment, object_id, hour, resolution, resource
partition: hour
*/
with

counted as (
    select r.*
    from staging.restated_lines as r
    left join staging.billing_days as d
        on
            d.reading = 'now'
            and r.resolution = 'd'
            and r.environment = d.environment
            and r.object_id = d.object_id
            and r.hour = d.hour
    anti join staging.billing_totals as t
        on
            t.reading = 'now'
            and r.report_kind = 'resources'
            and t.control = 'dropped'
            and r.environment = t.environment
            and r.object_id = t.object_id
            and r.hour = t.hour
            and r.resolution = t.resolution
    where
        d.holds is null
        or (d.holds = 'day' and r.fetched_before > d.hours_fetched_at)
        or (d.holds = 'larger' and d.beyond_usd != 0)
),

days as (
    select
        d.environment,
        d.object_id,
        d.app,
        d.hour,
        'd' as resolution,
        'difference' as resource,
        coalesce(d.hours_usd, 0) as before_usd,
        d.day_usd as after_usd,
        d.hours_path as path_before,
        d.day_path as path_after,
        d.hours_fetched_at as fetched_before,
        d.day_fetched_at as fetched_after
    from staging.billing_days as d
    anti join counted as c
        on
            c.resolution = 'd'
            and d.environment = c.environment
            and d.object_id = c.object_id
            and d.hour = c.hour
    where
        d.reading = 'now'
        and d.holds = 'day'
        and d.hours_are_settled
        and d.day_is_settled
        and abs(d.beyond_usd) > 0.000001::decimal(38, 12)
        and (d.is_complete or sign(d.beyond_usd) != sign(d.day_usd))
),

lines as (
    select *
    from counted
    where report_kind = 'resources'
    union all by name
    select p.*
    from counted as p
    anti join counted as r
        on
            r.report_kind = 'resources'
            and p.environment = r.environment
            and p.object_id = r.object_id
            and p.hour = r.hour
            and p.resolution = r.resolution
    where p.report_kind = 'plain'
    union all by name
    select *
    from days
)

select
    environment,  -- Modal environment
    object_id,  -- Modal object
    app,  -- its name on the bill
    hour,  -- start of the billed interval, UTC
    resolution,  -- h or d
    resource,  -- catalog name or label; all: not broken down; difference: a whole day against its hours
    before_usd,  -- what was settled before; zero where the pool came later
    after_usd,  -- what is settled since; zero where the pool has vanished
    after_usd - before_usd as moved_usd,  -- what the change adds
    path_before as file_before,  -- the file that said the former, below landing/
    path_after as file_after,  -- the file that said the latter first, below landing/
    fetched_before,  -- when the former was last read from Modal, UTC
    fetched_after  -- when the latter was first read, UTC
from lines
