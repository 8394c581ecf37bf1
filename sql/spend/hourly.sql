/*
Every billed amount attributed to functions, rollout phases and components, to the last digit.

Claims are paid in turn, what is better known first: as far as the bill goes, and in proportion where it ends. What is left
of CPU and memory goes by container time to those whose use is not known: functions without a request, or the only
function that claims. What is left then is `unexplained`, up to a share of what each function claims of the pool; the rest
is the app's (`__unexplained__`). A pool without any claim is `__no_calls__`. Objects that are not apps are attributed to
themselves. Shares are integers of 1e-12 $ by largest remainder: their sum is the bill.

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
        p.billed_pd,
        p.kind,
        c.function,
        c.phase,
        c.component,
        c.evidence,
        c.payment_order,
        c.container_us,
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

turns as (
    select
        pool_number,
        billed_pd,
        payment_order,
        sum(claim_pd)::hugeint as claim_pd
    from claims
    group by all
),

turns_after_others as (
    select
        *,
        coalesce(
            sum(claim_pd) over (
                partition by pool_number
                order by payment_order
                rows between unbounded preceding and 1 preceding
            ), 0
        )::hugeint as paid_before_pd
    from turns
),

paid_turns as (
    select
        *,
        greatest(0, least(claim_pd, billed_pd - paid_before_pd)) as paid_pd
    from turns_after_others
),

-- What is left of a pool when all claims are paid, and who can take it.
remainders as (
    select
        c.pool_number,
        greatest(0, c.billed_pd - sum(c.claim_pd))::hugeint as left_pd,
        sum(c.shared_us)::hugeint as shared_us,
        case
            when c.kind = 'other' then true
            when c.kind = 'gpu' then false
            else
                count(*) filter (where c.shared_us > 0 and c.component != 'residual') > 0
                or count(distinct c.function) filter (where c.component != 'residual') = 1
        end as is_shared_by_time,
        count(*) filter (where c.shared_us > 0 and c.component != 'residual') > 0 as has_unknown_requests,
        count(distinct c.function) = 1 and c.kind != 'other' as is_one_claimant,
        sum(c.claim_pd) filter (where c.component != 'residual')::hugeint as functions_pd,
        any_value(s.unexplained_percent) as unexplained_percent
    from claims as c
    cross join catalog.settings as s
    group by c.pool_number, c.billed_pd, c.kind
),

paid_in_full as (
    select
        c.pool_number,
        c.function,
        c.phase,
        c.component,
        c.claim_pd as amount_pd,
        case when c.evidence = 'bill' then 0 else c.claim_pd end as modelled_pd
    from paid_turns as t
    inner join claims as c
        on
            t.pool_number = c.pool_number
            and t.payment_order = c.payment_order
    where
        t.paid_pd = t.claim_pd
        and (c.claim_pd > 0 or t.billed_pd = 0)
),

-- A portion is an amount of a pool that is shared out by weights.
portions as (
    select
        t.pool_number,
        t.payment_order as portion,
        t.paid_pd as portion_pd,
        c.function,
        c.phase,
        c.component,
        c.evidence != 'bill' as is_modelled,
        c.claim_pd as weight
    from paid_turns as t
    inner join claims as c
        on
            t.pool_number = c.pool_number
            and t.payment_order = c.payment_order
    where
        t.paid_pd < t.claim_pd
        and (t.paid_pd > 0 or t.billed_pd = 0)
    union all by name
    select
        r.pool_number,
        100 as portion,
        r.left_pd as portion_pd,
        c.function,
        c.phase,
        c.component,
        r.is_one_claimant and c.evidence != 'bill' as is_modelled,
        case when r.has_unknown_requests then c.shared_us else c.container_us end as weight
    from remainders as r
    inner join claims as c on r.pool_number = c.pool_number
    where
        r.is_shared_by_time
        and (r.left_pd > 0 or c.billed_pd = 0)
    union all by name
    select
        r.pool_number,
        101 as portion,
        least(r.left_pd, coalesce(r.functions_pd, 0) * r.unexplained_percent // 100) as portion_pd,
        c.function,
        c.phase,
        'unexplained' as component,
        false as is_modelled,
        c.claim_pd as weight
    from remainders as r
    inner join claims as c on r.pool_number = c.pool_number
    where
        not r.is_shared_by_time
        and r.left_pd > 0
        and c.component != 'residual'
),

weights as (
    select
        pool_number,
        portion,
        portion_pd,
        function,
        phase,
        component,
        is_modelled,
        sum(weight)::hugeint as weight
    from portions
    group by all
    having sum(weight) > 0
),

weights_together as (
    select
        *,
        sum(weight) over (partition by pool_number, portion)::hugeint as total_weight
    from weights
),

-- portion_pd × weight ÷ total_weight in two steps, so that the product stays within 128 bits
floors as (
    select
        *,
        (portion_pd // total_weight) * weight + (portion_pd % total_weight) * weight // total_weight as floor_pd,
        (portion_pd % total_weight) * weight % total_weight as remainder
    from weights_together
),

ranked_floors as (
    select
        *,
        portion_pd - sum(floor_pd) over (partition by pool_number, portion)::hugeint as missing_pd,
        row_number() over (
            partition by pool_number, portion
            order by remainder desc, function asc, phase asc, component asc, is_modelled asc
        ) as place
    from floors
),

shares as (
    select
        pool_number,
        function,
        phase,
        component,
        floor_pd + case when place <= missing_pd then 1 else 0 end as amount_pd,
        case when is_modelled then amount_pd else 0 end as modelled_pd
    from ranked_floors
),

parts as (
    select *
    from paid_in_full
    union all by name
    select *
    from shares
),

attributed as (
    select
        pool_number,
        function,
        phase,
        component,
        sum(amount_pd)::hugeint as amount_pd,
        sum(modelled_pd)::hugeint as modelled_pd
    from parts
    group by all
),

attributed_pools as (
    select
        pool_number,
        sum(amount_pd)::hugeint as amount_pd
    from attributed
    group by all
),

rests as (
    select
        p.pool_number,
        case
            when k.prefix is null then '__' || split_part(p.object_id, '-', 1) || '__'
            when a.pool_number is null or not k.has_functions then k.residual
            else '__unexplained__'
        end as function,
        'none' as phase,
        case when k.has_functions then 'residual' else 'direct' end as component,
        p.billed_pd - coalesce(a.amount_pd, 0) as amount_pd,
        0 as modelled_pd
    from pools as p
    left join attributed_pools as a on p.pool_number = a.pool_number
    left join catalog.object_kinds as k on split_part(p.object_id, '-', 1) || '-' = k.prefix
    where
        a.pool_number is null
        or a.amount_pd < p.billed_pd
),

whole as (
    select *
    from attributed
    union all by name
    select *
    from rests
),

by_component as (
    select
        pool_number,
        function,
        phase,
        component,
        sum(amount_pd)::hugeint as amount_pd,
        sum(modelled_pd)::hugeint as modelled_pd
    from whole
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
    a.component,  -- what it was for, see catalog.components
    (p.direction * a.amount_pd)::decimal(38, 0) * 0.000000000001::decimal(12, 12) as amount_usd,  -- exact
    -- the rest of it was shared, or is what only the bill shows
    (p.direction * a.modelled_pd)::decimal(38, 0) * 0.000000000001::decimal(12, 12) as modelled_usd,  -- paid by own claims
    p.status  -- settled, provisional or restated
from by_component as a
inner join pools as p on a.pool_number = p.pool_number
