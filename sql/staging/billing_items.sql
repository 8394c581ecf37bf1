/*
The bill as it stands: one row per environment, object, interval and resource, adding up to the total of every object.

What a total differs from its parts by is a row of its own: resource `rounding`; `difference` where the breakdown is an
older snapshot; `all` for an object without a breakdown. Hourly rows replace the daily row of the same object and day;
what a daily total exceeds the hours by stays as a daily row `all`, unless the hours of that day are complete.

An item is provisional until it was read after the settle buffer, and restated when a settled report said otherwise before:
of the resource itself, of the object for `all`, of either for what the two differ by.

key: environment, object_id, hour, resolution, resource
partition: hour
*/
with

totals as (
    select *
    from staging.billing_totals
    where
        hour >= $since
        and hour < $until
),

itemised as (
    select
        environment,
        object_id,
        app,
        hour,
        resolution,
        resource,
        amount_usd,
        fetched_at,
        is_settled
    from staging.billing_parts
    where
        hour >= $since
        and hour < $until
    union all by name
    select
        environment,
        object_id,
        app,
        hour,
        resolution,
        case
            when parts_usd is null then 'all'
            when control = 'rounding' then 'rounding'
            else 'difference'
        end as resource,
        total_usd - coalesce(parts_usd, 0) as amount_usd,
        fetched_at,
        is_settled
    from totals
    where
        parts_usd is null
        or total_usd != parts_usd
),

complete_days as (
    select date_trunc('day', hour) as day
    from staging.billing_intervals
    where
        resolution = 'h'
        and hour >= $since
        and hour < $until
    group by all
    having count(distinct hour) = 24
),

hours_of_days as (
    select
        environment,
        object_id,
        date_trunc('day', hour) as day,
        sum(total_usd) as hours_usd
    from totals
    where resolution = 'h'
    group by all
),

days_without_hours as (
    select i.*
    from itemised as i
    anti join complete_days as c on i.hour = c.day
    anti join hours_of_days as h
        on
            i.environment = h.environment
            and i.object_id = h.object_id
            and i.hour = h.day
    where i.resolution = 'd'
),

days_beyond_hours as (
    select
        d.environment,
        d.object_id,
        d.app,
        d.hour,
        d.resolution,
        'all' as resource,
        d.total_usd - h.hours_usd as amount_usd,
        d.fetched_at,
        d.is_settled
    from totals as d
    inner join hours_of_days as h
        on
            d.environment = h.environment
            and d.object_id = h.object_id
            and d.hour = h.day
    anti join complete_days as c on d.hour = c.day
    where
        d.resolution = 'd'
        and (
            (d.total_usd > 0 and d.total_usd > h.hours_usd)
            or (d.total_usd < 0 and d.total_usd < h.hours_usd)
        )
),

items as (
    select *
    from itemised
    where resolution = 'h'
    union all by name
    select *
    from days_without_hours
    union all by name
    select *
    from days_beyond_hours
),

restated as (
    select distinct
        i.environment,
        i.object_id,
        i.hour,
        i.resolution,
        i.resource
    from items as i
    inner join staging.restated_lines as r
        on
            i.environment = r.environment
            and i.object_id = r.object_id
            and i.hour = r.hour
            and i.resolution = r.resolution
    where
        (r.report_kind = 'resources' and r.resource = i.resource)
        or (r.report_kind = 'plain' and i.resource = 'all')
        or i.resource in ('rounding', 'difference')
)

select
    i.environment,  -- Modal environment
    i.object_id,  -- Modal object: ap- app, vo- volume, sb- sandbox
    i.app,  -- the object's name on the bill
    i.hour,  -- start of the billed interval, UTC
    i.resolution,  -- h or d: the length of the interval
    i.resource,  -- catalog name of the resource; its label where the catalog has none; rounding; difference; all
    i.amount_usd,  -- what Modal metered, exact
    i.fetched_at,  -- when the snapshot was read, UTC
    case
        when not i.is_settled then 'provisional'
        when r.resource is not null then 'restated'
        else 'settled'
    end as status  -- settled, provisional or restated
from items as i
left join restated as r using (environment, object_id, hour, resolution, resource)
