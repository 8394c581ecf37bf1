/* How much of the promised saving is real, in dollars a day, and in percent of the published and the restated projection? */
select
    week,
    round(realized_usd_per_day, 2)::decimal(18, 2) as realized,
    round(published_usd_per_day, 2)::decimal(18, 2) as published,
    round(restated_usd_per_day, 2)::decimal(18, 2) as restated,
    round(100 * vs_published, 1)::decimal(9, 1) as pct_published,
    round(100 * vs_restated, 1)::decimal(9, 1) as pct_restated,
    round(100 * cost_cut, 1)::decimal(9, 1) as pct_cut
from finance.savings_weekly
where realized_usd_per_day is not null
order by week
