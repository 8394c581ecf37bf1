/* How many percent of each function's cost does the call log explain, week by week? */
select
    date_trunc('week', day)::date as week_of,
    app,
    function,
    sum(billed_usd) as attributed_usd,
    sum(modelled_usd) as explained_usd,
    case
        when sum(billed_usd) > 0
            then (sum(modelled_usd) * 1000000000000)::hugeint * 100 // (sum(billed_usd) * 1000000000000)::hugeint
    end as explained_percent,
    count(*) filter (where outcome != 'matched') as days_not_matched
from reconciliation.log_vs_bill
group by all
order by week_of, app, function
