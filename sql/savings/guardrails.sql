/*
What the rollout must not harm: rates of failures and durations of every changed function, after against before, each as
a non-inferiority test by the end of each week. Estimates and bounds are statistics, not money.

key: week_start, app, function, guardrail
partition: week_start
measured from: savings.daily_function, staging.billing_intervals, staging.configurations
measured from: staging.prices, reconciliation.log_vs_bill, spend.weekly, reconciliation.completeness, savings.replays
*/
select
    week_start,  -- Monday of the week, UTC
    week,  -- its ISO label
    app,  -- the app of its newest phase
    function,  -- the function
    guardrail,  -- error_rate, timeout_rate, oom_rate, p50_seconds, p95_seconds
    position,  -- place in the report, from 1
    before_value,  -- rate, or geometric mean of the daily seconds, in the baseline; null without calls
    before_count,  -- calls behind a rate, days behind seconds
    after_value,  -- the same after the rollout
    after_count,  -- calls behind a rate, days behind seconds
    estimate,  -- difference of rates, or ratio of seconds, after against before; null where it cannot be told
    low,  -- its one-sided 95% lower bound
    high,  -- its one-sided 95% upper bound, which decides a pass
    margin,  -- the harm that the catalog accepts
    verdict,  -- pass, fail or inconclusive
    reason  -- why
from measured_guardrails
where
    week_start >= $since
    and week_start < $until
