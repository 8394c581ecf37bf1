/* What has been saved so far, by function and phase, and in total? */
with

newest as (
    select
        phase,
        function,
        arg_max(status, week) as newest_status
    from finance.savings_ledger
    group by all
)

select
    coalesce(l.phase, 'all') as phase,
    coalesce(l.function, 'all functions') as function,
    coalesce(sum(l.printed_usd), 0)::decimal(18, 2) as avoided_usd,
    case when l.function is not null then max(n.newest_status) end as status
from finance.savings_ledger as l
inner join newest as n on l.phase = n.phase and l.function = n.function
group by grouping sets ((l.phase, l.function), ())
order by grouping(l.function) asc, phase asc, avoided_usd desc, function asc
