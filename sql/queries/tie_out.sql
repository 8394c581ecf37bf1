/* Is every billed cent attributed? Pools, pools that are off, and the difference: by environment and in total. */
select
    coalesce(environment, 'all environments') as environment,
    case resolution
        when 'h' then 'hourly'
        when 'd' then 'daily'
        else 'all'
    end as resolution,
    count(*) as pools,
    count(*) filter (where difference_usd != 0) as pools_off,
    coalesce(sum(billed_usd), 0) as billed_usd,
    coalesce(sum(attributed_usd), 0) as attributed_usd,
    coalesce(sum(difference_usd), 0) as difference_usd
from reconciliation.pools
group by grouping sets ((environment, resolution), ())
order by grouping(environment), environment, resolution
