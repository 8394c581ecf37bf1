/*
What each function would have to pay of each pool but those of GPUs (`spend.gpu_claims`) by its own container time: seconds ×
quantity × list price × factors, in picodollars (1e-12 $), and the container time by which the remainder is shared where a
request says nothing.

Servers claim in the same way. What else they may have used of CPU and memory, for requests that no series shows and no GPU
vouches for, claims nothing where functions share by time.

key: pool_number, claimant_key, component, evidence, payment_order
partition: hour
weeks at once: 5
*/
with

app_pools as materialized (
    select
        *,
        dense_rank() over (order by environment, object_id) as object_number
    from spend.pools
    where
        is_deployed_app
        and hour >= $since
        and hour < $until
),

objects as (
    select distinct
        object_number,
        environment,
        object_id,
        app
    from app_pools
),

named as (
    select distinct
        configuration_key,
        claimant_key,
        environment,
        app,
        function
    from usage.configurations
    where
        window_start >= $since
        and window_start < $until
),

-- Rows come together in a day's hours, of what a server does, where a function has several configurations, and where several
-- things are inferred of it; most have a row of their own, and need no summing up.
configurations as materialized (
    select
        k.*,
        n.claimant_key,
        starts_with(k.function, '__server__/') as answers_requests,
        answers_requests
        or count(*) over (partition by n.environment, n.app, n.claimant_key) > 1 as is_parted
    from staging.configurations as k
    inner join named as n on k.configuration_key = n.configuration_key
),

gpu_claims as not materialized (
    select *
    from spend.gpu_claims
    where
        interval_start >= $since
        and interval_start < $until
),

holders_of_gpus as (
    select distinct
        interval_number,
        configuration_key
    from gpu_claims
    where paid_us > 0
),

-- Of what is seen, its GPU says nothing more.
paid_time as (
    select
        interval_number,
        configuration_key,
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
        interval_start,
        interval_number,
        configuration_key,
        hour,
        component,
        evidence,
        sum(unexplained_us)::bigint as container_us
    from gpu_claims
    where unexplained_us > 0
    group by all
),

-- What a container's GPU says of its life holds for its CPU and memory: inferred time that the GPU pools do not pay for was
-- not there, and what they pay for beyond the claims was. Without a GPU nothing says how much of a limit there was: it
-- shares nothing, and what is beyond the usual counts for nothing. What a GPU vouches for is paid before what nothing does.
container_time as (
    select
        true as is_vouched_for,
        *
    from spend.container_time
    where
        evidence = 'seen'
        and interval_start >= $since
        and interval_start < $until
    union all by name
    select
        h.interval_number is not null or t.evidence not in ('limit', 'rest', 'wait', 'requests') as is_vouched_for,
        t.* replace (
            case
                when h.interval_number is not null then coalesce(g.paid_us, 0)
                when t.evidence = 'beyond' then 0
                else t.container_us
            end as container_us,
            case when h.interval_number is null then t.payment_order else least(t.payment_order, 2) end as payment_order
        )
    from spend.container_time as t
    left join holders_of_gpus as h
        on
            t.interval_number = h.interval_number
            and t.configuration_key = h.configuration_key
    left join paid_time as g
        on
            t.interval_number = g.interval_number
            and t.configuration_key = g.configuration_key
            and t.hour = g.hour
            and t.component = g.component
            and t.evidence = g.evidence
    where
        t.evidence != 'seen'
        and t.interval_start >= $since
        and t.interval_start < $until
    union all by name
    select
        true as is_vouched_for,
        * replace ('bill'::meta.evidence as evidence),
        2 as payment_order,
        0 as least_ppm,
        1000000 as most_ppm
    from unexplained_time
),

-- Use beyond the request, as it was learned, in millicores and MiB.
learned_use as (
    select
        o.object_number,
        k.configuration_key,
        f.window_start,
        f.factor as kind,
        (f.value * case f.factor when 'cpu' then 1000 else 1024 end)::bigint as beyond_request,
        greatest(
            0, 1000000 - (f.standard_error * 1645000)::bigint * 1000 // greatest((f.value * 1000)::bigint, 1)
        ) as least_ppm,
        1000000 + (f.standard_error * 1645000)::bigint * 1000 // greatest((f.value * 1000)::bigint, 1) as most_ppm
    from spend.learned_factors as f
    inner join objects as o
        on
            f.environment = o.environment
            and f.object_id = o.object_id
    inner join configurations as k
        on
            o.environment = k.environment
            and o.app = k.app
            and f.function = k.function
    where
        f.is_used
        and f.factor in ('cpu', 'memory')
        and f.value >= 0.001
        and f.window_start >= $since
        and f.window_start < $until
),

-- What a container of a configuration holds, and so pays for, in the pools of each kind: millicores, MiB and GPUs. Its own
-- request is null where it asks for nothing.
requests as (
    select
        configuration_key,
        'cpu' as kind,
        'CPU' as resource,
        cpu_request_millicores as request,
        s.default_cpu_millicores as usual_request,
        0 as least_quantity,
        1000 as units_per_quantity,
        host_percent as percent,
        true as can_share_by_time
    from configurations
    cross join catalog.settings as s
    union all by name
    select
        configuration_key,
        'memory' as kind,
        'Memory' as resource,
        memory_request_mib as request,
        s.default_memory_mib as usual_request,
        disk_memory_mib as least_quantity,
        1024 as units_per_quantity,
        host_percent as percent,
        true as can_share_by_time
    from configurations
    cross join catalog.settings as s
    union all by name
    select
        configuration_key,
        'gpu' as kind,
        gpus[1].gpu as resource,
        gpus[1].gpu_count as request,
        gpus[1].gpu_count as usual_request,
        0 as least_quantity,
        1 as units_per_quantity,
        region_percent as percent,
        false as can_share_by_time
    from configurations
    where
        len(gpus) > 0
        and not coalesce(may_lack_gpu, false)
),

requests_by_pool as (
    select *
    from requests
    where kind != 'gpu'
    union all by name
    select * replace ('all' as kind, kind = 'cpu' as can_share_by_time)
    from requests
    union all by name
    select
        configuration_key,
        'other' as kind,
        0 as usual_request,
        0 as least_quantity,
        1 as units_per_quantity,
        100 as percent,
        true as can_share_by_time
    from configurations
),

-- With the price, which can change within a day.
rates as materialized (
    select
        r.* exclude (percent),
        k.claimant_key,
        k.answers_requests,
        k.is_parted,
        r.percent * coalesce(p.picodollars_per_hour, 0) as rate,
        coalesce(p.valid_from, timestamp '1970-01-01') as valid_from,
        coalesce(p.valid_to, timestamp '9999-12-31') as valid_to
    from requests_by_pool as r
    inner join configurations as k on r.configuration_key = k.configuration_key
    left join staging.prices as p on r.resource = p.resource
),

-- Of a function with variants, what they ask for in the mean, by the GPUs that its containers got.
variant_choices as (
    select
        c.*,
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
    inner join configurations as k on c.configuration_key = k.configuration_key
    where
        len(k.variants) > 0
        and c.interval_start >= $since
        and c.interval_start < $until
),

variant_requests as (
    select
        interval_number,
        configuration_key,
        'CPU' as resource,
        (
            sum(share_ppm * coalesce(variant_millicores, own_millicores))
            + (1000000 - sum(share_ppm)) * any_value(own_millicores)
        )::bigint // 1000000 as request
    from variant_choices
    group by all
    having bool_or(variant_millicores is not null)
    union all by name
    select
        interval_number,
        configuration_key,
        'Memory' as resource,
        (
            sum(share_ppm * coalesce(variant_mib, own_mib))
            + (1000000 - sum(share_ppm)) * any_value(own_mib)
        )::bigint // 1000000 as request
    from variant_choices
    group by all
    having bool_or(variant_mib is not null)
),

-- By pool and configuration; few have any.
learned_use_of_pools as materialized (
    select
        p.pool_number,
        p.interval_number,
        p.kind,
        u.configuration_key,
        u.beyond_request,
        u.least_ppm,
        u.most_ppm
    from learned_use as u
    inner join app_pools as p
        on
            u.object_number = p.object_number
            and u.kind = p.kind
            and u.window_start = time_bucket(interval 7 day, p.hour, $since::timestamp)
),

pooled_time as (
    select
        p.pool_number,
        p.kind,
        t.component,
        t.evidence,
        t.payment_order,
        t.container_us,
        t.least_ppm,
        t.most_ppm,
        t.is_vouched_for,
        r.claimant_key,
        r.answers_requests,
        r.rate,
        r.units_per_quantity,
        greatest(coalesce(v.request, r.request, r.usual_request), r.least_quantity) as quantity,
        r.can_share_by_time and coalesce(v.request, r.request, u.beyond_request) is null as is_shared_by_time,
        t.container_us as weighed_us,
        r.is_parted
        or t.evidence = 'bill'
        or u.beyond_request is not null
        or p.kind = 'all'
        or p.resolution = 'd' as is_part
    from app_pools as p
    inner join container_time as t on p.interval_number = t.interval_number
    inner join rates as r
        on
            t.configuration_key = r.configuration_key
            and p.kind = r.kind
            and t.hour >= r.valid_from
            and t.hour < r.valid_to
    left join variant_requests as v
        on
            t.interval_number = v.interval_number
            and t.configuration_key = v.configuration_key
            and r.resource = v.resource
    left join learned_use_of_pools as u
        on
            p.pool_number = u.pool_number
            and t.configuration_key = u.configuration_key
    where
        p.kind != 'gpu'
        and t.container_us > 0
),

used_beyond_requests as (
    select
        u.pool_number,
        u.kind,
        t.component,
        'learned'::meta.evidence as evidence,
        greatest(t.payment_order, 3) as payment_order,
        t.container_us,
        t.least_ppm * u.least_ppm // 1000000 as least_ppm,
        greatest(t.most_ppm, u.most_ppm) as most_ppm,
        t.is_vouched_for,
        r.claimant_key,
        r.answers_requests,
        r.rate,
        r.units_per_quantity,
        u.beyond_request as quantity,
        true as is_shared_by_time,
        (t.container_us::hugeint * u.beyond_request // r.units_per_quantity)::bigint as weighed_us,
        true as is_part
    from learned_use_of_pools as u
    inner join container_time as t
        on
            u.interval_number = t.interval_number
            and u.configuration_key = t.configuration_key
    inner join rates as r
        on
            u.configuration_key = r.configuration_key
            and u.kind = r.kind
            and t.hour >= r.valid_from
            and t.hour < r.valid_to
    where
        t.container_us > 0
        and (u.kind = 'memory' or (t.evidence = 'seen' and t.component in ('startup', 'execution')))
        and t.evidence in ('seen', 'series', 'settings', 'window', 'usual', 'learned')
),

quantities as (
    select *
    from pooled_time
    union all by name
    select *
    from used_beyond_requests
),

priced as materialized (
    select
        pool_number,
        claimant_key,
        answers_requests,
        component,
        evidence,
        payment_order,
        least_ppm,
        most_ppm,
        is_vouched_for,
        is_part,
        container_us,
        case
            when not is_shared_by_time or (not is_vouched_for and kind != 'other') then 0
            else weighed_us
        end as shared_us,
        -- microseconds in an hour × hundredths of the factor × units in a quantity
        meta.quotient(container_us::hugeint * quantity * rate, 360000000000 * units_per_quantity) as claim_pd
    from quantities
),

shared_pools as (
    select distinct pool_number
    from priced
    where shared_us > 0
),

counting as not materialized (
    select p.*
    from priced as p
    left join shared_pools as s on p.pool_number = s.pool_number
    where
        p.evidence != 'requests'
        or p.is_vouched_for
        or s.pool_number is null
),

-- Most of it is certain or not, and needs no division.
bounded as not materialized (
    select
        pool_number,
        claimant_key,
        answers_requests,
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
    select * exclude (is_part, answers_requests)
    from bounded
    where not is_part
    union all by name
    select
        pool_number,
        claimant_key,
        case when answers_requests then 'direct'::meta.component else component end as component,
        evidence,
        payment_order,
        sum(container_us)::bigint as container_us,
        sum(claim_pd)::hugeint as claim_pd,
        sum(least_pd)::hugeint as least_pd,
        sum(most_pd)::hugeint as most_pd,
        sum(shared_us)::bigint as shared_us
    from bounded
    where is_part
    group by all
)

select
    -- with which the number begins
    make_timestamp(c.pool_number // 1000000000 * 3600000000) as hour,  -- start of the billed interval, UTC
    c.pool_number,  -- names the pool, see spend.pools
    c.claimant_key,  -- who claims, see spend.claimants
    c.component,  -- see catalog.components
    c.evidence,  -- see spend.container_time
    c.payment_order,  -- what is better known is paid first
    c.container_us,  -- container time that claims, microseconds
    c.claim_pd,  -- modelled cost in picodollars
    c.least_pd,  -- what of it was there at least
    c.most_pd,  -- what it may have been at most
    c.shared_us  -- container time that shares the remainder; 0 where the request is known
from claims as c
