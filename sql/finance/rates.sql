/*
The list prices that usage is held against, and from when to when each was valid.

materialized: view
key: resource, valid_from
*/
select
    resource,  -- GPU type, CPU or Memory
    kind,  -- gpu, cpu or memory
    case kind
        when 'gpu' then 'GPU'
        when 'cpu' then 'core'
        else 'GiB'
    end as unit,  -- what the price is for: one GPU, one core or one GiB, for an hour
    usd_per_hour,  -- list price
    case when valid_from > timestamp '1970-01-01' then valid_from::date end as valid_from,  -- first day; null: since ever
    case when valid_to < timestamp '9999-12-31' then valid_to::date end as valid_to,  -- day after the last; null: still valid
    source  -- where the price was read
from staging.prices
