/*
Every billed amount attributed to functions, rollout phases and components, to the last digit.

Claims are paid in turn, what is better known first: as far as the bill goes, and in proportion where it ends. What is left
of CPU and memory goes by container time to those whose use is not known: functions without a request, or the only
function that claims. What is left then is `unexplained`, up to a share of what each function claims of the pool; the rest
is the app's (`__unexplained__`). A pool without any claim is `__no_calls__`. Objects that are not apps are attributed to
themselves. Shares are integers of 1e-12 $ by largest remainder: their sum is the bill.

key: pool_number, claimant_key, component
partition: hour
weeks at once: 2
*/
with

pools as materialized (
    select
        *,
        abs((billed_usd * 1000000000000)::hugeint) as billed_pd,
        case when billed_usd < 0 then -1 else 1 end as direction
    from spend.pools
    where
        hour >= $since
        and hour < $until
),

parted_claimants as (
    select claimant_key
    from usage.configurations
    where
        window_start >= $since
        and window_start < $until
    group by environment, app, claimant_key
    having min(configuration_key) != max(configuration_key)
),

-- A claimant of a component is a number, too, in the order of their names. The code of a component is its place.
functions as materialized (
    select
        *,
        claimant_key in (select k.claimant_key from parted_claimants as k) as is_parted,
        (100 * row_number() over (order by function, phase))::integer as claimant_number,
        dense_rank() over (order by function)::integer as function_number
    from (
        select distinct
            claimant_key,
            function,
            phase
        from spend.claimants
        where
            window_start >= $since
            and window_start < $until
    ) as c
),

claims as materialized (
    select
        c.pool_number,
        c.evidence != 'bill' as is_modelled,
        c.payment_order,
        c.container_us,
        c.claim_pd,
        c.shared_us,
        c.component = 'residual' as is_rest,
        f.claimant_number + enum_code(c.component) as claimant,
        f.function_number,
        -- what is seen of one configuration is one claim for each component
        c.payment_order = 1 and not f.is_parted as stands_alone
    from spend.pool_claims as c
    left join functions as f on c.claimant_key = f.claimant_key
    where
        c.hour >= $since
        and c.hour < $until
        and (c.claim_pd > 0 or c.shared_us > 0)
),

-- Few rows of many claims: what follows of pools and turns is summed up from these.
summed_claims as materialized (
    select
        pool_number,
        payment_order,
        is_rest,
        sum(claim_pd)::hugeint as claim_pd,
        sum(shared_us)::hugeint as shared_us,
        sum(container_us)::hugeint as container_us,
        min(function_number) as first_function,
        max(function_number) as last_function
    from claims
    group by all
),

claims_of_pools as (
    select
        pool_number,
        sum(claim_pd)::hugeint as claim_pd,
        coalesce(sum(shared_us) filter (where not is_rest), 0) > 0 as has_unknown_requests,
        min(first_function) = max(last_function) as is_one_function,
        coalesce(
            min(first_function) filter (where not is_rest) = max(last_function) filter (where not is_rest),
            false
        ) as is_one_but_for_the_rest,
        sum(shared_us)::hugeint as shared_us,
        sum(container_us)::hugeint as container_us,
        coalesce(sum(claim_pd) filter (where not is_rest), 0)::hugeint as functions_pd
    from summed_claims
    group by all
),

-- What is left of a pool when all claims are paid, and who can take it.
remainders as (
    select
        c.pool_number,
        p.billed_pd,
        c.claim_pd,
        greatest(0, p.billed_pd - c.claim_pd)::hugeint as left_pd,
        c.has_unknown_requests,
        case p.kind
            when 'other' then true
            when 'gpu' then false
            else c.has_unknown_requests or c.is_one_but_for_the_rest
        end as is_shared_by_time,
        c.is_one_function and p.kind != 'other' as is_one_claimant,
        case when c.has_unknown_requests then c.shared_us else c.container_us end as time_us,
        c.functions_pd
    from claims_of_pools as c
    inner join pools as p on c.pool_number = p.pool_number
),

shared_remainders as (
    select
        r.*,
        case
            when r.is_shared_by_time and r.time_us > 0 then r.left_pd
            when r.is_shared_by_time then 0
            else least(r.left_pd, r.functions_pd * s.unexplained_percent // 100)
        end as shared_pd,
        -- what is owed to nobody at all is nobody's
        r.billed_pd = 0 or r.claim_pd > 0 or (r.is_shared_by_time and r.time_us > 0) as has_payers
    from remainders as r
    cross join catalog.settings as s
),

rests as (
    select
        p.pool_number,
        case
            when k.prefix is null then '__' || split_part(p.object_id, '-', 1) || '__'
            when not coalesce(r.has_payers, false) or not k.has_functions then k.residual
            else '__unexplained__'
        end as function,
        'none' as phase,
        case when k.has_functions then 'residual'::meta.component else 'direct'::meta.component end as component,
        p.billed_pd - case when r.has_payers then least(r.billed_pd, r.claim_pd) + r.shared_pd else 0 end as amount_pd
    from pools as p
    left join shared_remainders as r on p.pool_number = r.pool_number
    left join catalog.object_kinds as k on split_part(p.object_id, '-', 1) || '-' = k.prefix
    where
        not coalesce(r.has_payers, false)
        or least(r.billed_pd, r.claim_pd) + r.shared_pd < p.billed_pd
),

turns as (
    select
        pool_number,
        payment_order,
        sum(claim_pd)::hugeint as claim_pd
    from summed_claims
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

paid_turns as materialized (
    select
        t.*,
        p.billed_pd,
        greatest(0, least(t.claim_pd, p.billed_pd - t.paid_before_pd)) as paid_pd
    from turns_after_others as t
    inner join pools as p on t.pool_number = p.pool_number
),

paid_in_full as (
    select
        c.pool_number,
        c.claimant,
        c.claim_pd as amount_pd,
        case when c.is_modelled then c.claim_pd else 0 end as modelled_pd
    from paid_turns as t
    inner join claims as c
        on
            t.pool_number = c.pool_number
            and t.payment_order = c.payment_order
    where
        t.paid_pd = t.claim_pd
        and (c.claim_pd > 0 or t.billed_pd = 0)
),

-- A portion is an amount of a pool that is shared out by weights: portion_pd × weight ÷ total_weight, in two steps, so
-- that the product stays within 128 bits.
portions as (
    select
        pool_number,
        payment_order as portion,
        paid_pd as portion_pd,
        claim_pd as total_weight
    from paid_turns
    where
        paid_pd < claim_pd
        and (paid_pd > 0 or billed_pd = 0)
    union all by name
    select
        pool_number,
        case when is_shared_by_time then 100 else 101 end as portion,
        shared_pd as portion_pd,
        case when is_shared_by_time then time_us else functions_pd end as total_weight
    from shared_remainders
    where
        total_weight > 0
        and (left_pd > 0 or (is_shared_by_time and billed_pd = 0))
),

divided_portions as materialized (
    select
        *,
        row_number() over ()::integer as portion_number,
        portion_pd // total_weight as whole_pd,
        portion_pd % total_weight as rest_pd
    from portions
),

weights as (
    select
        c.pool_number,
        c.payment_order as portion,
        c.claimant,
        c.is_modelled,
        c.claim_pd as weight
    from claims as c
    where not c.stands_alone
    union all by name
    select
        r.pool_number,
        100 as portion,
        c.claimant,
        r.is_one_claimant and c.is_modelled as is_modelled,
        case when r.has_unknown_requests then c.shared_us else c.container_us end as weight
    from remainders as r
    inner join claims as c on r.pool_number = c.pool_number
    where r.is_shared_by_time
    union all by name
    select
        pool_number,
        101 as portion,
        claimant - claimant % 100 + enum_code('unexplained'::meta.component) as claimant,
        false as is_modelled,
        claim_pd as weight
    from claims
    where not is_rest
),

weights_together as (
    select
        p.portion_number,
        c.claimant,
        c.is_modelled,
        c.claim_pd as weight
    from claims as c
    inner join divided_portions as p
        on
            c.pool_number = p.pool_number
            and c.payment_order = p.portion
    where
        c.stands_alone
        and c.claim_pd > 0
    union all by name
    select
        p.portion_number,
        w.claimant,
        w.is_modelled,
        sum(w.weight)::hugeint as weight
    from weights as w
    inner join divided_portions as p
        on
            w.pool_number = p.pool_number
            and w.portion = p.portion
    group by all
    having sum(w.weight) > 0
),

floors as (
    select
        p.pool_number,
        p.portion_number,
        w.claimant,
        w.is_modelled,
        p.portion_pd,
        p.total_weight,
        p.rest_pd * w.weight as product,
        meta.quotient(product, p.total_weight) as quotient,
        p.whole_pd * w.weight + quotient as floor_pd,
        (quotient * p.total_weight - product) * 4294967296 + 2 * w.claimant + w.is_modelled::integer as rank_key
    from weights_together as w
    inner join divided_portions as p on w.portion_number = p.portion_number
),

-- One order for both, so that the rows of a portion are sorted once, and by one number: by the remainder, the greatest
-- first, then by claimant and by whether it is modelled.
ranked_floors as (
    select
        *,
        portion_pd - (
            sum(floor_pd) over (by_remainder rows between unbounded preceding and unbounded following)
        )::hugeint as missing_pd,
        row_number() over by_remainder as place
    from floors
    window
        by_remainder as (
            partition by portion_number
            order by rank_key
        )
),

shares as (
    select
        pool_number,
        claimant,
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
    union all by name
    select
        r.pool_number,
        f.claimant_number + enum_code(r.component) as claimant,
        r.amount_pd,
        0 as modelled_pd
    from rests as r
    inner join functions as f
        on
            r.function = f.function
            and r.phase = f.phase
),

attributed as (
    select
        pool_number,
        claimant,
        sum(amount_pd)::hugeint as amount_pd,
        sum(modelled_pd)::hugeint as modelled_pd
    from parts
    group by all
)

select
    p.hour,  -- start of the billed interval, UTC
    a.pool_number,  -- names the pool, see spend.pools
    f.claimant_key,  -- who caused it, see spend.claimants
    enum_range(null::meta.component)[a.claimant % 100 + 1]::meta.component as component,  -- see catalog.components
    p.direction * a.amount_pd as amount_pd,  -- exact, in picodollars (1e-12 $)
    -- the rest of it was shared, or is what only the bill shows
    p.direction * a.modelled_pd as modelled_pd  -- paid by own claims, in picodollars
from attributed as a
inner join pools as p on a.pool_number = p.pool_number
inner join functions as f on a.claimant - a.claimant % 100 = f.claimant_number
