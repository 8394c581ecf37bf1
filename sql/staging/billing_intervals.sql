/*
The snapshot that counts for every billed interval: of all reports of one kind and resolution that cover it, the latest.

key: report_kind, resolution, hour
partition: hour
*/
select
    report_kind,  -- plain (totals per object) or resources (broken down)
    resolution,  -- h or d
    hour,  -- start of the billed interval, UTC
    file_id,  -- the content that counts
    fetched_at,  -- when it was read from Modal, UTC
    is_settled  -- read after the settle buffer
from staging.billing_snapshots
where
    hour >= $since
    and hour < $until
qualify row_number() over (
    partition by report_kind, resolution, hour
    order by fetched_at desc, sha256 desc
) = 1
