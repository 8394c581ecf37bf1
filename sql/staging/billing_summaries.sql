/*
What Modal's summary says of every month, amount by amount, from the delivery that counts.

key: month, kind, name
*/
select
    d.month,  -- first day of the UTC month
    s.kind,  -- metered, billed, adjustment or breakdown
    s.name,  -- the amount as Modal calls it: credits, free_storage, plan_cost …
    s.amount_usd,  -- exact
    d.file_id,  -- the summary it stands in, see raw.files
    d.fetched_at,  -- when that was read from Modal, UTC
    d.fetched_at >= d.month + interval 1 month as is_closed  -- the month was over by then
from staging.monthly_deliveries as d
inner join raw.billing_summary as s on d.file_id = s.file_id
where d.source = 'billing_summary'
