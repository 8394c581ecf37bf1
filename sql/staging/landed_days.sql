/*
The days whose bill is landed whole: by all of their hours, or by a daily report.

materialized: view
key: day
partition: day
*/
with

days as (
    select
        date_trunc('day', hour)::date as day,
        count(distinct hour) filter (where resolution = 'h') = 24 as is_complete,
        coalesce(bool_and(is_settled) filter (where resolution = 'h'), true) as hours_are_settled,
        max(fetched_at) filter (where resolution = 'h') as hours_fetched_at,
        bool_and(is_settled) filter (where resolution = 'd') as day_is_settled,
        max(fetched_at) filter (where resolution = 'd') as day_fetched_at
    from staging.billing_intervals
    where reading = 'now'
    group by all
)

-- Complete hours are the day; so is a daily report, where hours are missing or it was read after all of them.
select
    day,  -- UTC
    case
        when hours_are_settled then is_complete or day_is_settled
        else coalesce(day_is_settled and day_fetched_at > hours_fetched_at, false)
    end as is_settled  -- its bill is final
from days
where is_complete or day_is_settled is not null
