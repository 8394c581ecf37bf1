/* What moved in weeks that were issued, to the last digit: by week, function and file, or other cause? */
select
    week,
    revision,
    closed_at as issued_at,
    function,
    before_usd,
    after_usd,
    moved_usd,
    array_to_string(files, ', ') as files,
    array_to_string(causes, ', ') as other_causes
from reconciliation.restatements
order by week, revision, function
