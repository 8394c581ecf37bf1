/*
What was saved in each week over all functions: avoided cost with its interval and status, and how it stands to the claim.

materialized: view
key: week
partition: week_start
*/
select
    week_start,  -- Monday of the week, UTC
    week,  -- its ISO label, 2026-W46
    status,  -- verified, provisional, not determinable, no claim, reversed
    reasons,  -- codes of why it is no better, the weightiest first, separated by spaces
    avoided_usd,  -- avoided cost of the week, negative where cost rose; null: no claim
    half_width_usd,  -- an estimate: half of its 90% interval
    avoided_usd - half_width_usd as low_usd,  -- lower end of the interval
    avoided_usd + half_width_usd as high_usd,  -- upper end of the interval
    counterfactual_usd,  -- what the measured calls would have cost before; null: no claim
    actual_usd,  -- what they did cost
    measured_days,  -- days of the week that count
    missing_days,  -- days that would count, but for their bill, a call log or a negative cost
    baseline_start,  -- first day of the baseline; null without one
    baseline_end,  -- the day after its last one
    baseline_days,  -- its days whose bill is landed, or that are frozen
    is_baseline_frozen,  -- the figures stand on a frozen baseline
    realized_usd_per_day,  -- avoided cost a measured day, with the adjustments of the catalog
    published_usd_per_day,  -- the claim as published
    restated_usd_per_day,  -- the claim at measured seconds per call and rates
    normalized_usd_per_day,  -- the saving at the claim's own calls: compares with the published one
    vs_published,  -- realized as a share of the published saving, 0.018 is 1.8%
    vs_restated,  -- realized as a share of the restated saving
    cost_cut,  -- realized as a share of the counterfactual cost
    claimed_cost_cut,  -- the same share as claimed
    printed_avoided_usd,  -- avoided cost as the report prints it, in whole cents
    printed_actual_usd,  -- actual cost likewise
    printed_counterfactual_usd  -- the sum of both
from savings.weekly
