/* What did a successful call cost, week by week, over all phases? */
select
    week,
    app,
    function,
    sum(successful_calls)::bigint as calls,
    sum(cost_usd) as cost_usd,
    case
        when sum(successful_calls) > 0
            then ((sum(cost_usd) * 1000000000)::hugeint // sum(successful_calls))::decimal(38, 0) * 0.000000001::decimal(9, 9)
    end as usd_per_call
from finance.unit_costs
group by all
order by function, app, week
