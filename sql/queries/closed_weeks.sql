/* Which weeks are issued, in which revision, with which figures, and from which inputs? */
select
    week,
    revision,
    is_newest,
    closed_at as issued_at,
    as_of,
    round(cost_usd, 2) as cost_usd,
    round(avoided_usd, 2) as avoided_usd,
    round(half_width_usd, 2) as half_width_usd,
    status,
    method_version,
    input_sha256
from reconciliation.closed_weeks
order by week, revision
