/*
Container time that claims: what is known in full, and of what is inferred the part that the bill shows to have been there
(`spend.inferred_time`).

materialized: view
key: interval_number, configuration_key, hour, component, evidence
partition: interval_start
*/
with

-- What no factor and no sample speaks of is as it was placed, and most of all time.
all_time as (
    select
        *,
        case evidence when 'seen' then 1000000 else 0 end as least_ppm,
        1000000 as most_ppm
    from spend.placed_time
    where evidence not in ('series', 'window', 'limit', 'beyond', 'wait', 'rest')
    union all by name
    select *
    from spend.inferred_time
)

select
    interval_start,  -- start of the billed interval, UTC
    interval_number,  -- names the interval of the billed app, see spend.pools
    configuration_key,  -- whose containers, see usage.configurations
    hour,  -- start of the hour, UTC
    component,  -- what it was for, see catalog.components
    evidence,  -- as in spend.placed_time; learned and rest where a factor is used
    case evidence
        when 'seen' then 1
        when 'series' then 2
        when 'settings' then 2
        when 'window' then 3
        when 'usual' then 3
        when 'learned' then 3
        when 'limit' then 4
        when 'rest' then 4
        when 'requests' then 6
        else 5
    end as payment_order,  -- what is better known is paid first
    container_us,  -- microseconds; for limit, rest, beyond, wait and requests at most
    least_ppm::bigint as least_ppm,  -- how much of it was there at least, in millionths
    most_ppm::bigint as most_ppm  -- how much of it was there at most, in millionths
from all_time
