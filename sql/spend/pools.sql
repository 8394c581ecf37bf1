/*
What there is to attribute: one billed amount per environment, object, interval and resource.

key: environment, object_id, hour, resolution, resource
partition: hour
*/
select
    i.environment,  -- Modal environment
    i.object_id,  -- Modal object
    i.app,  -- the object's name on the bill
    i.hour,  -- start of the billed interval, UTC
    i.resolution,  -- h or d
    i.resource,  -- catalog name or the bill's label
    case
        when i.resource = 'all' then 'all'
        else coalesce(r.kind, 'other')
    end as kind,  -- gpu, cpu, memory; all (not broken down); other (rounding, unknown labels)
    i.amount_usd as billed_usd,  -- exact
    i.status  -- settled, provisional or restated
from staging.billing_items as i
left join catalog.resources as r on i.resource = r.resource
where
    i.hour >= $since
    and i.hour < $until
