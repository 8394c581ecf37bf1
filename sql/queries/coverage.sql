/* How many percent of each function's cost does the call log explain, and between which bounds does it lie, week by week? */
with

bounds as (
    select
        week_start,
        app,
        function,
        sum(low_usd) as low_usd,
        sum(high_usd) as high_usd
    from finance.spend_weekly
    group by all
)

select
    date_trunc('week', l.day)::date as week_of,
    l.app,
    l.function,
    sum(l.billed_usd) as attributed_usd,
    any_value(b.low_usd) as at_least_usd,
    any_value(b.high_usd) as at_most_usd,
    sum(l.modelled_usd) as explained_usd,
    case
        when sum(l.billed_usd) > 0
            then (sum(l.modelled_usd) * 1000000000000)::hugeint * 100 // (sum(l.billed_usd) * 1000000000000)::hugeint
    end as explained_percent,
    count(*) filter (where l.outcome != 'matched') as days_not_matched
from reconciliation.log_vs_bill as l
left join bounds as b
    on date_trunc('week', l.day)::date = b.week_start and l.app = b.app and l.function = b.function
group by week_of, l.app, l.function
order by week_of, l.app, l.function
