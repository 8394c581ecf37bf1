/*
How many percent of each function's cost does the call log explain, and between which bounds does it lie, week by week, in
cents?
*/
with

costs as (
    select
        week_start,
        environment,
        function,
        sum(amount_usd) as cost_usd,
        sum(exact_usd) as exact_usd
    from finance.spend_weekly_cents
    group by all
),

-- Rounded outwards, unless the bound is the cost itself.
bounds as (
    select
        w.week_start,
        w.environment,
        w.function,
        case
            when sum(w.low_usd) = any_value(c.exact_usd) then any_value(c.cost_usd)
            else floor(sum(w.low_usd) * 100) * 0.01::decimal(3, 2)
        end as low_usd,
        case
            when sum(w.high_usd) = any_value(c.exact_usd) then any_value(c.cost_usd)
            else ceil(sum(w.high_usd) * 100) * 0.01::decimal(3, 2)
        end as high_usd
    from finance.spend_weekly as w
    inner join costs as c on w.week_start = c.week_start and w.environment = c.environment and w.function = c.function
    group by all
),

logged as (
    select
        date_trunc('week', day)::date as week_start,
        environment,
        function,
        sum(billed_usd) as billed_usd,
        sum(modelled_usd) as modelled_usd,
        count(*) filter (where outcome != 'matched') as days_not_matched
    from reconciliation.log_vs_bill
    group by all
    having sum(billed_usd) != 0 or sum(modelled_usd) != 0
)

select
    l.week_start as week_of,
    l.environment,
    l.function,
    coalesce(c.cost_usd, 0)::decimal(18, 2) as attributed_usd,
    b.low_usd::decimal(18, 2) as at_least_usd,
    b.high_usd::decimal(18, 2) as at_most_usd,
    case when l.modelled_usd = c.exact_usd then c.cost_usd else round(l.modelled_usd, 2) end::decimal(18, 2) as explained_usd,
    case
        when l.billed_usd > 0
            then (l.modelled_usd * 1000000000000)::hugeint * 100 // (l.billed_usd * 1000000000000)::hugeint
    end as explained_percent,
    l.days_not_matched
from logged as l
left join costs as c on l.week_start = c.week_start and l.environment = c.environment and l.function = c.function
left join bounds as b on l.week_start = b.week_start and l.environment = b.environment and l.function = b.function
order by l.week_start, l.environment, l.function
