/*
How many calls failed, ran into the timeout or out of memory in the newest week that is reported, and what share of all is
that?
*/
select
    environment,
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
    -- not `=`: DuckDB 2.0 then takes the join for one row, and keeps a sum over it in as few bits
    week in (select max(s.week) from finance.savings_weekly as s)
    and inputs > 0
group by all
order by percent desc, environment asc, app asc, function asc
