"""What the report's words mean, one line each, and what it does not measure yet."""

from collections.abc import Iterable
from dataclasses import dataclass

from tieout.report.formats.sheets import Sheet, SheetColumn


@dataclass(frozen=True)
class Definition:
    """A term of the report in one line."""

    term: str
    text: str


DEFINITIONS = (
    Definition("Pool", "one billed amount: environment × object × interval × resource"),
    Definition("Tie-out", "every pool's cost is attributed in whole picodollars (1e-12 $); the sum is the bill"),
    Definition("Gate", "what must hold of bill, months, invoice, call log and days before a figure is used"),
    Definition(
        "Successful call",
        "an input that ended in success, so a `.map` over 1,000 inputs is 1,000; the cost of failures stays in cost",
    ),
    Definition("Baseline", "whole weeks before the first deployment, eight at most; frozen by `freeze-baseline`"),
    Definition(
        "Measured day", "a day after the first deployment, no deployment day, with its whole bill and call logs"
    ),
    Definition(
        "Counterfactual",
        "what the measured days' calls would have cost before: a + b × calls a day, at the week's list prices",
    ),
    Definition(
        "As replayed", "how much cost stands without calls (a) is told by inputs replayed on the old containers"
    ),
    Definition(
        "Proportional",
        "a is zero: the rule without a replay; an intercept must be significant and predict unseen days as well",
    ),
    Definition("Avoided cost", "counterfactual less actual cost; negative when cost rose"),
    Definition(
        "Interval",
        "the avoided cost ± half its 90% interval: how baseline days scatter, what the attribution leaves open, "
        "and how far witnesses are off",
    ),
    Definition("Witness", "another way to the same saving; one that disagrees keeps it from being verified"),
    Definition(
        "Verified",
        "± is at most 25% of the saving; the baseline is frozen and has 14 days. Bills are settled and match the log. "
        "Nine calls in ten are in the newest phase, at volumes of the baseline, and no work moved elsewhere. Witnesses "
        "agree, and guardrails passed",
    ),
    Definition(
        "Provisional", "± is at most 50%, something that verified asks for is open, and nothing refutes the saving"
    ),
    Definition(
        "Not determinable",
        "± is wider, the interval includes zero, a guardrail failed, or something refutes the saving: work that may "
        "have moved, a rollback, outages in the baseline",
    ),
    Definition("Reversed", "cost rose, and the whole interval says so"),
    Definition("Premise not met", "what was deployed before is not what the catalog says the saving starts from"),
    Definition("No claim", "under 7 baseline days, no successful call in them, nothing deployed or no measured day"),
    Definition("Guardrail", "what a rollout may not worsen beyond a margin fixed before; inconclusive is no pass"),
    Definition("Restated projection", "the published calls and prices at the measured billed seconds of a call"),
    Definition("Driver", "what moved between projection and reality, by its mean effect over all orders (Shapley)"),
    Definition("Not allocated", "what no driver explains: the model's intercept, and promises not realized yet"),
    Definition("Memory kills", "share of inputs whose container was killed or evicted for lack of memory"),
    Definition("p50, p95", "median and 95th percentile of a day's execution seconds, successful inputs"),
    Definition("Normalized saving", "both fitted models at the projection's own calls: comparable with the claim"),
    Definition("Cash change", "mean baseline bill less the bill; it includes volume and is no saving"),
    Definition("Realization rate", "realized a day ÷ the published saving, or ÷ the restated projection"),
    Definition("Cost cut", "avoided cost ÷ counterfactual"),
    Definition("Rollout coverage", "share of calls and cost in a function's newest phase, after its deployment day"),
    Definition("Coverage", "cost that the call log accounts for at list prices ÷ billed cost"),
    Definition("Execution", "container time that served at least one input"),
    Definition("Startup", "container time from creation to the first input"),
    Definition("Idle", "container time between inputs, and after the last one until scaledown"),
    Definition("Warm", "containers that settings keep without a call"),
    Definition("Failed", "containers whose start-up failed, so that they served no input"),
    Definition(
        "Unexplained", "billed beyond what container time accounts for, up to a tenth, shared in proportion to it"
    ),
    Definition("Unlogged", "billed without any call, given to the one function that can use the resource"),
    Definition(
        "Residual", "billed to an app, and nobody to give it to: __no_calls__, or __unexplained__ beyond a tenth"
    ),
    Definition("Direct", "billed for what is no function (a server, sandboxes, a volume), and left there"),
    Definition("Cents", "each table is rounded so that it adds up; an amount may differ by a cent between tables"),
    Definition("Settled", "the bill was read more than six hours after the interval ended; else provisional"),
    Definition("Restated", "settled, and settled with another amount before; the files stand at gate G7"),
    Definition("Issued", "the week's figures are closed: every day is settled and no gate is closed"),
    Definition("Revision", "an issue of the week; a new one when printed figures move; the old one stays as it was"),
)


def write_definitions(sheet: Sheet, definitions: Iterable[Definition]) -> None:
    """Write the sheet of the definitions."""
    sheet.title("Definitions", below="The short form of docs/method.md.")
    rows = [(definition.term, definition.text) for definition in definitions]
    sheet.browse(sheet.table((SheetColumn("Term"), SheetColumn("Meaning", width=90, wraps=True)), rows), 2)
