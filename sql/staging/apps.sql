/*
Every app id that Modal listed, with its name and lifetime, from the latest list that names it.

A name is deployed once at a time. What `modal run` starts under the name of a deployed app has an id of its own: an
ephemeral one, also when the list shows it as stopped.

key: app_id
*/
with

listed as (
    select
        l.app_id,
        d.environment,
        l.description as app,
        l.state,
        l.created_at,
        l.stopped_at,
        coalesce(l.state like 'ephemeral%', false) as is_ephemeral
    from raw.app_list as l
    inner join staging.deliveries as d on l.file_id = d.file_id
    qualify row_number() over (
        partition by l.app_id
        order by d.as_of desc, d.fetched_at desc, d.sha256 desc
    ) = 1
),

-- `modal function info` answers for the app that is deployed under a name.
surely_deployed as (
    select
        l.*,
        coalesce(l.stopped_at, timestamp '9999-12-31') as until
    from listed as l
    where
        l.state = 'deployed'
        or l.app_id in (select i.app_id from raw.function_info as i)
),

beside_a_deployed_one as (
    select distinct l.app_id
    from listed as l
    inner join surely_deployed as d
        on
            l.environment = d.environment
            and l.app = d.app
            and l.app_id != d.app_id
            and l.created_at < d.until
            and coalesce(l.stopped_at, timestamp '9999-12-31') > d.created_at
)

select
    l.app_id,  -- Modal app id
    l.environment,  -- Modal environment
    l.app,  -- the app's name
    l.state,  -- deployed, stopped, ephemeral …
    l.created_at,  -- UTC
    l.stopped_at,  -- UTC; null while it runs
    l.app_id in (select d.app_id from surely_deployed as d)
    or (
        not l.is_ephemeral and l.app_id not in (select b.app_id from beside_a_deployed_one as b)
    ) as is_deployed  -- false for a run beside the deployed app of its name
from listed as l
