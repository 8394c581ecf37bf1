/*
The lines of every billing report, with the amount that is booked: what is printed, rounded to 12 decimals half away from
zero where it has more. Total and parts of a row of the SDK are lines of two reports.

materialized: view
key: file_id, row_number
*/
with

tails as (
    select
        *,
        -- The decimals from the thirteenth on, in picodollars.
        ('0.' || substr(split_part(cost_exact, '.', 2), 13))::decimal(27, 26) as tail_pd
    from raw.billing_report
)

select
    file_id,  -- the content, see raw.files
    row_number,  -- position of the line in it
    case when resource is null then 'plain' else 'resources' end as report_kind,  -- plain (a total) or resources (a part)
    environment,  -- Modal environment
    object_id,  -- Modal object: ap- app, vo- volume, sb- sandbox
    description,  -- its name on the bill
    interval_start,  -- start of the billed hour or day, UTC
    resource,  -- label as Modal writes it; null in a plain report
    tags,  -- tags as JSON text; null when the report has none
    coalesce(cost_usd, cost_exact::decimal(38, 12)) as cost_usd,  -- what is booked
    case
        when cost_exact is null then 0
        when starts_with(cost_exact, '-') then -1
        else 1
    end::decimal(1, 0)
    * (coalesce(tail_pd, 0) - case when tail_pd >= 0.5 then 1 else 0 end)::decimal(27, 26)
    * 0.000000000001::decimal(12, 12) as remainder_usd  -- what is printed beyond that, to 38 decimals
from tails
