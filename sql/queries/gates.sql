/* Do the gates hold: conservation, control totals, months, the bill, the invoice, the log, and its calls? */
select
    'G1 conservation' as gate,
    count(*) as checked,
    count(*) filter (where difference_usd != 0) as off,
    'pools whose attributed cost is not what was billed' as off_means
from reconciliation.pools
union all
select
    'G2 control total' as gate,
    count(*) as checked,
    count(*) filter (where control in ('off', 'missing')) as off,
    'totals that their breakdown contradicts' as off_means
from staging.billing_totals
where reading = 'now'
union all
select
    'G3 month' as gate,
    count(*) as checked,
    count(*) filter (where abs(not_itemised_usd) > 0.01::decimal(38, 12)) as off,
    'months with more than a cent that no landed report itemises' as off_means
from reconciliation.months
union all
select
    'G4 bill' as gate,
    count(*) as checked,
    count(*) filter (where bill_difference_usd != 0) as off,
    'months where metered plus adjustments is not billed' as off_means
from reconciliation.months
union all
select
    'G5 invoice' as gate,
    count(*) filter (where currency != 'USD' or difference_usd is not null) as checked,
    count(*) filter (where currency != 'USD' or (difference_usd != 0 and is_closed)) as off,
    'months whose invoice is not what was billed' as off_means
from reconciliation.invoices
union all
select
    'G6 log against bill' as gate,
    count(*) as checked,
    count(*) filter (where outcome != 'matched') as off,
    'function days that the log does not explain' as off_means
from reconciliation.log_vs_bill
union all
select
    'G8 completeness' as gate,
    count(*) as checked,
    count(*) filter (where outcome != 'complete') as off,
    'function days on which log and Modal count other calls' as off_means
from reconciliation.completeness
order by gate
