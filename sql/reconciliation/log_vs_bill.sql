/*
Gate G6: per function and day, what log and settings account for against what the bill attributes to it. Apps only:
volumes and sandboxes have no log.

matched: coverage within the bounds of catalog/settings.yaml, 0.8 to 1.25 unless it says otherwise. amount mismatch: outside.
bill only: cost without a log. log only: container time without cost. What is seen in the log counts in full, what is
inferred as far as the bill pays for it; money that several functions share counts for none. Of a credit the log accounts
for a credit: what it models has the sign of its pool.

key: environment, app, function, day
partition: day
weeks at once: 5
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
        sum(amount_usd) as billed_usd,
        sum(modelled_usd) as modelled_usd
    from spend.hourly
    where
        split_part(object_id, '-', 1) || '-' in (select k.prefix from prefixes_of_apps as k)
        and hour >= $since
        and hour < $until
    group by all
),

seen as (
    select
        environment,
        object_id,
        hour,
        resolution,
        resource,
        function,
        sum(claim_pd)::hugeint as seen_pd
    from spend.claims
    where
        evidence = 'seen'
        and hour >= $since
        and hour < $until
    group by all
),

seen_of_pools as (
    select
        *,
        sum(seen_pd) over (partition by environment, object_id, hour, resolution, resource)::hugeint as pool_seen_pd
    from seen
),

seen_beyond_the_bill as (
    select
        s.environment,
        s.object_id,
        s.hour,
        s.resolution,
        s.resource,
        s.function,
        (case when p.billed_usd < 0 then -1 else 1 end * s.seen_pd)::decimal(38, 0)
        * 0.000000000001::decimal(12, 12) as seen_usd
    from seen_of_pools as s
    inner join spend.pools as p using (environment, object_id, hour, resolution, resource)
    where s.pool_seen_pd > (abs(p.billed_usd) * 1000000000000)::hugeint
),

costs as (
    select
        a.environment,
        a.app,
        a.function,
        date_trunc('day', a.hour) as day,
        sum(a.billed_usd) as billed_usd,
        sum(coalesce(s.seen_usd, a.modelled_usd)) as modelled_usd
    from attributed as a
    left join seen_beyond_the_bill as s using (environment, object_id, hour, resolution, resource, function)
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
        and evidence in ('seen', 'settings', 'window', 'usual')
    group by all
),

compared as (
    select
        environment,
        app,
        function,
        day,
        coalesce(c.billed_usd, 0) as billed_usd,
        coalesce(c.modelled_usd, 0) as modelled_usd,
        coalesce(l.container_us, 0) as container_us
    from costs as c
    full outer join logged as l using (environment, app, function, day)
)

select
    c.environment,  -- Modal environment
    c.app,  -- the app's name
    c.function,  -- the function, or a residual in double underscores
    c.day,  -- UTC
    c.billed_usd,  -- attributed cost
    c.modelled_usd,  -- what log and settings account for
    c.container_us,  -- container time by log and settings, microseconds
    case
        when c.container_us = 0 and c.modelled_usd = 0 then 'bill only'
        when c.billed_usd = 0 then 'log only'
        when sign(c.modelled_usd) != sign(c.billed_usd) then 'amount mismatch'
        when abs(c.modelled_usd) * 100 < abs(c.billed_usd) * s.least_coverage_percent then 'amount mismatch'
        when abs(c.modelled_usd) * 100 > abs(c.billed_usd) * s.most_coverage_percent then 'amount mismatch'
        else 'matched'
    end as outcome  -- matched, bill only, log only, amount mismatch
from compared as c
cross join catalog.settings as s
