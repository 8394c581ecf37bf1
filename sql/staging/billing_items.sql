/*
The bill item by item, in both readings: one row per environment, object, interval and resource, adding up to the total of
every object.

What a total differs from its parts by is a row of its own: resource `rounding`; `difference` where the breakdown is an
older snapshot, or where a row of the SDK has other parts; `all` for an object without a breakdown. Hourly rows replace the
daily row of the same object and day. What the day cost beyond them stays as a daily row: `all` for hours that are not
landed; `difference`, of either sign, where a daily report that was read later says otherwise than they do; `rounding`
within a millionth of a dollar.

An item is provisional until it was read after the settle buffer, or a settled daily report was read after its hour. It is
restated when a settled report said otherwise before: of the resource itself, of the object for `all` and for what two
reports differ by, of the hours for what a daily report says instead.

key: reading, environment, object_id, hour, resolution, resource
partition: hour
weeks at once: 5
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
        reading,
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
        reading,
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

days as (
    select *
    from staging.billing_days
    where
        hour >= $since
        and hour < $until
),

-- A daily row of an object without hours keeps its breakdown.
days_without_hours as (
    select
        i.*,
        coalesce(d.holds = 'day' and d.is_complete and d.hours_are_settled, false) as is_restated
    from itemised as i
    left join days as d using (reading, environment, object_id, hour)
    where
        i.resolution = 'd'
        and (d.holds is null or (d.hours_usd is null and d.holds != 'hours'))
),

days_beyond_hours as (
    select
        reading,
        environment,
        object_id,
        app,
        hour,
        'd' as resolution,
        case
            when abs(beyond_usd) <= 0.000001::decimal(38, 12) then 'rounding'
            when not is_complete and sign(beyond_usd) = sign(day_usd) then 'all'
            else 'difference'
        end as resource,
        beyond_usd as amount_usd,
        day_fetched_at as fetched_at,
        day_is_settled as is_settled,
        resource = 'difference' and hours_are_settled as is_restated
    from days
    where
        hours_usd is not null
        and beyond_usd != 0
),

hours as (
    select
        i.* exclude (is_settled),
        i.is_settled or coalesce(d.holds = 'day' and d.day_is_settled, false) as is_settled,
        false as is_restated
    from itemised as i
    left join days as d
        on
            i.reading = d.reading
            and i.environment = d.environment
            and i.object_id = d.object_id
            and date_trunc('day', i.hour) = d.hour
    where i.resolution = 'h'
),

items as (
    select *
    from hours
    union all by name
    select *
    from days_without_hours
    union all by name
    select *
    from days_beyond_hours
),

restated as (
    select distinct
        i.reading,
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
            and i.fetched_at >= r.restated_since
    where
        (r.report_kind = 'resources' and r.resource = i.resource)
        or i.resource in ('all', 'rounding', 'difference')
)

select
    i.reading,  -- now or closing, see staging.billing_intervals
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
        when i.is_restated or r.resource is not null then 'restated'
        else 'settled'
    end as status  -- settled, provisional or restated
from items as i
left join restated as r using (reading, environment, object_id, hour, resolution, resource)
