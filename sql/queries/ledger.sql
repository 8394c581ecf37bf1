/* Where does every function stand in every phase of the rollout, in the newest week, and why no better? */
select
    week,
    phase,
    function,
    state,
    avoided_usd,
    half_width_usd,
    measured_days,
    calls,
    reasons
from savings.ledger
where week_start = (select max(l.week_start) from savings.ledger as l)
order by position
