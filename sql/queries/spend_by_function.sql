/* What did each function of an app cost, in which rollout phase, and what does a successful call cost? */
select
    app,
    function,
    phase,
    sum(cost_usd) as cost_usd,
    sum(successful_calls)::bigint as calls,
    case
        when sum(successful_calls) > 0
            then ((sum(cost_usd) * 1000000000)::hugeint // sum(successful_calls))::decimal(38, 0) * 0.000000001::decimal(9, 9)
    end as usd_per_call
from finance.unit_costs
group by all
order by cost_usd desc, app asc, function asc, phase asc
