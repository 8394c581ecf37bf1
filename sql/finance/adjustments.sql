/*
Everything that is added to a figure by hand or by contract: what leads from metered to billed in Modal's summaries, and the
non-routine adjustments of the saving from the catalog.

materialized: view
key: applies_to, day, function, cause
*/
with

latest_summaries as (
    select
        month,
        file_id
    from staging.deliveries
    where source = 'billing_summary'
    qualify row_number() over (
        partition by month
        order by fetched_at desc, sha256 desc
    ) = 1
),

of_the_bill as (
    select
        'bill' as applies_to,
        l.month as day,
        null as function,
        s.name as cause,
        sum(s.amount_usd)::decimal(38, 12) as amount_usd,
        'summary ' || strftime(l.month, '%Y-%m') as evidence
    from latest_summaries as l
    inner join raw.billing_summary as s on l.file_id = s.file_id
    where s.kind = 'adjustment'
    group by all
),

of_the_saving as (
    select
        'saving' as applies_to,
        day,
        function,
        cause,
        sum(amount_usd)::decimal(38, 12) as amount_usd,
        string_agg(evidence, '; ' order by evidence) as evidence
    from catalog.adjustments
    group by all
),

adjustments as (
    select * from of_the_bill
    union all by name
    select * from of_the_saving
)

select
    applies_to,  -- bill: between metered and billed of a month; saving: between avoided and realized
    day,  -- the day it belongs to; of the bill, the first day of the month
    function,  -- whose saving it is; null for the bill
    cause,  -- what it is for
    amount_usd,  -- what it adds; negative takes away
    evidence  -- where it is written: Modal's billing summary of a month, or what the catalog says
from adjustments
