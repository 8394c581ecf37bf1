/* How many calls failed, ran into the timeout or out of memory in the newest week, and what share of all is that? */
select
    app,
    function,
    sum(inputs)::bigint as inputs,
    sum(errors)::bigint as errors,
    sum(timeouts)::bigint as timeouts,
    sum(oom_kills)::bigint as oom_kills,
    (
        sum(errors + timeouts + oom_kills)::hugeint * 1000 // sum(inputs)::hugeint
    )::decimal(9, 0) * 0.1::decimal(2, 1) as percent
from finance.calls_daily
where
    week = (select max(c.week) from finance.calls_daily as c)
    and inputs > 0
group by all
order by percent desc, app asc, function asc
