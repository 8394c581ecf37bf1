/* What did each function of an app cost, in which rollout phase, and what does a successful call cost? */
with

costs as (
    select
        environment,
        app,
        function,
        phase,
        sum(amount_usd)::decimal(18, 2) as cost_usd,
        sum(exact_usd) as exact_usd
    from finance.spend_weekly_cents
    group by all
),

calls as (
    select
        environment,
        app,
        function,
        phase,
        sum(successful_calls)::bigint as calls
    from finance.unit_costs
    group by all
)

select
    environment,
    app,
    function,
    phase,
    cost_usd,
    coalesce(calls, 0) as calls,
    case
        when calls > 0 then ((exact_usd * 1000000000)::hugeint // calls)::decimal(38, 0) * 0.000000001::decimal(9, 9)
    end as usd_per_call
from costs
left join calls using (environment, app, function, phase)
order by cost_usd desc, app asc, function asc, phase asc, environment asc
