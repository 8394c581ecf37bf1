/*
The breakdown of the bill by resource, from the snapshots that count.

key: reading, environment, object_id, hour, resolution, resource
partition: hour
weeks at once: 5
*/
select
    i.reading,  -- now or closing, see staging.billing_intervals
    r.environment,  -- Modal environment
    r.object_id,  -- Modal object: ap- app, vo- volume, sb- sandbox
    max(r.description) as app,  -- the object's name on the bill
    i.hour,  -- start of the billed interval, UTC
    i.resolution,  -- h or d
    coalesce(l.resource, r.resource) as resource,  -- catalog name of the resource; its label where the catalog has none
    sum(r.cost_usd) as amount_usd,  -- exact
    sum(r.remainder_usd) as remainder_usd,  -- what is printed beyond 12 decimals
    max(i.fetched_at) as fetched_at,  -- when the snapshot was read, UTC
    bool_and(i.is_settled) as is_settled  -- read after the settle buffer
from staging.billing_intervals as i
inner join staging.billing_lines as r
    on
        i.file_id = r.file_id
        and i.report_kind = r.report_kind
        and i.hour = r.interval_start
left join catalog.labels as l on lower(r.resource) = l.label
where
    i.report_kind = 'resources'
    and i.hour >= $since
    and i.hour < $until
group by all
