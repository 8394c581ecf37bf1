/*
The snapshot that counts for every billed interval: of all reports of one kind and resolution that cover it, the latest.

The bill has two readings. now: what it says today. closing: what it said when the month was closed; there is one for the
days of staging.closed_days, which were read again since. All other days cost now what they did then. From here on every
model of the bill carries its reading, and the rules are the same for both.

key: reading, report_kind, resolution, hour
partition: hour
weeks at once: 5
*/
with

snapshots as (
    select *
    from staging.billing_snapshots
    where
        hour >= $since
        and hour < $until
),

known_snapshots as (
    select
        'now' as reading,
        *
    from snapshots
    union all by name
    select
        'closing' as reading,
        s.*
    from snapshots as s
    inner join staging.closed_days as c
        on
            date_trunc('day', s.hour) = c.day
            and s.fetched_at <= c.closed_at
)

select
    reading,  -- now, or closing: what was known when the month was closed
    report_kind,  -- plain (totals per object) or resources (broken down)
    resolution,  -- h or d
    hour,  -- start of the billed interval, UTC
    file_id,  -- the content that counts
    fetched_at,  -- when it was read from Modal, UTC
    is_settled  -- read after the settle buffer
from known_snapshots
qualify row_number() over (
    partition by reading, report_kind, resolution, hour
    order by fetched_at desc, sha256 desc
) = 1
