/*
Billed pools that were settled and were settled anew with another amount: the last such change of each, and the two files.
Where an object has a breakdown, its resources stand here; where it has none, its total (`all`).

materialized: view
key: environment, object_id, hour, resolution, resource
partition: hour
*/
with

lines as (
    select *
    from staging.restated_lines
    where report_kind = 'resources'
    union all by name
    select p.*
    from staging.restated_lines as p
    anti join staging.restated_lines as r
        on
            r.report_kind = 'resources'
            and p.environment = r.environment
            and p.object_id = r.object_id
            and p.hour = r.hour
            and p.resolution = r.resolution
    where p.report_kind = 'plain'
),

paths as (
    select
        file_id,
        fetched_at,
        min(path) as path
    from raw.deliveries
    group by all
)

select
    l.environment,  -- Modal environment
    l.object_id,  -- Modal object
    l.app,  -- its name on the bill
    l.hour,  -- start of the billed interval, UTC
    l.resolution,  -- h or d
    l.resource,  -- catalog name or label; all: not broken down
    l.before_usd,  -- what was settled before; zero where the pool came later
    l.after_usd,  -- what is settled since; zero where the pool has vanished
    l.after_usd - l.before_usd as moved_usd,  -- what the change adds
    b.path as file_before,  -- the file that said the former, below landing/
    a.path as file_after,  -- the file that said the latter first, below landing/
    l.fetched_before,  -- when the former was last read from Modal, UTC
    l.fetched_after  -- when the latter was first read, UTC
from lines as l
left join paths as b on l.file_id_before = b.file_id and l.fetched_before = b.fetched_at
left join paths as a on l.file_id_after = a.file_id and l.fetched_after = a.fetched_at
