/*
The audit of the projection: what the claim says, computed anew from its own figures, the rate card and, once there is a
baseline, the measured spend. Details stand under their entry.

key: position, detail
measured from: savings.daily_function, staging.billing_intervals, staging.configurations
measured from: staging.prices, reconciliation.log_vs_bill, spend.weekly, reconciliation.completeness, savings.replays
*/
select
    position,  -- number of the entry, from 1
    detail,  -- 0 for the entry itself; its details count from 1
    code,  -- what the entry is about
    severity,  -- info, or warning where the claim contradicts itself, the rate card or the bill
    subject,  -- the programme, a function, a phase or a resource
    statement,  -- one sentence for a person; of a detail, what its figure is
    arithmetic,  -- how the computed figure comes about
    published,  -- what the analysis printed; null where it printed nothing
    computed,  -- what its figures come to, as printed
    computed_low,  -- the same exactly; the lower end of a range
    computed_high,  -- the upper end
    unit  -- usd_per_hour, usd_per_day, usd_per_month, percent, seconds, count
from measured_audit
