/*
What a successful call cost, by week, app, function and rollout phase. A call has one input here: a `.map`
over 1,000 inputs counts as 1,000 calls. Failures cost money and are no work: they make the
successful calls dearer.

materialized: view
key: week, environment, app, function, phase
partition: week_start
*/
with

weeks as (
    select
        date_trunc('week', day)::date as week_start,
        environment,
        app,
        function,
        phase,
        sum(cost_usd)::decimal(38, 12) as cost_usd,
        sum(successful_calls)::bigint as successful_calls,
        sum(container_us)::bigint as container_us,
        min(status) as status
    from savings.daily_function
    group by all
)

select
    week_start,  -- Monday of the week, UTC
    strftime(week_start, '%G-W%V') as week,  -- its ISO label, 2026-W46
    environment,  -- Modal environment
    app,  -- the app's or object's name on the bill
    function,  -- the function, or a residual in double underscores
    phase,  -- rollout phase of the containers
    cost_usd,  -- attributed cost, failures included
    successful_calls,  -- inputs that ended in success, each once; a map of 1,000 inputs has 1,000
    case
        when successful_calls > 0
            then ((cost_usd * 1000000000000)::hugeint // successful_calls)::decimal(38, 0) * 0.000000000001::decimal(12, 12)
    end as usd_per_call,  -- cost ÷ successful calls, cut off after 12 decimals; null without a call
    case
        when successful_calls > 0
            then (container_us // successful_calls)::decimal(28, 0) * 0.000001::decimal(6, 6)
    end as container_seconds_per_call,  -- container time ÷ successful calls; null without a call
    status  -- settled, restated or provisional, see spend_daily
from weeks
