/* Is each month's invoice what Modal says it billed, to the last digit? */
select
    strftime(month, '%Y-%m') as month,
    number,
    issued_on,
    currency,
    total,
    billed_usd,
    rounding_usd,
    difference_usd,
    path
from reconciliation.invoices
order by month
