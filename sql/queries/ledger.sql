/* Where does every function stand in every phase of the rollout, in the newest week, and why no better? */
select
    phase,
    app,
    function,
    status,
    printed_usd as avoided_usd,
    round(half_width_usd, 2) as half_width_usd,
    reasons
from finance.savings_ledger
where week_start = (select max(l.week_start) from finance.savings_ledger as l)
order by position
