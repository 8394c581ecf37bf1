/*
Every claim on a pool in picodollars (1e-12 $), with the pool's names: `spend.pool_claims` and `spend.pools`.

materialized: view
key: environment, object_id, hour, resolution, resource, function, phase, configuration_from, component, evidence, payment_order
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
),

configurations as (
    select distinct
        configuration_key,
        configuration_from
    from usage.configurations
)

select
    p.environment,  -- Modal environment
    p.object_id,  -- Modal object that was billed
    p.app,  -- its name
    c.hour,  -- start of the billed interval, UTC
    c.pool_number,  -- names the pool, see spend.pools
    p.resolution,  -- h or d
    p.resource,  -- the pool's resource
    n.function,  -- who claims; __unexplained__ for what no function can have used
    n.phase,  -- rollout phase of the containers
    k.configuration_from,  -- names their configuration where a GPU is claimed, see staging.configurations
    c.component::varchar as component,  -- see catalog.components; unlogged or residual where only the bill shows it
    c.evidence::varchar as evidence,  -- see spend.container_time; stated by Modal of sandboxes; bill where only the bill shows it
    c.payment_order,  -- what is better known is paid first
    c.container_us,  -- container time that claims, microseconds
    c.claim_pd,  -- modelled cost in picodollars
    c.least_pd,  -- what of it was there at least
    c.most_pd,  -- what it may have been at most
    c.shared_us  -- container time that shares the remainder; 0 where the request is known
from spend.pool_claims as c
-- All claims have a pool and names. Outer joins say so, else the planner takes the many claims for few.
left join spend.pools as p
    on
        c.pool_number = p.pool_number
        and c.hour = p.hour
left join claimants as n on c.claimant_key = n.claimant_key
left join configurations as k on c.configuration_key = k.configuration_key
