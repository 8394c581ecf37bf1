/*
What the hours and the daily report say of an object's day, for days that both are landed of, and which of them holds.

`holds` says it. day: the daily report was read after every hour of the day. hours: they are complete, and the daily report
is older. larger: they are incomplete, and the daily report is older; what it has beyond them is in none of them.

An object that the daily report lacks cost nothing on that day, if its hours were broken down or the plain report was read
after them: a breakdown lacks what Modal does not break down.

key: reading, environment, object_id, hour
partition: hour
weeks at once: 5
*/
with

reports as (
    select
        reading,
        date_trunc('day', hour) as day,
        count(distinct hour) filter (where resolution = 'h') = 24 as is_complete,
        max(fetched_at) filter (where resolution = 'h') as hours_fetched_at,
        max(fetched_at) filter (where resolution = 'd') as day_fetched_at,
        max(fetched_at) filter (where resolution = 'd' and report_kind = 'plain') as plain_fetched_at,
        bool_and(is_settled) filter (where resolution = 'h') as hours_are_settled,
        bool_and(is_settled) filter (where resolution = 'd') as day_is_settled,
        arg_max(file_id, (fetched_at, report_kind)) filter (where resolution = 'h') as hours_file_id,
        arg_max(file_id, (fetched_at, report_kind)) filter (where resolution = 'd') as day_file_id
    from staging.billing_intervals
    where
        hour >= $since
        and hour < $until
    group by all
    having count(distinct resolution) = 2
),

paths as (
    select
        file_id,
        fetched_at,
        min(path) as path
    from raw.deliveries
    group by all
),

hours_of_days as (
    select
        reading,
        environment,
        object_id,
        date_trunc('day', hour) as day,
        max(app) as app,
        sum(total_usd) as hours_usd,
        bool_and(parts_usd is not null) as is_broken_down
    from staging.billing_totals
    where
        resolution = 'h'
        and hour >= $since
        and hour < $until
    group by all
),

daily_totals as (
    select
        reading,
        environment,
        object_id,
        hour as day,
        app,
        total_usd
    from staging.billing_totals
    where
        resolution = 'd'
        and hour >= $since
        and hour < $until
),

said as (
    select
        coalesce(h.reading, d.reading) as reading,
        coalesce(h.environment, d.environment) as environment,
        coalesce(h.object_id, d.object_id) as object_id,
        coalesce(h.day, d.day) as day,
        coalesce(d.app, h.app) as app,
        h.hours_usd,
        h.is_broken_down,
        d.total_usd
    from hours_of_days as h
    full outer join daily_totals as d
        on
            h.reading = d.reading
            and h.environment = d.environment
            and h.object_id = d.object_id
            and h.day = d.day
)

select
    s.reading,  -- now or closing, see staging.billing_intervals
    s.environment,  -- Modal environment
    s.object_id,  -- Modal object
    s.app,  -- its name on the bill
    r.day as hour,  -- start of the day, UTC
    s.hours_usd,  -- sum of its hours; null where they lack the object
    case
        when s.total_usd is not null then s.total_usd
        when s.is_broken_down or r.plain_fetched_at > r.hours_fetched_at then 0
    end as day_usd,  -- total by the daily report; null where it says nothing about the object
    r.is_complete,  -- all 24 hours are landed
    r.hours_fetched_at,  -- when the last of the hours was read, UTC
    r.day_fetched_at,  -- when the daily report was read, UTC
    h.path as hours_path,  -- its file, below landing/
    b.path as day_path,  -- the daily report's file
    r.hours_are_settled,  -- every hour was read after the settle buffer
    r.day_is_settled,  -- so was the daily report
    case
        when day_usd is not null and r.day_fetched_at > r.hours_fetched_at then 'day'
        when r.is_complete then 'hours'
        else 'larger'
    end as holds,  -- day, hours or larger, see above
    case
        when
            holds = 'day'
            or (holds = 'larger' and sign(day_usd) * day_usd > sign(day_usd) * coalesce(s.hours_usd, 0))
            then day_usd - coalesce(s.hours_usd, 0)
        else 0
    end::decimal(38, 12) as beyond_usd  -- what the day cost beyond its hours
from said as s
inner join reports as r on s.reading = r.reading and s.day = r.day
left join paths as h on r.hours_file_id = h.file_id and r.hours_fetched_at = h.fetched_at
left join paths as b on r.day_file_id = b.file_id and r.day_fetched_at = b.fetched_at
