/*
What each function cost on a day, and between which bounds: with what is inferred at its least and at its most.

At least a function pays what is seen of it, and what of a pool nobody else can have caused. At most it pays all that its
log and settings allow, what may stay unexplained of it and the rest of the pool that is nobody's, as far as others do not
have to pay for what is seen of them. Both lie within the pools: the bill lies between the sums.

Where factors were learned from the bill and are used, the bounds are those of the factors, value ± 1.645 standard errors,
and what they leave open of the bill. These bounds, and those of what samples show, hold for the pools of a day together, not for
each of its hours.

key: day, environment, app, function
partition: day
weeks at once: 5
*/
with

learned_resources as (
    select
        environment,
        object_id,
        window_start,
        unnest(resources) as resource,
        misfit
    from spend.learned_factors
    where
        is_used
        and window_start >= $since
        and window_start < $until
),

learned_pools as (
    select
        environment,
        object_id,
        window_start,
        resource,
        max(misfit) as misfit
    from learned_resources
    group by all
),

chosen_pools as (
    select distinct pool_number
    from spend.gpu_choices
    where
        interval_start >= $since
        and interval_start < $until
        and share_ppm between 1 and 999999
),

-- Pools that series show something of, whose samples say little of an hour and much of a day.
sampled_intervals as (
    select distinct interval_number
    from spend.container_time
    where
        interval_start >= $since
        and interval_start < $until
        and evidence = 'series'
),

-- Told by membership, not by joins, which would let the planner take the few pools for more than the many claims.
told_apart as (
    select
        *,
        time_bucket(interval 7 day, hour, $since::timestamp) as window_start,
        (environment, object_id, resource, window_start) in (
            select
                l.environment,
                l.object_id,
                l.resource,
                l.window_start
            from learned_pools as l
        ) as is_explained,
        pool_number in (select o.pool_number from chosen_pools as o) as is_chosen,
        interval_number in (select s.interval_number from sampled_intervals as s) as is_sampled
    from spend.pools
    where
        hour >= $since
        and hour < $until
),

bounded_pools as (
    select
        p.pool_number,
        p.environment,
        p.object_id,
        p.app,
        p.hour,
        p.resolution,
        p.resource,
        p.window_start,
        p.kind,
        p.is_explained
        and not p.is_chosen
        and not p.is_other_gpu
        and p.kind in ('gpu', 'cpu', 'memory')
        and p.resolution = 'h' as is_learned,
        case when p.billed_usd < 0 then -1 else 1 end as direction,
        (abs(p.billed_usd) * 1000000000000)::hugeint as billed_pd,
        is_learned or p.is_sampled as is_bounded_by_day,
        case when is_bounded_by_day then date_trunc('day', p.hour) else p.hour end as since
    from told_apart as p
),

-- From here on the pools that are bounded together are one number.
pools as materialized (
    select
        *,
        dense_rank() over (
            order by environment, object_id, resource, resolution, direction, is_learned, is_bounded_by_day, since
        )::integer as bill_number
    from bounded_pools
),

summed_bills as (
    select
        bill_number,
        any_value(kind) as kind,
        any_value(app) as app,
        any_value(environment) as environment,
        any_value(object_id) as object_id,
        any_value(resource) as resource,
        any_value(window_start) as window_start,
        any_value(is_learned) as is_learned,
        any_value(direction) as direction,
        min(hour) as hour,
        sum(billed_pd)::hugeint as billed_pd
    from pools
    group by all
),

bills as (
    select
        b.* exclude (object_id, resource, window_start),
        l.misfit
    from summed_bills as b
    left join learned_pools as l
        on
            b.environment = l.environment
            and b.object_id = l.object_id
            and b.resource = l.resource
            and b.window_start = l.window_start
),

-- So are functions; one of several phases has a number.
functions as materialized (
    select
        *,
        dense_rank() over (order by function)::integer as function_number
    from (
        select distinct
            claimant_key,
            function
        from spend.claimants
        where
            window_start >= $since
            and window_start < $until
    ) as c
),

names as (
    select distinct
        function_number,
        function
    from functions
),

costs as (
    select
        p.bill_number,
        f.function_number,
        abs(sum(h.amount_pd))::hugeint as amount_pd,
        coalesce(abs(sum(h.amount_pd) filter (where h.component = 'residual')), 0)::hugeint as residual_pd
    from spend.attributed as h
    inner join pools as p on h.pool_number = p.pool_number
    inner join functions as f on h.claimant_key = f.claimant_key
    where
        h.hour >= $since
        and h.hour < $until
    group by all
),

limits as (
    select unexplained_percent
    from catalog.settings
),

claims as not materialized (
    select
        p.bill_number,
        p.is_learned,
        f.function_number,
        c.claim_pd,
        c.least_pd,
        c.most_pd,
        -- of what samples show, that much was there in any case
        case
            when c.evidence = 'series' then c.least_pd
            when c.evidence in ('seen', 'stated') then c.claim_pd
            else 0
        end as seen_pd,
        c.evidence = 'series' as is_observed,
        c.shared_us > 0 as is_shared_by_time
    from spend.pool_claims as c
    inner join pools as p on c.pool_number = p.pool_number
    inner join functions as f on c.claimant_key = f.claimant_key
    where
        c.hour >= $since
        and c.hour < $until
        and c.component != 'residual'
),

-- Each kind of pool has sums of its own, so that none is summed up in vain.
summed_claims as (
    select
        bill_number,
        function_number,
        sum(seen_pd)::hugeint as seen_pd,
        meta.quotient(
            sum(case when is_observed then greatest(claim_pd, most_pd) else claim_pd end)
            * (100 + (select l.unexplained_percent from limits as l)),
            100
        ) as most_pd,
        bool_or(is_observed) as is_observed,
        bool_or(is_shared_by_time) as is_shared_by_time
    from claims
    where not is_learned
    group by all
    union all by name
    select
        bill_number,
        function_number,
        sum(seen_pd)::hugeint as seen_pd,
        sum(least_pd)::hugeint as least_pd,
        sum(most_pd)::hugeint as learned_most_pd,
        bool_or(is_observed) as is_observed
    from claims
    where is_learned
    group by all
),

compared as materialized (
    select
        c.*,
        p.hour,
        p.environment,
        p.app,
        p.is_learned,
        p.direction,
        p.billed_pd,
        k.most_pd,
        k.least_pd,
        k.learned_most_pd,
        case
            when k.is_observed and p.kind = 'gpu' then 0
            else (c.amount_pd::decimal(38, 0) * p.misfit)::hugeint
        end as open_pd,
        coalesce(k.is_shared_by_time, false) as is_shared_by_time,
        -- where the bill does not cover what is seen, its share of the bill
        least(coalesce(k.seen_pd, 0), c.amount_pd) as seen_pd
    from costs as c
    inner join bills as p on c.bill_number = p.bill_number
    left join summed_claims as k
        on
            c.bill_number = k.bill_number
            and c.function_number = k.function_number
),

seen_of_pools as (
    select
        bill_number,
        sum(seen_pd) as pool_seen_pd,
        sum(residual_pd) as pool_residual_pd
    from compared
    group by all
),

with_most as materialized (
    select
        c.*,
        case when c.is_learned then greatest(
            c.amount_pd,
            least(
                coalesce(c.learned_most_pd, c.amount_pd) + c.open_pd,
                c.billed_pd - (s.pool_seen_pd - c.seen_pd)
            )
        ) else greatest(
            c.amount_pd,
            case
                when c.most_pd is null and s.pool_seen_pd > 0 then c.billed_pd - s.pool_seen_pd
                when c.most_pd is null then c.amount_pd
                when c.is_shared_by_time then c.billed_pd - (s.pool_seen_pd - c.seen_pd)
                else least(c.billed_pd - (s.pool_seen_pd - c.seen_pd), c.most_pd + s.pool_residual_pd)
            end
        ) end as high_pd
    from compared as c
    inner join seen_of_pools as s on c.bill_number = s.bill_number
),

most_of_pools as (
    select
        bill_number,
        sum(high_pd) as pool_high_pd
    from with_most
    group by all
),

with_least as (
    select
        m.*,
        case when m.is_learned then greatest(0, coalesce(m.least_pd, 0) - m.open_pd) else least(
            m.amount_pd,
            greatest(m.seen_pd, m.billed_pd - (p.pool_high_pd - m.high_pd))
        ) end as low_pd
    from with_most as m
    inner join most_of_pools as p on m.bill_number = p.bill_number
),

days as (
    select
        date_trunc('day', w.hour) as day,
        w.environment,
        w.app,
        n.function,
        sum(direction * amount_pd) as amount_pd,
        sum(case when direction < 0 then -high_pd else low_pd end) as low_pd,
        sum(case when direction < 0 then -low_pd else high_pd end) as high_pd
    from with_least as w
    inner join names as n on w.function_number = n.function_number
    group by all
)

select
    day,  -- UTC
    environment,  -- Modal environment
    app,  -- the app's name
    function,  -- who caused it; names in double underscores are residuals
    amount_pd::decimal(38, 0) * 0.000000000001::decimal(12, 12) as amount_usd,  -- attributed, exact
    least(amount_pd, low_pd)::decimal(38, 0) * 0.000000000001::decimal(12, 12) as low_usd,  -- at least
    greatest(amount_pd, high_pd)::decimal(38, 0) * 0.000000000001::decimal(12, 12) as high_usd  -- at most
from days
