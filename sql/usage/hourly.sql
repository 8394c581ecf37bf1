/*
Container time by function and hour, what it was for and how well it is known, in microseconds: `usage.hours` with names.

materialized: view
key: environment, app, app_id, function, configuration_from, hour, component, evidence
partition: hour
*/
select
    n.environment,  -- Modal environment
    n.app,  -- the app's name
    h.app_id,  -- the app's id, where the app list leaves no doubt
    n.function,  -- the function's name
    n.configuration_from,  -- names the configuration, see staging.configurations
    n.phase,  -- rollout phase of that configuration
    h.hour,  -- start of the hour, UTC
    h.component::varchar as component,  -- what it was for, see catalog.components
    h.evidence::varchar as evidence,  -- seen, settings, window, usual, limit, beyond or wait
    h.container_us,  -- container time in microseconds; for limit, beyond and wait at most
    h.containers  -- containers of the log alive in this hour
from usage.hours as h
-- A phase is that of the week's own build. An outer join says that all have names, else the planner takes the many hours
-- for few.
left join usage.configurations as n
    on
        h.configuration_key = n.configuration_key
        and date_trunc('week', h.hour) = n.window_start
