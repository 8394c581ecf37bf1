/*
The bill of staging.closed_days as it stood when their month was closed: what staging.billing_items said then, by the rules
of billing_intervals, billing_totals and billing_days.

key: environment, object_id, hour, resolution, resource
partition: hour
*/
with

intervals as (
    select
        s.*,
        c.day
    from staging.closed_days as c
    inner join staging.billing_snapshots as s
        on
            c.day = date_trunc('day', s.hour)
            and c.closed_at >= s.fetched_at
    where
        s.hour >= $since
        and s.hour < $until
    qualify row_number() over (
        partition by s.report_kind, s.resolution, s.hour
        order by s.fetched_at desc, s.sha256 desc
    ) = 1
),

lines as (
    select
        i.report_kind,
        i.resolution,
        i.hour,
        i.day,
        r.environment,
        r.object_id,
        coalesce(l.resource, r.resource) as resource,
        max(r.description) as app,
        sum(r.cost_usd) as amount_usd
    from intervals as i
    inner join raw.billing_report as r
        on
            i.file_id = r.file_id
            and i.hour = r.interval_start
    left join catalog.labels as l on lower(r.resource) = l.label
    group by all
),

reports as (
    select
        hour,
        resolution,
        max(case when report_kind = 'plain' then fetched_at end) as plain_fetched_at,
        max(case when report_kind = 'resources' then fetched_at end) as parts_fetched_at,
        case when bool_and(is_settled) then interval 1 hour else interval 0 hour end as apart
    from intervals
    group by all
),

objects as (
    select
        environment,
        object_id,
        hour,
        day,
        resolution,
        max(app) as app,
        sum(amount_usd) filter (where report_kind = 'plain') as plain_usd,
        sum(amount_usd) filter (where report_kind = 'resources') as parts_usd
    from lines
    group by all
),

-- As in billing_totals: only where the later of two reports is the breakdown can its silence mean anything.
broken_down_before as (
    select distinct
        r.environment,
        r.object_id,
        s.hour,
        s.resolution
    from reports as n
    inner join staging.billing_snapshots as s
        on
            n.hour = s.hour
            and n.resolution = s.resolution
            and n.parts_fetched_at > s.fetched_at
    inner join raw.billing_report as r
        on
            s.file_id = r.file_id
            and s.hour = r.interval_start
    where
        n.plain_fetched_at + interval 1 hour < n.parts_fetched_at
        and s.report_kind = 'resources'
        and s.hour >= $since
        and s.hour < $until
),

totals as (
    select
        o.*,
        case
            when o.parts_usd is null and b.object_id is not null then 0
            when o.parts_usd is null then o.plain_usd
            when abs(o.plain_usd - o.parts_usd) <= 0.000001::decimal(38, 12) then o.plain_usd
            when r.plain_fetched_at + r.apart < r.parts_fetched_at then o.parts_usd
            when r.plain_fetched_at > r.parts_fetched_at + r.apart then coalesce(o.plain_usd, 0)
            else coalesce(o.plain_usd, o.parts_usd)
        end as total_usd
    from objects as o
    inner join reports as r using (hour, resolution)
    left join broken_down_before as b using (environment, object_id, hour, resolution)
),

itemised as (
    select
        environment,
        object_id,
        app,
        hour,
        day,
        resolution,
        resource,
        amount_usd
    from lines
    where report_kind = 'resources'
    union all by name
    select
        environment,
        object_id,
        app,
        hour,
        day,
        resolution,
        case
            when parts_usd is null then 'all'
            when abs(total_usd - parts_usd) <= 0.000001::decimal(38, 12) then 'rounding'
            else 'difference'
        end as resource,
        total_usd - coalesce(parts_usd, 0) as amount_usd
    from totals
    where
        parts_usd is null
        or total_usd != parts_usd
),

readings as (
    select
        day,
        count(distinct hour) filter (where resolution = 'h') = 24 as is_complete,
        max(fetched_at) filter (where resolution = 'h') as hours_fetched_at,
        max(fetched_at) filter (where resolution = 'd') as day_fetched_at,
        max(fetched_at) filter (where resolution = 'd' and report_kind = 'plain') as plain_fetched_at
    from intervals
    group by all
    having count(distinct resolution) = 2
),

said as (
    select
        environment,
        object_id,
        day,
        max(app) as app,
        sum(total_usd) filter (where resolution = 'h') as hours_usd,
        sum(total_usd) filter (where resolution = 'd') as total_usd,
        bool_and(parts_usd is not null) filter (where resolution = 'h') as is_broken_down
    from totals
    group by all
),

compared as (
    select
        s.*,
        r.is_complete,
        case
            when s.total_usd is not null then s.total_usd
            when s.is_broken_down or r.plain_fetched_at > r.hours_fetched_at then 0
        end as day_usd,
        case
            when day_usd is not null and r.day_fetched_at > r.hours_fetched_at then 'day'
            when r.is_complete then 'hours'
            else 'larger'
        end as holds,
        day_usd - coalesce(s.hours_usd, 0) as beyond_usd
    from said as s
    inner join readings as r using (day)
),

items as (
    select
        i.environment,
        i.object_id,
        i.app,
        i.hour,
        i.resolution,
        i.resource,
        i.amount_usd
    from itemised as i
    left join compared as c using (environment, object_id, day)
    where
        i.resolution = 'h'
        or c.holds is null
        or (c.hours_usd is null and c.holds != 'hours')
    union all by name
    select
        environment,
        object_id,
        app,
        day as hour,
        'd' as resolution,
        case
            when abs(beyond_usd) <= 0.000001::decimal(38, 12) then 'rounding'
            when not is_complete and sign(beyond_usd) = sign(day_usd) then 'all'
            else 'difference'
        end as resource,
        beyond_usd as amount_usd
    from compared
    where
        hours_usd is not null
        and beyond_usd != 0
        and (holds = 'day' or (holds = 'larger' and sign(day_usd) * day_usd > sign(day_usd) * hours_usd))
)

select
    environment,  -- Modal environment
    object_id,  -- Modal object
    app,  -- its name on the bill
    hour,  -- start of the billed interval, UTC
    resolution,  -- h or d
    resource,  -- as in staging.billing_items
    amount_usd::decimal(38, 12) as amount_usd  -- what had been metered, exact
from items
