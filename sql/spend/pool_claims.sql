/*
Every claim on a pool, by the pool's number: of functions and servers by their container time, of sandboxes by what Modal
says that they cost, and of what only the bill shows. `spend.claims` has the names of the pools, too.

materialized: view
key: pool_number, claimant_key, configuration_key, component, evidence, payment_order
partition: hour
*/
with

servers as (
    select claimant_key
    from spend.claimants
    where starts_with(function, '__server__/')
),

-- Most of it is certain or not, and needs no division.
bounded_claims_of_gpus as not materialized (
    select
        interval_start as hour,
        pool_number,
        is_part,
        claimant_key,
        configuration_key,
        component,
        evidence,
        payment_order,
        claimed_us as container_us,
        claim_pd,
        case least_ppm
            when 0 then 0
            when 1000000 then claim_pd
            else meta.quotient(claim_pd * least_ppm, 1000000)
        end as least_pd,
        case most_ppm when 1000000 then claim_pd else meta.quotient(claim_pd * most_ppm, 1000000) end as most_pd
    from spend.gpu_claims
),

-- As all claims: in a day a function holds a GPU in several hours, and what servers do is direct.
claims_of_gpus as (
    select * exclude (is_part)
    from bounded_claims_of_gpus
    where not is_part
    union all by name
    select
        hour,
        pool_number,
        claimant_key,
        configuration_key,
        case
            when claimant_key in (select s.claimant_key from servers as s) then 'direct'::meta.component
            else component
        end as component,
        evidence,
        payment_order,
        sum(container_us)::bigint as container_us,
        sum(claim_pd)::hugeint as claim_pd,
        sum(least_pd)::hugeint as least_pd,
        sum(most_pd)::hugeint as most_pd
    from bounded_claims_of_gpus
    where is_part
    group by all
),

all_claims as (
    select
        *,
        0 as shared_us
    from claims_of_gpus
    union all by name
    select *
    from spend.function_claims
    union all by name
    select
        *,
        0 as container_us,
        claim_pd as least_pd,
        claim_pd as most_pd,
        0 as shared_us
    from spend.sandbox_claims
    union all by name
    select *
    from spend.bill_claims
)

select
    hour,  -- start of the billed interval, UTC
    pool_number,  -- names the pool, see spend.pools
    claimant_key,  -- who claims, see spend.claimants
    configuration_key,  -- whose containers, where a GPU is claimed, see usage.configurations
    component,  -- see catalog.components; unlogged or residual where only the bill shows it
    evidence,  -- see spend.container_time; stated by Modal of sandboxes; bill where only the bill shows it
    payment_order,  -- what is better known is paid first
    container_us,  -- container time that claims, microseconds
    claim_pd,  -- modelled cost in picodollars
    least_pd,  -- what of it was there at least
    most_pd,  -- what it may have been at most
    shared_us  -- container time that shares the remainder; 0 where the request is known
from all_claims
