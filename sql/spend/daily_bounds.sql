/*
What each function cost on a day, and between which bounds: with what is inferred at its least and at its most.

At least a function pays what is seen of it, and what of a pool nobody else can have caused. At most it pays all that its
log and settings allow, what may stay unexplained of it and the rest of the pool that is nobody's, as far as others do not
have to pay for what is seen of them. Both lie within the pools: the bill lies between the sums.

Where factors were learned from the bill and are used, the bounds are those of the factors, value ± 1.645 standard errors,
and what they leave open of the bill. They hold for a day, not for each of its hours.

key: day, environment, app, function
partition: day
*/
with

costs as (
    select
        environment,
        object_id,
        app,
        hour,
        resolution,
        resource,
        function,
        abs(sum(amount_usd)) as amount_usd,
        coalesce(abs(sum(amount_usd) filter (where component = 'residual')), 0) as residual_usd
    from spend.hourly
    where
        hour >= $since
        and hour < $until
    group by all
),

limits as (
    select unexplained_percent
    from catalog.settings
),

claims as (
    select
        environment,
        object_id,
        hour,
        resolution,
        resource,
        function,
        coalesce(sum(claim_pd) filter (where evidence in ('seen', 'series')), 0)::decimal(38, 0)
        * 0.000000000001::decimal(12, 12) as seen_usd,
        (sum(claim_pd) * (100 + any_value(l.unexplained_percent)) // 100)::decimal(38, 0)
        * 0.000000000001::decimal(12, 12) as most_usd,
        sum(least_pd)::decimal(38, 0) * 0.000000000001::decimal(12, 12) as least_usd,
        sum(most_pd)::decimal(38, 0) * 0.000000000001::decimal(12, 12) as learned_most_usd,
        coalesce(bool_or(evidence = 'series'), false) as is_observed,
        sum(shared_us) > 0 as is_shared_by_time
    from spend.claims
    cross join limits as l
    where
        hour >= $since
        and hour < $until
        and component != 'residual'
    group by all
),

learned_resources as (
    select
        environment,
        object_id,
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
        resource,
        max(misfit) as misfit
    from learned_resources
    group by all
),

chosen_pools as (
    select distinct
        environment,
        object_id,
        interval_start as hour,
        resolution,
        resource
    from spend.gpu_choices
    where
        interval_start >= $since
        and interval_start < $until
        and share_ppm between 1 and 999999
),

compared as (
    select
        c.*,
        k.most_usd,
        k.least_usd,
        k.learned_most_usd,
        case when k.is_observed then 0 else c.amount_usd * a.misfit end::decimal(38, 12) as open_usd,
        a.object_id is not null
        and o.object_id is null
        and not p.is_other_gpu
        and p.kind in ('gpu', 'cpu', 'memory')
        and p.resolution = 'h' as is_learned,
        coalesce(k.is_shared_by_time, false) as is_shared_by_time,
        case when p.billed_usd < 0 then -1 else 1 end as direction,
        abs(p.billed_usd) as billed_usd,
        -- where the bill does not cover what is seen, its share of the bill
        least(coalesce(k.seen_usd, 0), c.amount_usd) as seen_usd
    from costs as c
    inner join spend.pools as p using (environment, object_id, hour, resolution, resource)
    left join claims as k using (environment, object_id, hour, resolution, resource, function)
    left join chosen_pools as o using (environment, object_id, hour, resolution, resource)
    left join learned_pools as a
        on
            c.environment = a.environment
            and c.object_id = a.object_id
            and c.resource = a.resource
),

with_the_pool as (
    select
        *,
        sum(seen_usd) over the_pool as pool_seen_usd,
        sum(residual_usd) over the_pool as pool_residual_usd
    from compared
    window the_pool as (partition by environment, object_id, hour, resolution, resource)
),

with_most as (
    select
        *,
        case when is_learned then coalesce(learned_most_usd, amount_usd) + open_usd else greatest(
            amount_usd,
            case
                when most_usd is null and pool_seen_usd > 0 then billed_usd - pool_seen_usd
                when most_usd is null then amount_usd
                when is_shared_by_time then billed_usd - (pool_seen_usd - seen_usd)
                else least(billed_usd - (pool_seen_usd - seen_usd), most_usd + pool_residual_usd)
            end
        ) end as high_usd
    from with_the_pool
),

with_least as (
    select
        *,
        case when is_learned then greatest(0, coalesce(least_usd, 0) - open_usd) else least(
            amount_usd,
            greatest(
                seen_usd,
                billed_usd - (
                    sum(high_usd) over (partition by environment, object_id, hour, resolution, resource) - high_usd
                )
            )
        ) end as low_usd
    from with_most
),

days as (
    select
        date_trunc('day', hour) as day,
        environment,
        app,
        function,
        sum(direction * amount_usd) as amount_usd,
        sum(case when direction < 0 then -high_usd else low_usd end) as low_usd,
        sum(case when direction < 0 then -low_usd else high_usd end) as high_usd
    from with_least
    group by all
)

select
    day,  -- UTC
    environment,  -- Modal environment
    app,  -- the app's name
    function,  -- who caused it; names in double underscores are residuals
    amount_usd::decimal(38, 12) as amount_usd,  -- attributed, exact
    least(amount_usd, low_usd)::decimal(38, 12) as low_usd,  -- at least
    greatest(amount_usd, high_usd)::decimal(38, 12) as high_usd  -- at most
from days
