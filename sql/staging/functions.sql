/*
The functions that call logs are of, by the key that stands for them in tables of many rows.

materialized: view
key: function_key
*/
select distinct
    meta.function_key(environment, app, function) as function_key,  -- stands for environment, app and function
    environment,  -- Modal environment
    app,  -- the app's name
    function  -- the function's name
from staging.deliveries
where source in ('function_calls', 'container_hours')
