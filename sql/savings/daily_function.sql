/*
Useful work and cost by function, phase and day: the series that every saving is measured on.

key: environment, function, phase, day
partition: day
*/
with

costs as (
    select
        environment,
        function,
        phase,
        date_trunc('day', hour) as day,
        sum(amount_usd) as cost_usd,
        min(status) as status
    from spend.hourly
    where
        hour >= $since
        and hour < $until
    group by all
),

inputs as (
    select
        c.environment,
        c.function,
        coalesce(k.phase, 'none') as phase,
        date_trunc('day', c.ended_at) as day,
        c.function_call_id,
        c.status
    from staging.function_calls as c
    left join usage.containers as k
        on
            c.environment = k.environment
            and c.app = k.app
            and c.function = k.function
            and c.container_key = k.container_key
    where
        c.started_at >= $since - interval 1 day
        and c.started_at < $until
        and c.ended_at >= $since
        and c.ended_at < $until
        and c.status not in ('pending', 'running')
),

calls as (
    select
        environment,
        function,
        phase,
        day,
        count(distinct case when status = 'success' then function_call_id end) as successful_calls,
        count(*) as inputs,
        count(*) filter (where status != 'success') as unsuccessful_inputs
    from inputs
    group by all
)

select
    environment,  -- Modal environment
    function,  -- the function, or a residual in double underscores
    phase,  -- rollout phase of the containers
    day,  -- UTC
    coalesce(n.successful_calls, 0) as successful_calls,  -- distinct function calls that ended in success on this day
    coalesce(n.inputs, 0) as inputs,  -- inputs that ended on this day
    coalesce(n.unsuccessful_inputs, 0) as unsuccessful_inputs,  -- those that did not end in success
    coalesce(c.cost_usd, 0) as cost_usd,  -- attributed cost of this day, failures included
    coalesce(c.status, 'settled') as status  -- settled or provisional
from costs as c
full outer join calls as n using (environment, function, phase, day)
