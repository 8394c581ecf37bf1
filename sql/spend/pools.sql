/*
What there is to attribute: one billed amount per environment, object, interval and resource.

Usage and claims name a pool, and an interval of an object, by its number: that is quicker to write and to match than names.

key: environment, object_id, hour, resolution, resource
partition: hour
weeks at once: 5
*/
with

-- A function gets one of the GPUs that it asks for, or a better one: an H200 in place of an H100, say.
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
            and (k.source = 'unknown' or list_contains(list_transform(k.gpus, lambda g: struct_extract(g, 'gpu')), i.resource))
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
    coalesce(o.has_functions, false) and coalesce(l.is_deployed, true) as is_deployed_app,  -- call logs and settings speak of it
    i.amount_usd as billed_usd,  -- exact
    i.status,  -- settled, provisional or restated
    -- hours since 1970 × 10⁹, and the place among the pools of the hour
    epoch_us(i.hour) // 3600000000 * 1000000000
    + row_number() over (
        partition by i.hour
        order by i.environment, i.object_id, i.resolution, i.resource
    ) as pool_number,  -- names the pool
    epoch_us(i.hour) // 3600000000 * 1000000000
    + dense_rank() over (
        partition by i.hour
        order by i.environment, i.object_id, i.resolution
    ) as interval_number  -- names the interval of the object, of which all resources are
from staging.billing_items as i
left join catalog.resources as r on i.resource = r.resource
left join catalog.object_kinds as o on split_part(i.object_id, '-', 1) || '-' = o.prefix
left join staging.apps as l
    on
        i.environment = l.environment
        and i.object_id = l.app_id
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
