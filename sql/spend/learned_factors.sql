/*
What the bill says of the time and use that nothing shows: how much of the scaledown window idle containers lived, how many
CPUs and how much memory a function uses beyond its request.

Over the hours of a window, here those that are built together, each pool was billed for what is known plus factor × what
is inferred. The factors are at least zero and stay near the rule where the bill does not tell. They are used where what
they leave open of a resource, hour by hour, is little.

learned from: spend.pools, spend.placed_time, spend.observed_time, staging.configurations, staging.prices
key: environment, object_id, window_start, function, factor
partition: window_start
*/
select
    environment,  -- Modal environment
    object_id,  -- Modal app that was billed
    app,  -- its name
    window_start,  -- first interval that it was learned from, UTC
    function,  -- whose factor
    -- tail, waiting, failed and startup multiply the time that they are called after; cpu and memory are a use beyond the request
    factor,  -- tail, waiting, failed, series, startup, cpu, memory
    value,  -- share of that time that was there; cores; GiB
    standard_error,  -- of value, in its unit
    rule,  -- what holds without it
    hours,  -- intervals of the bill that it was learned from
    misfit,  -- what the factors of the app leave open of the pools that they explain, interval by interval
    resources,  -- the pools that they explain; in others something else costs, such as a sandbox
    is_used  -- attribution follows it; else it leaves too much open, or says no more than the rule
from learned_factors_of_the_bill
