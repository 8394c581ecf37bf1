/*
Every server of every app. Servers answer requests and have no call log; they claim like functions, under a name of their own.

Which servers there are, `app info` says and `server info` as well. What they are deployed with stands in
staging.configurations.

key: environment, app, server
*/
with

named as (
    select
        d.environment,
        d.app,
        i.name as server,
        i.object_id,
        i.app_id,
        d.as_of,
        d.sha256
    from raw.app_info as i
    inner join staging.deliveries as d on i.file_id = d.file_id
    where i.kind = 'server'
    union all by name
    select
        d.environment,
        d.app,
        f.server,
        i.object_id,
        i.app_id,
        d.as_of,
        d.sha256
    from raw.server_info as i
    inner join raw.files as f on i.file_id = f.file_id
    inner join staging.deliveries as d on i.file_id = d.file_id
)

select
    environment,  -- Modal environment
    app,  -- the app's name
    server,  -- the server's name
    '__server__/' || server as function,  -- its name beside functions, wherever money is attributed
    arg_max(object_id, (as_of, sha256)) as object_id,  -- Modal's id of the server
    arg_max(app_id, (as_of, sha256)) as app_id  -- Modal's id of the app
from named
group by all
