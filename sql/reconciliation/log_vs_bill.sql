/*
Gate G6: per function and day, what the call log accounts for against what the bill attributes to it. Apps only: volumes
and sandboxes have no log.

matched: coverage within the bounds of catalog/settings.yaml, 0.8 to 1.25 unless it says otherwise. amount mismatch: outside.
bill only: cost without a log. log only: container time without cost. Cost that is shared by container time, because no
request is known, counts as accounted for. Of a credit the log accounts for a credit: what it models has the sign of its pool.

key: environment, app, function, day
partition: day
*/
with

prefixes_of_apps as (
    select prefix
    from catalog.object_kinds
    where has_functions
),

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
        split_part(object_id, '-', 1) || '-' in (select k.prefix from prefixes_of_apps as k)
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
    c.environment,  -- Modal environment
    c.app,  -- the app's name
    c.function,  -- the function, or a residual in double underscores
    c.day,  -- UTC
    c.billed_usd,  -- attributed cost
    c.modelled_usd,  -- what the call log accounts for
    c.container_us,  -- container time in the log, microseconds
    case
        when c.container_us = 0 then 'bill only'
        when c.billed_usd = 0 then 'log only'
        when sign(c.modelled_usd) != sign(c.billed_usd) then 'amount mismatch'
        when abs(c.modelled_usd) * 100 < abs(c.billed_usd) * s.least_coverage_percent then 'amount mismatch'
        when abs(c.modelled_usd) * 100 > abs(c.billed_usd) * s.most_coverage_percent then 'amount mismatch'
        else 'matched'
    end as outcome  -- matched, bill only, log only, amount mismatch
from compared as c
cross join catalog.settings as s
