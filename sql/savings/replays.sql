/*
The work of every function of the programme on the containers of its baseline: container time by day as it would have been
under the old configuration, for the baseline days and the measured days of each week. A day whose content hash is known
is not replayed again.

key: week_start, function, day
partition: week_start
measured from: savings.daily_function, staging.function_calls, staging.configurations, staging.billing_intervals
*/
select
    week_start,  -- Monday of the reporting week, UTC
    week,  -- its ISO label
    app,  -- the app of the baseline
    function,  -- the function
    day,  -- UTC day, of the baseline or measured
    is_baseline,  -- the day belongs to the baseline
    inputs,  -- inputs that arrived on it, under all configurations
    startup_us,  -- replayed microseconds of start-up
    execution_us,  -- with at least one input
    idle_us,  -- the gaps between inputs, and the tail after the last
    warm_us,  -- of containers that took no input
    variance_us2,  -- an estimate, in square microseconds, where a sample of the hours was replayed; 0 where all were
    content_hash  -- sha256 of arrivals, configuration and what the baseline has seen
from measured_replays
where
    week_start >= $since
    and week_start < $until
