/*
Every attributed amount as a charge with its price and quantity; the sum of a pool's rows is the pool.

A pool that says otherwise than when its month was closed is cut in two: what it was then, and one correction by all that it
has moved since, shared over the pool's rows so that nothing is lost. Of a pool that has vanished both stay, without a
function: they add up to nothing.

key: environment, object_id, hour, resolution, resource, function, phase, component, is_correction
partition: hour
weeks at once: 2
*/
with

prefixes_of_apps as (
    select prefix
    from catalog.object_kinds
    where has_functions
),

billed_objects as (
    select distinct
        environment,
        app,
        object_id,
        hour,
        resolution
    from spend.pools
    where
        split_part(object_id, '-', 1) || '-' in (select k.prefix from prefixes_of_apps as k)
        and hour >= $since
        and hour < $until
),

billed_names as (
    select
        *,
        count(*) over (partition by environment, app, hour, resolution) as objects
    from billed_objects
),

container_time as (
    select
        *,
        hour as interval_start,
        'h' as resolution
    from usage.hourly
    where
        hour >= $since
        and hour < $until
        and evidence in ('seen', 'settings', 'window', 'usual')
    union all by name
    select
        *,
        date_trunc('day', hour) as interval_start,
        'd' as resolution
    from usage.hourly
    where
        hour >= $since
        and hour < $until
        and evidence in ('seen', 'settings', 'window', 'usual')
),

-- Usage of an app whose name stands for several objects counts where the app list says which one it was.
measured as (
    select
        b.environment,
        b.object_id,
        b.hour,
        b.resolution,
        u.function,
        u.phase,
        u.component,
        sum(u.container_us)::hugeint as container_us
    from billed_names as b
    inner join container_time as u
        on
            b.environment = u.environment
            and b.app = u.app
            and b.hour = u.interval_start
            and b.resolution = u.resolution
    where
        b.objects = 1
        or b.object_id = u.app_id
    group by all
),

fetches as (
    select
        file_id,
        max(fetched_at) as fetched_at
    from staging.deliveries
    group by all
),

tagged as (
    select
        r.environment,
        r.object_id,
        r.interval_start as hour,
        arg_max(r.tags, (f.fetched_at, r.file_id)) as tags
    from raw.billing_report as r
    inner join fetches as f on r.file_id = f.file_id
    where
        coalesce(r.tags, '{}') != '{}'
        and r.interval_start >= $since
        and r.interval_start < $until
    group by all
),

bill_now as (
    select
        s.environment,
        s.object_id,
        s.app,
        s.hour,
        s.resolution,
        s.resource,
        sum(s.amount_usd) as amount_usd
    from spend.hourly as s
    semi join staging.closed_days as d on date_trunc('day', s.hour) = d.day
    where
        s.hour >= $since
        and s.hour < $until
    group by all
),

closed_bill as (
    select *
    from staging.closed_items
    where
        hour >= $since
        and hour < $until
),

moved_pools as (
    select
        coalesce(n.app, c.app) as app,
        coalesce(n.environment, c.environment) as environment,
        coalesce(n.object_id, c.object_id) as object_id,
        coalesce(n.hour, c.hour) as hour,
        coalesce(n.resolution, c.resolution) as resolution,
        coalesce(n.resource, c.resource) as resource,
        coalesce(n.amount_usd, 0) as amount_usd,
        coalesce(n.amount_usd, 0) - coalesce(c.amount_usd, 0) as moved_usd
    from bill_now as n
    full outer join closed_bill as c
        on
            n.environment = c.environment
            and n.object_id = c.object_id
            and n.hour = c.hour
            and n.resolution = c.resolution
            and n.resource = c.resource
    where coalesce(n.amount_usd, 0) != coalesce(c.amount_usd, 0)
),

running as (
    select
        s.*,
        (m.moved_usd * 1000000000000)::hugeint as moved_pd,
        (s.amount_usd * 1000000000000)::hugeint as amount_pd,
        (m.amount_usd * 1000000000000)::hugeint as total_pd,
        sum((s.amount_usd * 1000000000000)::hugeint) over down_the_pool as sum_pd
    from spend.hourly as s
    inner join moved_pools as m using (environment, object_id, hour, resolution, resource)
    where m.amount_usd != 0
    window
        down_the_pool as (
            partition by s.environment, s.object_id, s.hour, s.resolution, s.resource
            order by s.function, s.phase, s.component
            rows unbounded preceding
        )
),

-- Differences of a rounded running sum add up to the whole, whatever was rounded.
corrections as (
    select
        * exclude (moved_pd, amount_pd, total_pd, sum_pd),
        (moved_pd * sum_pd // total_pd - moved_pd * (sum_pd - amount_pd) // total_pd)::decimal(38, 0)
        * 0.000000000001::decimal(12, 12) as moved_usd
    from running
),

vanished as (
    select
        m.* exclude (amount_usd),
        coalesce(k.residual, '__' || split_part(m.object_id, '-', 1) || '__') as function,
        'none' as phase,
        case when k.has_functions then 'residual' else 'direct' end as component,
        'restated' as status
    from moved_pools as m
    left join catalog.object_kinds as k on split_part(m.object_id, '-', 1) || '-' = k.prefix
    where m.amount_usd = 0
),

attributed as (
    select
        s.* exclude (amount_usd),
        s.amount_usd - coalesce(c.moved_usd, 0) as amount_usd,
        false as is_correction
    from spend.hourly as s
    left join corrections as c
        using (environment, object_id, hour, resolution, resource, function, phase, component)
    anti join vanished as v
        on
            s.environment = v.environment
            and s.object_id = v.object_id
            and s.hour = v.hour
            and s.resolution = v.resolution
            and s.resource = v.resource
    where
        s.hour >= $since
        and s.hour < $until
        and (coalesce(c.moved_usd, 0) = 0 or c.moved_usd != s.amount_usd)
    union all by name
    select
        * exclude (amount_usd, moved_usd),
        moved_usd as amount_usd,
        true as is_correction
    from corrections
    where moved_usd != 0
    union all by name
    select
        * exclude (moved_usd),
        -moved_usd as amount_usd,
        false as is_correction
    from vanished
    union all by name
    select
        * exclude (moved_usd),
        moved_usd as amount_usd,
        true as is_correction
    from vanished
),

described as (
    select
        a.*,
        coalesce(r.kind, 'other') as kind,
        a.resource in ('rounding', 'difference') as is_remainder,
        a.hour + case a.resolution when 'h' then interval 1 hour else interval 1 day end as until
    from attributed as a
    left join catalog.resources as r on a.resource = r.resource
),

configured as (
    select
        d.*,
        case
            when d.is_remainder then null
            when d.kind = 'gpu' then coalesce(k.region_percent, 100)
            when d.kind = 'other' then 100
            else coalesce(k.host_percent, 100)
        end as price_percent
    from described as d
    asof left join staging.configurations as k
        on
            d.environment = k.environment
            and d.app = k.app
            and d.function = k.function
            and d.phase = k.phase
            and d.until > k.valid_from
),

priced as (
    select
        c.*,
        p.picodollars_per_hour * c.price_percent // 100 as price_pd,
        (abs(c.amount_usd) * 1000000000000)::hugeint * 1000000000000 as dividend,
        case when c.amount_usd < 0 then -1 else 1 end as direction,
        -- the amount ÷ the price, rounded half up
        direction * ((2 * dividend + price_pd) // (2 * price_pd))::decimal(38, 0)
        * 0.000000000001::decimal(12, 12) as quantity
    from configured as c
    asof left join staging.prices as p
        on
            c.resource = p.resource
            and c.hour >= p.valid_from
)

select
    p.environment,  -- Modal environment
    p.object_id,  -- Modal object that was billed
    p.app,  -- its name on the bill
    p.hour,  -- start of the billed interval, UTC
    p.until,  -- its end, exclusive, UTC
    p.resolution,  -- h or d
    p.resource,  -- catalog name or the bill's label; rounding, difference; all (not broken down)
    p.kind,  -- gpu, cpu, memory; other (not broken down, unknown labels, rounding)
    p.function,  -- who caused it; names in double underscores are residuals
    p.phase,  -- rollout phase of the containers; none outside the programme
    p.component,  -- what it was for, see catalog.components
    p.is_correction,  -- what has moved since the month was closed
    p.amount_usd::decimal(38, 12) as amount_usd,  -- exact
    p.price_percent,  -- factor on the list price by region and nonpreemptible, in hundredths; null for rounding
    case
        when p.is_remainder then null
        when p.price_pd is null then 1
        else p.price_pd::decimal(38, 0) * 0.000000000001::decimal(12, 12)
    end::decimal(38, 12) as unit_price_usd,  -- list price × factor; 1 where only an amount is billed; null for rounding
    case
        when p.is_remainder then null
        when p.price_pd is null then p.amount_usd
        else p.quantity
    end::decimal(38, 12) as quantity,  -- amount ÷ unit price to 12 decimals, as Modal bills amounts; null for rounding
    case
        when p.is_remainder then null
        when p.price_pd is null then 'USD'
        when p.kind = 'memory' then 'GiB-Hours'
        else 'Hours'
    end as unit,  -- Hours (of a GPU or a core), GiB-Hours, USD (only an amount is billed); null for rounding
    case
        when not p.is_remainder and not p.is_correction
            then m.container_us::decimal(38, 0) * 0.000001::decimal(12, 6)
    end::decimal(38, 6) as container_seconds,  -- container time by log and settings; null where none was measured
    t.tags,  -- the object's tags on the bill, JSON; null without any
    p.status  -- settled, provisional or restated
from priced as p
left join measured as m using (environment, object_id, hour, resolution, function, phase, component)
left join tagged as t using (environment, object_id, hour)
