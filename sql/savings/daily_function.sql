/*
Work, quality and cost by app, function, rollout phase and day: the series that every saving, guardrail and bridge is made
of. The unit of work is the input: a call with one input is one, a `.map` over 1,000 inputs is 1,000.

key: environment, app, function, phase, day
partition: day
*/
with

costs as (
    select
        s.environment,
        s.app,
        s.function,
        s.phase,
        date_trunc('day', s.hour) as day,
        sum(s.amount_usd) as cost_usd,
        coalesce(sum(s.amount_usd) filter (where r.kind = 'gpu'), 0) as gpu_usd,
        coalesce(sum(s.amount_usd) filter (where r.kind = 'cpu'), 0) as cpu_usd,
        coalesce(sum(s.amount_usd) filter (where r.kind = 'memory'), 0) as memory_usd,
        min(s.status) as status
    from spend.hourly as s
    left join catalog.resources as r on s.resource = r.resource
    where
        s.hour >= $since
        and s.hour < $until
    group by all
),

container_time as (
    select
        environment,
        app,
        function,
        phase,
        date_trunc('day', hour) as day,
        sum(container_us)::bigint as container_us,
        coalesce(sum(container_us) filter (where component = 'execution'), 0)::bigint as busy_us
    from usage.hourly
    where
        hour >= $since
        and hour < $until
        and evidence in ('seen', 'settings', 'window', 'usual')
    group by all
),

open_statuses as (
    select status
    from catalog.call_statuses
    where not is_final
),

ended_inputs as (
    select
        c.environment,
        c.app,
        c.function,
        coalesce(n.phase, 'none') as phase,
        date_trunc('day', c.ended_at) as day,
        c.function_call_id,
        c.status,
        c.execution_us
    from staging.function_calls as c
    left join usage.containers as k on c.container_key = k.container_key
    left join usage.configurations as n
        on
            k.configuration_key = n.configuration_key
            and date_trunc('week', c.ended_at) = n.window_start
    where
        c.started_at >= $since - interval 1 day
        and c.started_at < $until
        and c.ended_at >= $since
        and c.ended_at < $until
        and c.status not in (select s.status from open_statuses as s)
),

-- Of an input that never started, such as one whose container failed to come up, the log has no other time.
never_started as (
    select
        c.environment,
        c.app,
        c.function,
        date_trunc('day', c.enqueued_at) as day,
        coalesce(t.created_at, c.enqueued_at) as configured_at,
        c.function_call_id,
        c.status,
        c.execution_us
    from staging.function_calls as c
    left join raw.containers as t on c.container_key = t.container_key
    where
        c.started_at is null
        and c.enqueued_at >= $since
        and c.enqueued_at < $until
        and c.status not in (select s.status from open_statuses as s)
),

inputs as (
    select *
    from ended_inputs
    union all by name
    select
        n.environment,
        n.app,
        n.function,
        coalesce(k.phase, 'none') as phase,
        n.day,
        n.function_call_id,
        n.status,
        n.execution_us
    from never_started as n
    asof left join staging.configurations as k
        on
            n.environment = k.environment
            and n.app = k.app
            and n.function = k.function
            and n.configured_at >= k.valid_from
),

calls as (
    select
        i.environment,
        i.app,
        i.function,
        i.phase,
        i.day,
        count(*) filter (where s.outcome = 'success') as successful_calls,
        count(distinct case when s.outcome = 'success' then i.function_call_id end) as function_calls,
        count(*) as inputs,
        count(*) filter (where s.outcome = 'error') as errors,
        count(*) filter (where s.outcome = 'timeout') as timeouts,
        count(*) filter (where s.outcome = 'oom_kill') as oom_kills,
        quantile_disc(i.execution_us, 0.5) filter (where s.outcome = 'success') as p50_execution_us,
        quantile_disc(i.execution_us, 0.95) filter (where s.outcome = 'success') as p95_execution_us
    from inputs as i
    left join catalog.call_statuses as s on i.status = s.status
    group by all
),

days as (
    select
        environment,
        app,
        function,
        phase,
        day,
        c.cost_usd,
        c.gpu_usd,
        c.cpu_usd,
        c.memory_usd,
        c.status,
        t.container_us,
        t.busy_us,
        n.successful_calls,
        n.function_calls,
        n.inputs,
        n.errors,
        n.timeouts,
        n.oom_kills,
        n.p50_execution_us,
        n.p95_execution_us
    from costs as c
    full outer join container_time as t using (environment, app, function, phase, day)
    full outer join calls as n using (environment, app, function, phase, day)
)

select
    environment,  -- Modal environment
    app,  -- the app's or object's name on the bill
    function,  -- the function, or a residual in double underscores
    phase,  -- rollout phase of the containers
    day,  -- UTC
    coalesce(successful_calls, 0) as successful_calls,  -- inputs that ended in success on this day, each once; a map has many
    coalesce(function_calls, 0) as function_calls,  -- distinct function calls that they belong to
    coalesce(inputs, 0) as inputs,  -- inputs that ended on this day; one that never started, on the day it was enqueued
    coalesce(errors, 0) as errors,  -- those that failed
    coalesce(timeouts, 0) as timeouts,  -- those that ran into the timeout
    coalesce(oom_kills, 0) as oom_kills,  -- those killed or evicted for lack of memory
    p50_execution_us,  -- median execution of successful inputs, microseconds; null without any
    p95_execution_us,  -- their 95th percentile, microseconds
    coalesce(busy_us, 0) as busy_us,  -- container time with at least one input, microseconds
    coalesce(container_us, 0) as container_us,  -- container time, microseconds
    coalesce(cost_usd, 0) as cost_usd,  -- attributed cost of this day, failures included
    coalesce(gpu_usd, 0) as gpu_usd,  -- what of it is for GPUs
    coalesce(cpu_usd, 0) as cpu_usd,  -- what of it is for CPU
    coalesce(memory_usd, 0) as memory_usd,  -- what of it is for memory
    coalesce(status, 'settled') as status  -- provisional, restated or settled: the first that any of its cost is
from days
