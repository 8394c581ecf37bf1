/*
The total of every object and interval: the plain report against the sum of the breakdown, and which of them holds.

`control` says how the two compare. equal: to the last digit. rounding: within a millionth of a dollar. dropped: the
breakdown was read but lacks the object. plain only, breakdown only: the other report was not landed for this interval.
older, newer: they differ, and the plain report was read over an hour before or after the breakdown, or at all before or
after it while the interval could still grow; the later one holds. An object that an earlier breakdown had has then vanished:
it is older, and cost nothing. inexact: total and parts are one row of the SDK and differ by more than rounding; the total
holds, because it is what Modal bills. off: two reports were read together and differ by more than rounding. missing: read
together, and the total lacks the object.

key: reading, environment, object_id, hour, resolution
partition: hour
weeks at once: 5
*/
with

reports as (
    select
        reading,
        hour,
        resolution,
        max(case when report_kind = 'plain' then fetched_at end) as plain_fetched_at,
        max(case when report_kind = 'resources' then fetched_at end) as parts_fetched_at,
        bool_and(is_settled) as is_settled,
        count(*) > count(distinct file_id) as is_one_file,
        -- An interval that grows is another one a minute later; a settled one should be the same for longer.
        case when bool_and(is_settled) then interval 1 hour else interval 0 hour end as apart
    from staging.billing_intervals
    where
        hour >= $since
        and hour < $until
    group by all
),

plain_totals as (
    select
        i.reading,
        r.environment,
        r.object_id,
        i.hour,
        i.resolution,
        max(r.description) as app,
        sum(r.cost_usd) as plain_usd,
        sum(r.remainder_usd) as plain_remainder_usd
    from staging.billing_intervals as i
    inner join staging.billing_lines as r
        on
            i.file_id = r.file_id
            and i.report_kind = r.report_kind
            and i.hour = r.interval_start
    where
        i.report_kind = 'plain'
        and i.hour >= $since
        and i.hour < $until
    group by all
),

part_totals as (
    select
        reading,
        environment,
        object_id,
        hour,
        resolution,
        max(app) as app,
        sum(amount_usd) as parts_usd,
        sum(remainder_usd) as parts_remainder_usd
    from staging.billing_parts
    where
        hour >= $since
        and hour < $until
    group by all
),

-- Only where the later of two reports is the breakdown can its silence mean anything.
broken_down_before as (
    select distinct
        n.reading,
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
    inner join staging.billing_lines as r
        on
            s.file_id = r.file_id
            and s.report_kind = r.report_kind
            and s.hour = r.interval_start
    where
        n.plain_fetched_at + interval 1 hour < n.parts_fetched_at
        and s.report_kind = 'resources'
        and s.hour >= $since
        and s.hour < $until
),

compared as (
    select
        coalesce(p.app, t.app) as app,
        p.plain_usd,
        t.parts_usd,
        p.plain_remainder_usd,
        t.parts_remainder_usd,
        coalesce(p.reading, t.reading) as reading,
        coalesce(p.environment, t.environment) as environment,
        coalesce(p.object_id, t.object_id) as object_id,
        coalesce(p.hour, t.hour) as hour,
        coalesce(p.resolution, t.resolution) as resolution
    from plain_totals as p
    full outer join part_totals as t
        on
            p.reading = t.reading
            and p.environment = t.environment
            and p.object_id = t.object_id
            and p.hour = t.hour
            and p.resolution = t.resolution
)

select
    c.reading,  -- now or closing, see staging.billing_intervals
    c.environment,  -- Modal environment
    c.object_id,  -- Modal object
    c.app,  -- its name on the bill
    c.hour,  -- start of the billed interval, UTC
    c.resolution,  -- h or d
    c.plain_usd,  -- total by the plain report; null where it has none
    c.parts_usd,  -- sum of the breakdown; null where it has none
    case
        when c.parts_usd is null and r.parts_fetched_at is null then 'plain only'
        when c.parts_usd is null and b.object_id is not null then 'older'
        when c.parts_usd is null then 'dropped'
        when c.plain_usd is null and r.plain_fetched_at is null then 'breakdown only'
        when c.plain_usd = c.parts_usd then 'equal'
        when abs(c.plain_usd - c.parts_usd) <= 0.000001::decimal(38, 12) then 'rounding'
        when r.plain_fetched_at + r.apart < r.parts_fetched_at then 'older'
        when r.plain_fetched_at > r.parts_fetched_at + r.apart then 'newer'
        when c.plain_usd is null then 'missing'
        when r.is_one_file then 'inexact'
        else 'off'
    end as control,  -- how the two compare, see above
    case
        when control in ('breakdown only', 'older', 'missing') then coalesce(c.parts_usd, 0)
        else coalesce(c.plain_usd, 0)
    end as total_usd,  -- what the object cost in this interval
    case
        when control in ('breakdown only', 'older', 'missing') then coalesce(c.parts_remainder_usd, 0)
        else coalesce(c.plain_remainder_usd, 0)
    end as remainder_usd,  -- what the report that holds prints beyond 12 decimals
    greatest(r.plain_fetched_at, r.parts_fetched_at) as fetched_at,  -- when the later snapshot was read, UTC
    r.is_settled  -- every snapshot used was read after the settle buffer
from compared as c
inner join reports as r
    on
        c.reading = r.reading
        and c.hour = r.hour
        and c.resolution = r.resolution
left join broken_down_before as b
    on
        c.reading = b.reading
        and c.environment = b.environment
        and c.object_id = b.object_id
        and c.hour = b.hour
        and c.resolution = b.resolution
