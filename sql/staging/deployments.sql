/*
Deployments of every app in the order of time.

A history tells everything since the first deployment that it names; what is older stays as earlier histories told it: an
app that was deleted and deployed again under its name begins anew, with a history of its own.

key: environment, app, deployed_at, version
*/
with

-- Of two histories that show the same moment, such as a file by hand and its correction, the one read last holds.
histories as (
    select
        environment,
        app,
        file_id,
        as_of
    from staging.deliveries
    where source = 'app_history'
    qualify row_number() over (
        partition by environment, app, as_of
        order by fetched_at desc, sha256 desc
    ) = 1
),

first_deployments as (
    select
        h.environment,
        h.app,
        h.file_id,
        h.as_of,
        min(d.deployed_at) as deployed_at
    from histories as h
    inner join raw.app_history as d on h.file_id = d.file_id
    where d.deployed_at is not null
    group by all
),

told as (
    select
        *,
        min(deployed_at) over (
            partition by environment, app
            order by as_of
            rows between 1 following and unbounded following
        ) as told_anew_from
    from first_deployments
)

select distinct
    t.environment,  -- Modal environment
    t.app,  -- the app's name
    d.version,  -- v1, v2 …; an app that was deleted and deployed again counts anew
    d.deployed_at,  -- UTC
    d.commit_hash  -- what was deployed; a trailing * means uncommitted changes
from told as t
inner join raw.app_history as d on t.file_id = d.file_id
where
    d.deployed_at is not null
    and (t.told_anew_from is null or d.deployed_at < t.told_anew_from)
