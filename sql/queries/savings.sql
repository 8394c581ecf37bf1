/* What was saved in each week, give or take how much, and how far can it be relied on? */
select
    week,
    status,
    measured_days as days,
    counterfactual_usd,
    actual_usd,
    avoided_usd,
    half_width_usd
from finance.savings_weekly
order by week
