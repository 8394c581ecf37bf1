/*
The saving of each week over all functions: avoided cost with its interval and status, and how it stands to the claim.

key: week_start
partition: week_start
measured from: savings.daily_function, staging.billing_intervals, staging.configurations
measured from: staging.prices, reconciliation.log_vs_bill, spend.weekly, reconciliation.completeness, savings.replays
measured from: spend.weekly_cents
measured from: savings.ledger
*/
select
    week_start,  -- Monday of the week, UTC
    week,  -- its ISO label
    status,  -- verified, provisional, not determinable, no claim, reversed
    reasons,  -- codes of why it is no better, the weightiest first, separated by spaces
    baseline_start,  -- first day of the baseline; null without one
    baseline_end,  -- the day after its last one
    baseline_days,  -- its days whose bill is landed, or that are frozen
    is_baseline_frozen,  -- the figures stand on catalog/baseline.lock
    measured_days,  -- days that count
    missing_days,  -- days that would count, but for their bill, a call log or a negative cost
    avoided_usd,  -- avoided cost of the week; null: no claim
    half_width_usd,  -- an estimate: half of its 90% interval
    counterfactual_usd,  -- what the measured calls would have cost before; null: no claim
    actual_usd,  -- what they did cost
    realized_usd_per_day,  -- avoided cost a day, with the adjustments of the catalog
    published_usd_per_day,  -- the claim as published
    restated_usd_per_day,  -- the claim at measured seconds per call and rates
    normalized_usd_per_day,  -- both fitted models at the claim's calls: compares with the published saving
    vs_published,  -- realized as a share of the published saving
    vs_restated,  -- realized as a share of the restated saving
    cost_cut,  -- realized as a share of the counterfactual cost
    claimed_cost_cut,  -- the same share as claimed
    printed_avoided_usd::decimal(18, 2) as printed_avoided_usd,  -- avoided cost as the report prints it, in whole cents
    printed_actual_usd::decimal(18, 2) as printed_actual_usd,  -- actual cost likewise
    printed_counterfactual_usd::decimal(18, 2) as printed_counterfactual_usd  -- the sum of both
from measured_weekly
where
    week_start >= $since
    and week_start < $until
