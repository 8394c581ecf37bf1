/*
Every billed amount attributed to functions, rollout phases and components, to the last digit.

Claims are paid in full when the bill covers them, and scaled down when it does not. What the bill exceeds the claims by
goes to functions whose request is not known, by container time; where there are none, to the claimants as `unexplained`.
A pool that nobody claims goes to the one function that can use it (`unlogged`), else to `__no_calls__`. Objects that are
not apps are attributed to themselves. Shares are integers of 1e-12 $ by largest remainder: their sum is the bill.

key: environment, object_id, hour, resolution, resource, function, phase, component
partition: hour
*/
with

-- From here on a pool is its number: amounts and claims are many, and numbers are quicker to match than five columns.
pools as (
    select
        *,
        row_number() over (order by environment, object_id, hour, resolution, resource) as pool_number,
        abs((billed_usd * 1000000000000)::hugeint) as billed_pd,
        case when billed_usd < 0 then -1 else 1 end as direction
    from spend.pools
    where
        hour >= $since
        and hour < $until
),

claims as (
    select
        p.pool_number,
        c.function,
        c.phase,
        c.component,
        c.claim_pd,
        c.shared_us
    from spend.claims as c
    inner join pools as p
        on
            c.environment = p.environment
            and c.object_id = p.object_id
            and c.hour = p.hour
            and c.resolution = p.resolution
            and c.resource = p.resource
    where
        c.hour >= $since
        and c.hour < $until
        and (c.claim_pd > 0 or c.shared_us > 0)
),

claim_totals as (
    select
        pool_number,
        sum(claim_pd)::hugeint as modelled_pd,
        sum(shared_us)::hugeint as shared_us
    from claims
    group by all
),

claimed_pools as (
    select
        p.pool_number,
        p.billed_pd,
        t.modelled_pd > p.billed_pd as is_scaled_down,
        t.modelled_pd <= p.billed_pd and t.shared_us > 0 as is_shared_by_time,
        case when t.modelled_pd > p.billed_pd then p.billed_pd else p.billed_pd - t.modelled_pd end as shared_pd,
        case
            when t.modelled_pd > p.billed_pd or t.shared_us = 0 then t.modelled_pd
            else t.shared_us
        end as total_weight
    from pools as p
    inner join claim_totals as t on p.pool_number = t.pool_number
),

paid_claims as (
    select
        c.pool_number,
        c.function,
        c.phase,
        c.component,
        c.claim_pd as amount_pd
    from claimed_pools as p
    inner join claims as c on p.pool_number = c.pool_number
    where not p.is_scaled_down
),

weights as (
    select
        p.pool_number,
        p.shared_pd,
        p.total_weight,
        c.function,
        c.phase,
        case
            when p.is_scaled_down or p.is_shared_by_time then c.component
            else 'unexplained'
        end as component,
        sum(case when p.is_shared_by_time then c.shared_us else c.claim_pd end)::hugeint as weight
    from claimed_pools as p
    inner join claims as c on p.pool_number = c.pool_number
    where
        p.shared_pd > 0
        or p.billed_pd = 0
    group by all
),

-- shared_pd × weight ÷ total_weight in two steps, so that the product stays within 128 bits
floors as (
    select
        *,
        (shared_pd // total_weight) * weight + (shared_pd % total_weight) * weight // total_weight as floor_pd,
        (shared_pd % total_weight) * weight % total_weight as remainder
    from weights
    where weight > 0
),

ranked_floors as (
    select
        *,
        shared_pd - sum(floor_pd) over (partition by pool_number)::hugeint as missing_pd,
        row_number() over (
            partition by pool_number
            order by remainder desc, function asc, phase asc, component asc
        ) as place
    from floors
),

shares as (
    select
        pool_number,
        function,
        phase,
        component,
        floor_pd + case when place <= missing_pd then 1 else 0 end as amount_pd
    from ranked_floors
),

unclaimed_pools as (
    select p.*
    from pools as p
    anti join claim_totals as t on p.pool_number = t.pool_number
),

-- The functions of the app that can use the resource at that time, by their configuration.
able_functions as (
    select
        p.pool_number,
        count(distinct k.function) as functions,
        min(k.function) as function,
        arg_max(k.phase, k.valid_from) as phase
    from unclaimed_pools as p
    inner join staging.configurations as k
        on
            p.environment = k.environment
            and p.app = k.app
            and p.hour < k.valid_to
            and p.hour + case p.resolution when 'h' then interval 1 hour else interval 1 day end > k.valid_from
    where
        p.object_id like 'ap-%'
        and (
            p.kind != 'gpu'
            or p.resource = k.gpu
            or k.source = 'unknown'
            or (p.is_other_gpu and k.gpu is not null)
        )
    group by all
),

residuals as (
    select
        p.pool_number,
        case
            when p.object_id like 'vo-%' then '__volume__'
            when p.object_id like 'sb-%' then '__sandbox__'
            when p.object_id not like 'ap-%' then '__' || split_part(p.object_id, '-', 1) || '__'
            when f.functions = 1 then f.function
            else '__no_calls__'
        end as function,
        case when f.functions = 1 then f.phase else 'none' end as phase,
        case
            when p.object_id not like 'ap-%' then 'direct'
            when f.functions = 1 then 'unlogged'
            else 'residual'
        end as component,
        p.billed_pd as amount_pd
    from unclaimed_pools as p
    left join able_functions as f on p.pool_number = f.pool_number
),

parts as (
    select *
    from paid_claims
    union all by name
    select *
    from shares
    union all by name
    select *
    from residuals
),

attributed as (
    select
        pool_number,
        function,
        phase,
        component,
        sum(amount_pd)::hugeint as amount_pd
    from parts
    group by all
)

select
    p.environment,  -- Modal environment
    p.object_id,  -- Modal object that was billed
    p.app,  -- its name
    p.hour,  -- start of the billed interval, UTC
    p.resolution,  -- h or d
    p.resource,  -- catalog name or the bill's label; rounding; all (not broken down)
    a.function,  -- who caused it; names in double underscores are residuals
    a.phase,  -- rollout phase of the containers; none outside the programme
    a.component,  -- startup, execution, idle, unexplained, unlogged, residual or direct
    (p.direction * a.amount_pd)::decimal(38, 0) * 0.000000000001::decimal(12, 12) as amount_usd,  -- exact
    p.status  -- settled, provisional or restated
from attributed as a
inner join pools as p on a.pool_number = p.pool_number
