/*
Every billed amount attributed to functions, rollout phases and components, to the last digit: `spend.attributed` with the
names of pools and claimants.

materialized: view
key: environment, object_id, hour, resolution, resource, function, phase, component
partition: hour
*/
with

-- What a key stands for is the same in every week.
claimants as (
    select distinct
        claimant_key,
        function,
        phase
    from spend.claimants
)

select
    p.environment,  -- Modal environment
    p.object_id,  -- Modal object that was billed
    p.app,  -- its name
    a.hour,  -- start of the billed interval, UTC
    p.resolution,  -- h or d
    p.resource,  -- catalog name or the bill's label; rounding; all (not broken down)
    c.function,  -- who caused it; names in double underscores are residuals
    c.phase,  -- rollout phase of the containers; none outside the programme
    a.component::varchar as component,  -- what it was for, see catalog.components
    a.amount_pd::decimal(38, 0) * 0.000000000001::decimal(12, 12) as amount_usd,  -- exact
    -- the rest of it was shared, or is what only the bill shows
    a.modelled_pd::decimal(38, 0) * 0.000000000001::decimal(12, 12) as modelled_usd,  -- paid by own claims
    p.status,  -- settled, provisional or restated
    a.pool_number  -- names the pool, see spend.pools
from spend.attributed as a
-- All have a pool and names. Outer joins say so, else the planner takes the many amounts for few.
left join spend.pools as p
    on
        a.pool_number = p.pool_number
        and a.hour = p.hour
left join claimants as c on a.claimant_key = c.claimant_key
