/* What was saved in each week, give or take how much, and how far can it be relied on? */
select
    week,
    status,
    measured_days as days,
    printed_counterfactual_usd as counterfactual_usd,
    printed_actual_usd as actual_usd,
    printed_avoided_usd as avoided_usd,
    round(half_width_usd, 2) as half_width_usd
from finance.savings_weekly
order by week
