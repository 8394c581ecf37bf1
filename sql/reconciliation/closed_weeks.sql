/*
Every issue of a closed week: its revision, its figures as they were issued, and what they were computed from.

materialized: view
key: week, revision
*/
with

closings as (
    select
        week,
        revision,
        closed_at,
        json_extract(document, '$.closing.figures') as figures
    from meta.closings
),

amounts as (
    select
        week,
        revision,
        unnest(json_extract(figures, '$.amounts[*]')) as amount
    from closings
),

costs as (
    select
        week,
        revision,
        sum((amount ->> '$.amount_usd')::decimal(38, 12))::decimal(38, 12) as cost_usd
    from amounts
    group by all
)

select
    c.week,  -- ISO week
    c.revision,  -- from 1; the highest one stands
    row_number() over newest_first = 1 as is_newest,  -- whether it stands
    c.closed_at,  -- when it was issued, UTC
    (c.figures ->> '$.as_of')::timestamp as as_of,  -- newest fetch of a bill or call log that speaks for the week, UTC
    coalesce(s.cost_usd, 0) as cost_usd,  -- what the week cost, exact
    (c.figures ->> '$.avoided_usd')::decimal(38, 12) as avoided_usd,  -- headline in cents; null: nothing was claimed
    (c.figures ->> '$.half_width_usd')::decimal(38, 12) as half_width_usd,  -- an estimate: half of its 90% interval
    c.figures ->> '$.status' as status,  -- of the saving as a whole
    c.figures ->> '$.input_sha256' as input_sha256,  -- over everything that it was computed from
    c.figures ->> '$.catalog_sha256' as catalog_sha256,  -- the catalog alone
    c.figures ->> '$.baseline_sha256' as baseline_sha256,  -- the frozen baseline; null while it was not frozen
    c.figures ->> '$.method_version' as method_version  -- version of docs/method.md
from closings as c
left join costs as s using (week, revision)
window
    newest_first as (
        partition by c.week
        order by c.revision desc
    )
