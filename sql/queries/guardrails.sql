/* Did the rollout harm anything: failures and durations after against before, by the end of the newest week? */
select
    week,
    function,
    guardrail,
    round(before_value, 6) as before_value,
    round(after_value, 6) as after_value,
    round(estimate, 6) as estimate,
    round(low, 6) as low,
    round(high, 6) as high,
    round(margin, 6) as margin,
    verdict,
    reason
from savings.guardrails
where week_start = (select max(g.week_start) from savings.guardrails as g)
order by function, position
