/*
The delivery that counts for every month: of its billing summary, and of its invoice, the newest one.

key: source, month
*/
select
    source,  -- billing_summary or invoices
    month,  -- first day of the UTC month
    file_id,  -- the content that counts, see raw.files
    fetched_at,  -- when it was read from Modal, UTC; of a file by hand, when it was last changed
    sha256  -- content identity
from staging.deliveries
where source in ('billing_summary', 'invoices')
qualify row_number() over (
    partition by source, month
    order by fetched_at desc, sha256 desc
) = 1
