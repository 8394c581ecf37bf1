/*
What there is to attribute: one billed amount per environment, object, interval and resource.

key: environment, object_id, hour, resolution, resource
partition: hour
*/
with

-- A function may get another GPU than it asks for first: one of its fallbacks, or a better one.
asked_gpus as (
    select distinct
        i.environment,
        i.object_id,
        i.hour,
        i.resolution,
        i.resource
    from staging.billing_items as i
    inner join catalog.resources as r
        on
            i.resource = r.resource
            and r.kind = 'gpu'
    inner join staging.configurations as k
        on
            i.environment = k.environment
            and i.app = k.app
            and (i.resource = k.gpu or k.source = 'unknown')
            and i.hour < k.valid_to
            and i.hour + case i.resolution when 'h' then interval 1 hour else interval 1 day end > k.valid_from
    where
        i.reading = 'now'
        and i.hour >= $since
        and i.hour < $until
)

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
    coalesce(r.kind = 'gpu', false) and a.object_id is null as is_other_gpu,  -- a GPU that no function of the app asks for
    i.amount_usd as billed_usd,  -- exact
    i.status  -- settled, provisional or restated
from staging.billing_items as i
left join catalog.resources as r on i.resource = r.resource
left join asked_gpus as a
    on
        i.environment = a.environment
        and i.object_id = a.object_id
        and i.hour = a.hour
        and i.resolution = a.resolution
        and i.resource = a.resource
where
    i.reading = 'now'
    and i.hour >= $since
    and i.hour < $until
