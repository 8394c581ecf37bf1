/*
The variants of every function as they were seen last, with what each asks for otherwise than its function.

key: environment, app, function, variant_id
*/
with

seen as (
    select
        d.environment,
        d.app,
        d.function,
        v.*,
        min(d.as_of) over (partition by d.environment, d.app, d.function, v.variant_id) as seen_from
    from raw.function_variants as v
    inner join staging.deliveries as d on v.file_id = d.file_id
    qualify row_number() over (
        partition by d.environment, d.app, d.function, v.variant_id
        order by d.as_of desc, d.fetched_at desc, d.sha256 desc
    ) = 1
)

select
    s.environment,  -- Modal environment
    s.app,  -- the app's name
    s.function,  -- the function's name
    s.variant_id,  -- Modal's id of the variant
    s.parameters,  -- parameters of the class, as JSON; null where it has none
    coalesce(l.resource, s.gpu_type) as gpu,  -- GPU by its catalog name; null for that of the function
    s.gpu_count,  -- GPUs; null for those of the function
    s.cpu_request_millicores,  -- null for that of the function
    s.memory_request_mib,  -- null for that of the function
    s.max_containers,  -- null for that of the function
    s.buffer_containers,  -- null for that of the function
    s.scaledown_window_seconds,  -- null for that of the function
    s.timeout_seconds,  -- null for that of the function
    s.seen_from  -- the first snapshot that shows it, UTC
from seen as s
left join catalog.labels as l on lower(s.gpu_type) = l.label
