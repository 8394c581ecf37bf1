"""What the report's words mean, one line each, and what it does not measure yet."""

from pipelines.report.contents import Definition

DEFINITIONS = (
    Definition("Pool", "one billed amount: environment × object × interval × resource"),
    Definition("Tie-out", "every pool's cost is attributed in whole picodollars (1e-12 $); the sum is the bill"),
    Definition("Successful call", "a distinct function call that ended in success; the cost of failures stays in cost"),
    Definition("Baseline", "whole weeks of data before the first deployment, eight at most"),
    Definition("Measured day", "a day after the first deployment that is no deployment day and whose bill is landed"),
    Definition("Counterfactual", "successful calls of the measured days × baseline cost per successful call"),
    Definition("Avoided cost", "counterfactual less actual cost; negative when cost rose"),
    Definition("Cash change", "mean baseline bill less the bill; it includes volume and is no saving"),
    Definition("Realization rate", "avoided cost per measured day ÷ projected saving a day"),
    Definition("Rollout coverage", "share of calls and cost in a function's newest phase, after its deployment day"),
    Definition("Coverage", "cost that the call log accounts for at list prices ÷ billed cost"),
    Definition("Execution", "container time that served at least one input"),
    Definition("Startup", "container time from creation to the first input"),
    Definition("Idle", "container time between inputs, and after the last one until scaledown"),
    Definition("Unexplained", "billed beyond what container time accounts for, shared in proportion to it"),
    Definition("Unlogged", "billed without any call, given to the one function that can use the resource"),
    Definition("Residual", "billed to an app without any call, and nobody to give it to (__no_calls__)"),
    Definition("Direct", "billed to what is no app (volumes, sandboxes), and left there"),
    Definition("Cents", "each table is rounded so that it adds up; an amount may differ by a cent between tables"),
    Definition("Settled", "the bill was read more than six hours after the interval ended; else provisional"),
)

NOT_MEASURED = (
    "the interval around the avoided cost, and with it whether a saving is verified",
    "guardrails: error, timeout and out-of-memory rates, durations",
    "the saving at the projection's own call volumes",
    "the bridge from the published saving to the realized one",
    "what later corrections moved in weeks already reported",
)
