/*
What the bill prints beyond the 12 decimals that are booked, of every object and interval where it does: booked and
remainder together are the printed cost, to the last digit. A remainder is in no other table, so it moves no figure.

Where hours and a daily report cover a day, the one that its cost was taken from counts, as in staging.billing_items.

materialized: view
key: environment, object_id, hour, resolution
partition: hour
*/
with

days as (
    select
        environment,
        object_id,
        hour as day,
        holds = 'day' or beyond_usd != 0 as is_by_day
    from staging.billing_days
    where reading = 'now'
),

remainders as (
    select
        *,
        date_trunc('day', hour) as day
    from staging.billing_totals
    where
        reading = 'now'
        and remainder_usd != 0
)

select
    r.environment,  -- Modal environment
    r.object_id,  -- Modal object
    r.app,  -- its name on the bill
    r.hour,  -- start of the billed interval, UTC
    r.resolution,  -- h or d
    r.total_usd as booked_usd,  -- what the object cost, to 12 decimals
    r.remainder_usd  -- what the bill prints beyond that, of either sign, to 38 decimals
from remainders as r
left join days as d using (environment, object_id, day)
where
    d.day is null
    or r.resolution = case when d.is_by_day then 'd' else 'h' end
