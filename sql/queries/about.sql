/* What is this file: made when, from what, final until when, and does it tie to the bill to the last digit? */
select
    built_at,
    first_week,
    last_week,
    settled_until,
    pools,
    pools_off,
    billed_usd,
    attributed_usd,
    difference_usd,
    tieout_version,
    method_version,
    inputs_sha256,
    catalog_sha256,
    baseline_sha256
from finance.about
