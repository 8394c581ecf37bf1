/*
The delivery that counts for every month: the newest one of each export that is about months.

key: source, month
*/
select
    source,  -- which export, billing_summary or invoices for example
    month,  -- first day of the UTC month
    file_id,  -- the content that counts, see raw.files
    fetched_at,  -- when it was read from Modal, UTC; of a file by hand, when it was last changed
    sha256  -- content identity
from staging.deliveries
where covers = 'month'
qualify row_number() over (
    partition by source, month
    order by fetched_at desc, sha256 desc
) = 1
