/*
Everything that is added to a figure by hand or by contract: what leads from metered to billed in Modal's summaries, and the
non-routine adjustments of the saving from the catalog.

materialized: view
key: applies_to, day, function, cause
*/
with

of_the_bill as (
    select
        'bill' as applies_to,
        month as day,
        null as function,
        name as cause,
        amount_usd,
        'summary ' || strftime(month, '%Y-%m') as evidence
    from staging.billing_summaries
    where kind = 'adjustment'
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
