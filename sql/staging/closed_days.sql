/*
Days of the bill that were read again after their month was closed, and when it was.

A month is closed once it is over and its settle buffer has passed. A day that was not settled by then is closed an hour
after it was: reports that are read together take that long at most.

key: day
partition: day
weeks at once: 5
*/
with

snapshots as (
    select
        *,
        date_trunc('day', hour) as day
    from staging.billing_snapshots
    where
        hour >= $since
        and hour < $until
),

first_settled as (
    select
        day,
        hour,
        resolution,
        min(fetched_at) as settled_at
    from snapshots
    where is_settled
    group by all
),

-- A day is settled with the last of its hours, or with its daily report.
settled_days as (
    select
        day,
        least(
            max(settled_at) filter (where resolution = 'h'), max(settled_at) filter (where resolution = 'd')
        ) as settled_at
    from first_settled
    group by all
),

closed as (
    select
        d.day,
        greatest(
            date_trunc('month', d.day) + interval 1 month + to_hours(s.settle_hours), d.settled_at + interval 1 hour
        ) as closed_at
    from settled_days as d
    cross join catalog.settings as s
)

select
    c.day,  -- start of the day, UTC
    c.closed_at  -- what was read later is a correction, UTC
from closed as c
semi join snapshots as s
    on
        c.day = s.day
        and c.closed_at < s.fetched_at
