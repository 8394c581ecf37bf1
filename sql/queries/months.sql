/* From itemised to metered to billed to the invoice, step by step: does every month add up to the last digit? */
with

steps as (
    select
        month,
        unnest([
            {'position': 1, 'step': 'attributed to functions', 'amount_usd': attributed_usd},
            {'position': 2, 'step': 'itemised in landed reports', 'amount_usd': itemised_usd},
            {'position': 3, 'step': '+ not itemised', 'amount_usd': not_itemised_usd},
            {'position': 4, 'step': '= metered', 'amount_usd': metered_usd},
            {'position': 5, 'step': '+ adjustments', 'amount_usd': adjustments_usd},
            {'position': 6, 'step': '= billed', 'amount_usd': billed_usd},
            {'position': 7, 'step': 'bill difference', 'amount_usd': bill_difference_usd},
            {'position': 8, 'step': '+ rounding to the invoice', 'amount_usd': invoice_rounding_usd},
            {'position': 9, 'step': 'invoice', 'amount_usd': case when invoice_currency = 'USD' then invoice_total end},
            {'position': 10, 'step': 'invoice difference', 'amount_usd': invoice_difference_usd}
        ]) as part
    from finance.reconciliation_monthly
)

select
    strftime(month, '%Y-%m') as month,
    struct_extract(part, 'step') as step,
    struct_extract(part, 'amount_usd') as amount_usd
from steps
order by month, struct_extract(part, 'position')
