/*
Every app id that Modal listed, with its name and lifetime, from the latest list that names it.

key: app_id
*/
select
    l.app_id,  -- Modal app id
    d.environment,  -- Modal environment
    l.description as app,  -- the app's name
    l.state,  -- deployed, stopped, ephemeral …
    l.created_at,  -- UTC
    l.stopped_at  -- UTC; null while it runs
from raw.app_list as l
inner join staging.deliveries as d on l.file_id = d.file_id
qualify row_number() over (
    partition by l.app_id
    order by d.as_of desc, d.fetched_at desc, d.sha256 desc
) = 1
