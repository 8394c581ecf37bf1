/* What was paid for containers that start or wait rather than work in the newest week, in cents and percent of the cost? */
select
    coalesce(function, 'all functions') as function,
    round(sum(startup_usd), 2)::decimal(18, 2) as startup_usd,
    round(sum(idle_usd), 2)::decimal(18, 2) as idle_usd,
    round(sum(amount_usd), 2)::decimal(18, 2) as cost_usd,
    case
        when sum(amount_usd) > 0
            then (
                (sum(startup_usd + idle_usd) * 1000000000000)::hugeint * 1000
                // (sum(amount_usd) * 1000000000000)::hugeint
            )::decimal(9, 0) * 0.1::decimal(2, 1)
    end as percent
from finance.spend_by_function_phase
where week_start = (select max(s.week_start) from finance.spend_by_function_phase as s)
group by grouping sets ((function), ())
order by grouping(function) asc, sum(startup_usd + idle_usd) desc, function asc
