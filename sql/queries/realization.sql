/* How much of the promised saving is real, in dollars a day, and in percent of the published and the restated projection? */
with

-- In the cents of the bridge, whose steps add up.
restated as (
    select
        week_start,
        sum(printed_usd) as restated_usd_per_day
    from savings.bridge
    where scope = 'total' and phase = 'all' and step in ('published', 'rounding', 'unit_correction')
    group by all
)

select
    w.week,
    round(w.realized_usd_per_day, 2)::decimal(18, 2) as realized,
    round(w.published_usd_per_day, 2)::decimal(18, 2) as published,
    r.restated_usd_per_day::decimal(18, 2) as restated,
    round(100 * w.vs_published, 1)::decimal(9, 1) as pct_published,
    round(100 * w.vs_restated, 1)::decimal(9, 1) as pct_restated,
    round(100 * w.cost_cut, 1)::decimal(9, 1) as pct_cut
from finance.savings_weekly as w
left join restated as r on w.week_start = r.week_start
where w.realized_usd_per_day is not null
order by w.week
