/* What was added to or taken off the bill and the saving, to the last digit, why, and where is that written? */
select
    applies_to,
    day,
    case when function is null then cause else function || ': ' || cause end as cause,
    amount_usd,
    evidence
from finance.adjustments
order by applies_to, day, cause
