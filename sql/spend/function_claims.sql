/*
What each function would have to pay of each pool but those of GPUs (`spend.gpu_claims`) by its own container time: seconds ×
quantity × list price × factors, in picodollars (1e-12 $), and the container time by which the remainder is shared where a
request says nothing.

Servers claim in the same way. What else they may have used of CPU and memory, for requests that no series shows and no GPU
vouches for, claims nothing where functions share by time.

key: pool_number, function, phase, component, evidence, payment_order
partition: hour
weeks at once: 5
*/
with

app_pools as materialized (
    select *
    from spend.pools
    where
        is_deployed_app
        and hour >= $since
        and hour < $until
),

intervals as materialized (
    select distinct
        interval_number,
        environment,
        object_id,
        app
    from app_pools
),

-- From here on a configuration is a number, which is quicker to match than its names.
configurations as materialized (
    select
        *,
        row_number() over () as configuration_number
    from staging.configurations
),

-- Before configurations, which the planner would join to intervals first, each of them to every one.
claims_on_the_bill as materialized (
    select
        g.* exclude (claimed_us, claim_pd, least_pd, most_pd),
        i.environment,
        i.app
    from spend.gpu_claims as g
    inner join intervals as i on g.interval_number = i.interval_number
    where
        g.interval_start >= $since
        and g.interval_start < $until
),

gpu_claims as (
    select
        g.* exclude (environment, app, pool_number, is_part, configuration_from),
        k.configuration_number
    from claims_on_the_bill as g
    inner join configurations as k
        on
            g.environment = k.environment
            and g.app = k.app
            and g.function = k.function
            and g.configuration_from = k.valid_from
),

holders_of_gpus as (
    select distinct
        interval_number,
        configuration_number
    from gpu_claims
    where paid_us > 0
),

-- Of what is seen, its GPU says nothing more.
paid_time as (
    select
        interval_number,
        configuration_number,
        hour,
        component,
        evidence,
        sum(paid_us)::bigint as paid_us
    from gpu_claims
    where evidence != 'seen'
    group by all
),

unexplained_time as (
    select
        * exclude (payment_order, paid_us, unexplained_us),
        sum(unexplained_us)::bigint as container_us
    from gpu_claims
    where unexplained_us > 0
    group by all
),

time_on_the_bill as materialized (
    select
        t.*,
        i.environment,
        i.app
    from spend.container_time as t
    inner join intervals as i on t.interval_number = i.interval_number
    where
        t.interval_start >= $since
        and t.interval_start < $until
),

-- Rows come together in a day's hours, of what a server does, where a function has several configurations, and where several
-- things are inferred of it; most have a row of their own, and need no summing up.
functions_with_configurations as (
    select
        function,
        min(configuration_from) != max(configuration_from) as are_several
    from spend.container_time
    where
        interval_start >= $since
        and interval_start < $until
    group by all
),

parted_functions as materialized (
    select function
    from functions_with_configurations
    where
        are_several
        or starts_with(function, '__server__/')
),

configured_time as (
    select
        t.* exclude (environment, app, configuration_from),
        k.configuration_number
    from time_on_the_bill as t
    inner join configurations as k
        on
            t.environment = k.environment
            and t.app = k.app
            and t.function = k.function
            and t.configuration_from = k.valid_from
),

-- What a container's GPU says of its life holds for its CPU and memory: inferred time that the GPU pools do not pay for was
-- not there, and what they pay for beyond the claims was. Without a GPU nothing says how much of a limit there was: it
-- shares nothing, and what is beyond the usual counts for nothing. What a GPU vouches for is paid before what nothing does.
known_time as (
    select
        h.interval_number is not null or t.evidence not in ('limit', 'rest', 'wait', 'requests') as is_vouched_for,
        t.* replace (
            case
                when t.evidence != 'seen' and h.interval_number is not null
                    then coalesce(g.paid_us, 0)
                when t.evidence = 'beyond' then 0
                else t.container_us
            end as container_us,
            case when h.interval_number is null then t.payment_order else least(t.payment_order, 2) end as payment_order
        )
    from configured_time as t
    left join holders_of_gpus as h
        on
            t.interval_number = h.interval_number
            and t.configuration_number = h.configuration_number
    left join paid_time as g
        on
            t.interval_number = g.interval_number
            and t.configuration_number = g.configuration_number
            and t.hour = g.hour
            and t.component = g.component
            and t.evidence = g.evidence
),

container_time as (
    select *
    from known_time
    union all by name
    select
        true as is_vouched_for,
        * replace ('bill' as evidence),
        2 as payment_order,
        0 as least_ppm,
        1000000 as most_ppm
    from unexplained_time
),

-- Use beyond the request, as it was learned, in millicores and MiB.
learned_use as (
    select
        environment,
        object_id,
        function,
        window_start,
        factor as kind,
        (value * case factor when 'cpu' then 1000 else 1024 end)::bigint as beyond_request,
        greatest(0, 1000000 - (standard_error * 1645000)::bigint * 1000 // greatest((value * 1000)::bigint, 1)) as least_ppm,
        1000000 + (standard_error * 1645000)::bigint * 1000 // greatest((value * 1000)::bigint, 1) as most_ppm
    from spend.learned_factors
    where
        is_used
        and factor in ('cpu', 'memory')
        and value >= 0.001
        and window_start >= $since
        and window_start < $until
),

-- Of a function with variants, what they ask for in the mean, by the GPUs that its containers got.
variant_choices as (
    select
        c.*,
        k.configuration_number,
        case
            when coalesce(k.gpu, '') != c.resource
                then list_filter(k.variants, lambda v: struct_extract(v, 'gpu') = c.resource)[1]
        end as variant,
        struct_extract(variant, 'cpu_request_millicores') as variant_millicores,
        struct_extract(variant, 'memory_request_mib') as variant_mib,
        coalesce(k.cpu_request_millicores, s.default_cpu_millicores) as own_millicores,
        coalesce(k.memory_request_mib, s.default_memory_mib) as own_mib
    from spend.gpu_choices as c
    cross join catalog.settings as s
    inner join intervals as i on c.interval_number = i.interval_number
    inner join configurations as k
        on
            i.environment = k.environment
            and i.app = k.app
            and c.function = k.function
            and c.configuration_from = k.valid_from
    where
        len(k.variants) > 0
        and c.interval_start >= $since
        and c.interval_start < $until
),

variant_requests as (
    select
        interval_number,
        configuration_number,
        phase,
        case
            when bool_or(variant_millicores is not null)
                then (
                    sum(share_ppm * coalesce(variant_millicores, own_millicores))
                    + (1000000 - sum(share_ppm)) * any_value(own_millicores)
                )::bigint // 1000000
        end as cpu_request_millicores,
        case
            when bool_or(variant_mib is not null)
                then (
                    sum(share_ppm * coalesce(variant_mib, own_mib))
                    + (1000000 - sum(share_ppm)) * any_value(own_mib)
                )::bigint // 1000000
        end as memory_request_mib
    from variant_choices
    group by all
),

pooled_time as (
    select
        p.pool_number,
        p.kind,
        t.*,
        k.gpus,
        coalesce(k.may_lack_gpu, false) as may_lack_gpu,
        coalesce(v.cpu_request_millicores, k.cpu_request_millicores) as cpu_request_millicores,
        coalesce(v.memory_request_mib, k.memory_request_mib) as memory_request_mib,
        k.disk_memory_mib,
        k.region_percent,
        k.host_percent,
        s.default_cpu_millicores,
        s.default_memory_mib,
        u.beyond_request,
        t.evidence = 'bill'
        or u.beyond_request is not null
        or p.kind = 'all'
        or p.resolution = 'd'
        or t.function in (select f.function from parted_functions as f) as is_part,
        u.least_ppm as least_use_ppm,
        u.most_ppm as most_use_ppm
    from app_pools as p
    inner join container_time as t
        on
            p.interval_number = t.interval_number
    inner join configurations as k on t.configuration_number = k.configuration_number
    left join variant_requests as v
        on
            t.interval_number = v.interval_number
            and t.configuration_number = v.configuration_number
            and t.phase = v.phase
    left join learned_use as u
        on
            p.environment = u.environment
            and p.object_id = u.object_id
            and t.function = u.function
            and p.kind = u.kind
            and time_bucket(interval 7 day, p.hour, $since::timestamp) = u.window_start
    cross join catalog.settings as s
    where
        p.kind != 'gpu'
        and t.container_us > 0
),

used_beyond_requests as (
    select
        * replace (
            'learned' as evidence,
            greatest(payment_order, 3) as payment_order,
            least_ppm * least_use_ppm // 1000000 as least_ppm,
            greatest(most_ppm, most_use_ppm) as most_ppm
        )
    from pooled_time
    where
        beyond_request is not null
        and (kind = 'memory' or (evidence = 'seen' and component in ('startup', 'execution')))
        and evidence in ('seen', 'series', 'settings', 'window', 'usual', 'learned')
),

-- GPUs, millicores and MiB at work, each with the container time it was held for.
quantities as (
    select
        c.*,
        c.gpus[1].gpu as priced_resource,
        c.gpus[1].gpu_count as quantity,
        1 as units_per_quantity,
        c.region_percent as percent,
        false as is_shared_by_time
    from pooled_time as c
    where
        c.kind = 'all'
        and len(c.gpus) > 0
        and not c.may_lack_gpu
    union all by name
    select
        c.*,
        'CPU' as priced_resource,
        coalesce(c.cpu_request_millicores, c.default_cpu_millicores) as quantity,
        1000 as units_per_quantity,
        c.host_percent as percent,
        c.cpu_request_millicores is null and c.beyond_request is null as is_shared_by_time
    from pooled_time as c
    where c.kind in ('cpu', 'all')
    union all by name
    select
        c.*,
        case c.kind when 'cpu' then 'CPU' else 'Memory' end as priced_resource,
        c.beyond_request as quantity,
        case c.kind when 'cpu' then 1000 else 1024 end as units_per_quantity,
        c.host_percent as percent,
        true as is_shared_by_time
    from used_beyond_requests as c
    union all by name
    select
        c.*,
        'Memory' as priced_resource,
        greatest(coalesce(c.memory_request_mib, c.default_memory_mib), c.disk_memory_mib) as quantity,
        1024 as units_per_quantity,
        c.host_percent as percent,
        c.kind = 'memory' and c.memory_request_mib is null and c.beyond_request is null as is_shared_by_time
    from pooled_time as c
    where c.kind in ('memory', 'all')
    union all by name
    select
        c.*,
        null as priced_resource,
        0 as quantity,
        1 as units_per_quantity,
        100 as percent,
        true as is_shared_by_time
    from pooled_time as c
    where c.kind = 'other'
),

priced as (
    select
        q.pool_number,
        q.function,
        q.phase,
        q.component,
        q.evidence,
        q.payment_order,
        q.least_ppm,
        q.most_ppm,
        q.is_vouched_for,
        q.is_part,
        q.container_us,
        case
            when not q.is_shared_by_time or (not q.is_vouched_for and q.kind != 'other') then 0
            when q.evidence = 'learned' and q.beyond_request is not null
                then q.container_us::hugeint * q.quantity // q.units_per_quantity
            else q.container_us
        end as shared_us,
        -- microseconds in an hour × hundredths of the factor × units in a quantity
        meta.quotient(
            q.container_us::hugeint * q.quantity * q.percent * coalesce(p.picodollars_per_hour, 0),
            360000000000 * q.units_per_quantity
        ) as claim_pd
    from quantities as q
    left join staging.prices as p
        on
            q.priced_resource = p.resource
            and q.hour >= p.valid_from
            and q.hour < p.valid_to
),

shared_pools as (
    select distinct pool_number
    from priced
    where shared_us > 0
),

counting as (
    select p.*
    from priced as p
    left join shared_pools as s on p.pool_number = s.pool_number
    where
        p.evidence != 'requests'
        or p.is_vouched_for
        or s.pool_number is null
),

-- Most of it is certain or not, and needs no division.
bounded as (
    select
        pool_number,
        function,
        phase,
        component,
        evidence,
        payment_order,
        is_part,
        container_us,
        claim_pd,
        case least_ppm
            when 0 then 0
            when 1000000 then claim_pd
            else meta.quotient(claim_pd * least_ppm, 1000000)
        end as least_pd,
        case most_ppm when 1000000 then claim_pd else meta.quotient(claim_pd * most_ppm, 1000000) end as most_pd,
        shared_us
    from counting
),

claims as (
    select
        * exclude (is_part)
        replace (container_us::hugeint as container_us, shared_us::hugeint as shared_us)
    from bounded
    where not is_part
    union all by name
    select
        pool_number,
        function,
        phase,
        case when starts_with(function, '__server__/') then 'direct' else component end as component,
        evidence,
        payment_order,
        sum(container_us)::hugeint as container_us,
        sum(claim_pd)::hugeint as claim_pd,
        sum(least_pd)::hugeint as least_pd,
        sum(most_pd)::hugeint as most_pd,
        sum(shared_us)::hugeint as shared_us
    from bounded
    where is_part
    group by all
)

select
    -- with which the number begins
    make_timestamp(c.pool_number // 1000000000 * 3600000000) as hour,  -- start of the billed interval, UTC
    c.pool_number,  -- names the pool, see spend.pools
    c.function,  -- who claims
    c.phase,  -- rollout phase of the containers
    c.component,  -- see catalog.components
    c.evidence,  -- see spend.container_time
    c.payment_order,  -- what is better known is paid first
    c.container_us,  -- container time that claims, microseconds
    c.claim_pd,  -- modelled cost in picodollars
    c.least_pd,  -- what of it was there at least
    c.most_pd,  -- what it may have been at most
    c.shared_us  -- container time that shares the remainder; 0 where the request is known
from claims as c
