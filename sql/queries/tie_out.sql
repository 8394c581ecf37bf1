/*
Is every billed cent attributed, to the last digit? Pools, pools that are off, and the difference: by environment and in
total. The remainder is what the bill prints beyond 12 decimals.
*/
with

amounts as (
    select
        environment,
        resolution,
        billed_usd,
        attributed_usd,
        difference_usd
    from reconciliation.pools
    union all by name
    select
        environment,
        resolution,
        remainder_usd
    from reconciliation.remainders
)

select
    coalesce(environment, 'all environments') as environment,
    case resolution
        when 'h' then 'hourly'
        when 'd' then 'daily'
        else 'all'
    end as resolution,
    count(billed_usd) as pools,
    count(*) filter (where difference_usd != 0) as pools_off,
    coalesce(sum(billed_usd), 0) as billed_usd,
    coalesce(sum(attributed_usd), 0) as attributed_usd,
    coalesce(sum(difference_usd), 0) as difference_usd,
    coalesce(sum(remainder_usd), 0) as remainder_usd
from amounts
group by grouping sets ((environment, resolution), ())
order by grouping(environment), environment, resolution
