/*
Gate G6: per function and day, what the call log accounts for against what the bill attributes to it. Apps only: volumes
and sandboxes have no log.

matched: coverage between 0.8 and 1.25. amount mismatch: outside. bill only: cost without a log. log only: container time
without cost. Cost that is shared by container time, because no request is known, counts as accounted for. Of a credit the
log accounts for a credit: what it models has the sign of its pool.

key: environment, app, function, day
partition: day
*/
with

attributed as (
    select
        environment,
        object_id,
        app,
        hour,
        resolution,
        resource,
        function,
        phase,
        component,
        amount_usd
    from spend.hourly
    where
        object_id like 'ap-%'
        and hour >= $since
        and hour < $until
),

claims as (
    select
        c.*,
        case when p.billed_usd < 0 then -1 else 1 end as direction
    from spend.claims as c
    inner join spend.pools as p using (environment, object_id, hour, resolution, resource)
    where
        c.hour >= $since
        and c.hour < $until
),

costs as (
    select
        a.environment,
        a.app,
        a.function,
        date_trunc('day', a.hour) as day,
        sum(a.amount_usd) as billed_usd
    from attributed as a
    group by all
),

explained as (
    select
        c.environment,
        c.app,
        c.function,
        date_trunc('day', c.hour) as day,
        sum(
            case
                when c.shared_us > 0 then coalesce(a.amount_usd, 0)
                else (c.direction * c.claim_pd)::decimal(38, 0) * 0.000000000001::decimal(12, 12)
            end
        ) as modelled_usd
    from claims as c
    left join attributed as a
        using (environment, object_id, hour, resolution, resource, function, phase, component)
    group by all
),

logged as (
    select
        environment,
        app,
        function,
        date_trunc('day', hour) as day,
        sum(container_us)::bigint as container_us
    from usage.hourly
    where
        hour >= $since
        and hour < $until
    group by all
),

compared as (
    select
        environment,
        app,
        function,
        day,
        coalesce(c.billed_usd, 0) as billed_usd,
        coalesce(e.modelled_usd, 0) as modelled_usd,
        coalesce(l.container_us, 0) as container_us
    from costs as c
    full outer join explained as e using (environment, app, function, day)
    full outer join logged as l using (environment, app, function, day)
)

select
    environment,  -- Modal environment
    app,  -- the app's name
    function,  -- the function, or a residual in double underscores
    day,  -- UTC
    billed_usd,  -- attributed cost
    modelled_usd,  -- what the call log accounts for
    container_us,  -- container time in the log, microseconds
    case
        when container_us = 0 then 'bill only'
        when billed_usd = 0 then 'log only'
        when sign(modelled_usd) != sign(billed_usd) then 'amount mismatch'
        when abs(modelled_usd) * 5 < abs(billed_usd) * 4 then 'amount mismatch'
        when abs(modelled_usd) * 4 > abs(billed_usd) * 5 then 'amount mismatch'
        else 'matched'
    end as outcome  -- matched, bill only, log only, amount mismatch
from compared
