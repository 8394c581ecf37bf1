/* What does an hour of every GPU, core and GiB cost at list price, and since when? */
select
    resource,
    unit,
    usd_per_hour,
    valid_from,
    valid_to,
    source
from finance.rates
order by kind asc, resource asc, valid_from asc nulls first
