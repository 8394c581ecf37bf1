/*
The list price of every resource over time: the catalog's prices, taken over by each landed rate snapshot from its day on.
A rate of 0 or less is none: it is quarantined, and the price before it holds on.

key: resource, valid_from
*/
with

snapshots as (
    select
        res.resource,
        rates.usd_per_hour,
        date_trunc('day', d.as_of) as valid_from
    from raw.billing_rates as rates
    inner join staging.deliveries as d on rates.file_id = d.file_id
    inner join catalog.resources as res on rates.rate_name = res.rate_name
    where rates.usd_per_hour > 0
    qualify row_number() over (
        partition by res.resource, date_trunc('day', d.as_of)
        order by d.as_of desc, d.fetched_at desc, d.sha256 desc
    ) = 1
),

quotes as (
    select
        resource,
        valid_from,
        usd_per_hour,
        source
    from catalog.prices
    where (resource, valid_from) not in (select (resource, valid_from) from snapshots)
    union all by name
    select
        resource,
        valid_from,
        usd_per_hour,
        'modal billing rates, landed' as source
    from snapshots
),

changes as (
    select
        *,
        lag(usd_per_hour) over (partition by resource order by valid_from) as previous_usd_per_hour
    from quotes
),

kept as (
    select *
    from changes
    where previous_usd_per_hour is null or previous_usd_per_hour != usd_per_hour
)

select
    k.resource,  -- catalog name
    res.kind,  -- gpu, cpu or memory
    case
        when row_number() over (partition by k.resource order by k.valid_from) = 1 then timestamp '1970-01-01'
        else k.valid_from
    end as valid_from,  -- UTC; the first known price also holds before it was seen
    lead(k.valid_from, 1, timestamp '9999-12-31') over (
        partition by k.resource
        order by k.valid_from
    ) as valid_to,  -- exclusive, UTC
    k.usd_per_hour,  -- per GPU, core or GiB and hour
    (k.usd_per_hour * 1000000000000)::hugeint as picodollars_per_hour,  -- the same in 1e-12 $, for exact products
    k.source  -- where the price was read
from kept as k
inner join catalog.resources as res on k.resource = res.resource
