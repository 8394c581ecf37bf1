/*
What the functions did: calls, failures and container time by day, app, function and rollout phase.

materialized: view
key: day, environment, app, function, phase
partition: day
*/
select
    day::date as day,  -- UTC; a call counts on the day on which it ended, or was enqueued if it never started
    strftime(day, '%G-W%V') as week,  -- ISO week of the day, 2026-W46
    environment,  -- Modal environment
    app,  -- the app's name
    function,  -- the function
    phase,  -- rollout phase of the containers
    successful_calls,  -- inputs that ended in success, each once; a map of 1,000 inputs has 1,000
    function_calls,  -- distinct function calls that they belong to
    inputs,  -- inputs that ended, whatever came of them
    errors,  -- those that failed
    timeouts,  -- those that ran into the timeout
    oom_kills,  -- those killed or evicted for lack of memory
    (busy_us::decimal(28, 0) * 0.000001::decimal(6, 6))::decimal(38, 6) as busy_seconds,  -- container time with work
    (container_us::decimal(28, 0) * 0.000001::decimal(6, 6))::decimal(38, 6) as container_seconds,  -- all container time
    (p50_execution_us::decimal(28, 0) * 0.000001::decimal(6, 6))::decimal(38, 6) as p50_seconds,  -- median execution of a success
    (p95_execution_us::decimal(28, 0) * 0.000001::decimal(6, 6))::decimal(38, 6) as p95_seconds  -- its 95th percentile
from savings.daily_function
where
    inputs > 0
    or container_us > 0
