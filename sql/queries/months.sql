/* From metered to billed, month by month: what is itemised, what is not, adjustments, and does the bill add up? */
select
    strftime(month, '%Y-%m') as month,
    metered_usd,
    itemised_usd,
    not_itemised_usd,
    adjustments_usd,
    billed_usd,
    bill_difference_usd
from reconciliation.months
order by month
