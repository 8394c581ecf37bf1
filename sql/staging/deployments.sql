/*
Deployments of every app in the order of time.

key: environment, app, version
*/
with

histories as (
    select
        d.environment,
        d.app,
        h.version,
        h.deployed_at,
        h.commit_hash,
        d.as_of,
        d.fetched_at,
        d.sha256
    from raw.app_history as h
    inner join staging.deliveries as d on h.file_id = d.file_id
    where h.deployed_at is not null
)

select
    environment,  -- Modal environment
    app,  -- the app's name
    version,  -- v1, v2 …
    deployed_at,  -- UTC
    commit_hash  -- what was deployed; a trailing * means uncommitted changes
from histories
qualify row_number() over (
    partition by environment, app, version
    order by as_of desc, fetched_at desc, sha256 desc
) = 1
