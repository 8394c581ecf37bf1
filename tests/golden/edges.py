"""Weeks at the edge of what a report must bear, made from the handmade one."""

from dataclasses import replace

from tests.golden.handmade import REPORT, share, usd
from tieout.core.findings import Finding, Severity
from tieout.core.periods import IsoWeek
from tieout.report.contents import WeeklyReport
from tieout.report.inputs import DayState, Inputs, ReportDay
from tieout.report.sections.changes import MOST_MOVERS
from tieout.report.sections.functions import slug_of
from tieout.report.sections.headline import Headline, HeadlineRates
from tieout.report.sections.history import SpendHistory, WeekSpend
from tieout.report.sections.ledger import Ledger, LedgerRow
from tieout.report.sections.opportunities import MOST_LINES, Opportunities
from tieout.report.sections.revisions import Revision
from tieout.report.sections.savings import Savings, SavingTotal, Standing
from tieout.report.sections.spend import Spend, Unattributed
from tieout.report.sections.tie_out import Gate, GateOutcome, TieOut

NOTHING = usd("0.00")
EMPTY_WEEK = IsoWeek.parse("2026-W48")
NOT_DEPLOYED = Standing("no claim", ("nothing was deployed yet",))

# Nothing landed, nothing deployed, nothing claimed.
EMPTY = WeeklyReport(
    programme="CORAL-X",
    week=EMPTY_WEEK,
    method_version="1",
    inputs=Inputs(None, 0, "e" * 64, "c" * 64, None),
    days=tuple(ReportDay(day, DayState.NOT_LANDED) for day in EMPTY_WEEK.days()),
    headline=Headline(
        week=EMPTY_WEEK,
        measured_days=0,
        avoided_usd=None,
        half_width_usd=None,
        avoided_usd_per_day=None,
        half_width_usd_per_day=None,
        standing=NOT_DEPLOYED,
        published_usd_per_day=None,
        lines_usd_per_day=NOTHING,
        restated_usd_per_day=None,
        rates=HeadlineRates(),
        cash_change_usd=None,
        baseline_usd_per_day=None,
        premises_not_met=(0, 0),
    ),
    revision=Revision(1, None),
    tie_out=TieOut(0, 0, 0, NOTHING, NOTHING),
    gates=(
        Gate(
            "G1",
            "Attributed cost equals the bill in every pool",
            GateOutcome.NOT_MEASURED,
            "No billed pool is landed for this week.",
        ),
        Gate("G7", "Every day is settled", GateOutcome.WARNING, "7 of 7 days not settled; their cost may still move."),
    ),
    spend=Spend(NOTHING, (), ()),
    savings=Savings(
        measured_days=0,
        baseline=None,
        baseline_days_landed=0,
        groups=(),
        total=SavingTotal(None, None, None, None, None, None),
        silent_functions=("evaluate_code_modal", "train_lora_modal"),
    ),
    ledger=Ledger((LedgerRow("phase-1", "generate_code_modal", Standing("proposed"), None, None),), None, None),
    history=SpendHistory((WeekSpend(EMPTY_WEEK, NOTHING, (), ()),), ()),
    opportunities=Opportunities(0, (), 0, NOTHING),
    unattributed=Unattributed(NOTHING, None, ()),
    definitions=REPORT.definitions,
    has_projection=False,
)

# Nobody claims anything, as in most workspaces.
SPEND_ONLY = replace(
    REPORT,
    is_spend_only=True,
    headline=replace(REPORT.headline, avoided_usd=None, half_width_usd=None, avoided_usd_per_day=None),
    cumulative=None,
)

# The week cost more than the same work would have before.
LOSS = replace(
    REPORT,
    headline=replace(
        REPORT.headline,
        avoided_usd=usd("-58.50"),
        avoided_usd_per_day=usd("-9.75"),
        rates=replace(REPORT.headline.rates, cost_cut=share("-39.4", "100")),
        standing=Standing("reversed", ("cost rose, and the whole interval says so",)),
    ),
)


def with_names(*names: str) -> WeeklyReport:
    """The handmade report with a line for every one of these functions in every table that has functions."""
    group = REPORT.savings.groups[0]
    spent = REPORT.spend.functions[0]
    finding = Finding(code="x", severity=Severity.INFO, subject="", message="is not what it seems.")
    assert REPORT.bridge is not None
    assert REPORT.normalized is not None
    assert REPORT.changes is not None
    [changed, *_] = REPORT.changes.cost.movers
    [claimed, *_] = REPORT.normalized.lines
    return replace(
        REPORT,
        programme=names[0],
        savings=replace(
            REPORT.savings,
            groups=(replace(group, lines=tuple(replace(group.lines[0], function=name) for name in names)),),
            silent_functions=names,
        ),
        ledger=replace(
            REPORT.ledger,
            rows=tuple(replace(row, function=name) for name in names for row in REPORT.ledger.rows[:1]),
        ),
        bridge=replace(
            REPORT.bridge,
            functions=tuple(replace(REPORT.bridge.functions[0], function=name) for name in names),
        ),
        changes=replace(
            REPORT.changes,
            cost=replace(
                REPORT.changes.cost, movers=tuple(replace(changed, function=name) for name in names[:MOST_MOVERS])
            ),
        ),
        restatements=replace(
            REPORT.restatements,
            lines=tuple(replace(REPORT.restatements.lines[0], function=name, files=(name,)) for name in names),
        ),
        guardrails=tuple(replace(REPORT.guardrails[0], function=name) for name in names),
        normalized=replace(REPORT.normalized, lines=tuple(replace(claimed, function=name) for name in names)),
        counterfactuals=tuple(replace(REPORT.counterfactuals[0], function=name) for name in names),
        spend=replace(REPORT.spend, functions=tuple(replace(spent, function=name) for name in names)),
        coverage=tuple(replace(REPORT.coverage[0], function=name) for name in names),
        functions=tuple(replace(REPORT.functions[0], function=name, slug=slug_of(name)) for name in names),
        rollout=tuple(replace(REPORT.rollout[0], function=name, phase=name) for name in names),
        unattributed=replace(
            REPORT.unattributed,
            lines=tuple(replace(REPORT.unattributed.lines[0], app=name, resource=name) for name in names),
        ),
        opportunities=replace(
            REPORT.opportunities,
            lines=tuple(replace(REPORT.opportunities.lines[0], function=name) for name in names[:MOST_LINES]),
        ),
        gates=tuple(replace(gate, details=tuple(f"{name}: bill only" for name in names[:5])) for gate in REPORT.gates),
        findings=tuple(replace(finding, subject=name, message=f"{name} is not what it seems.") for name in names[:5]),
    )


HOSTILE = with_names(
    "<img src=x onerror=alert(1)>",
    "long_" * 2_000,
    "x" * 10_000,
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "--><script>alert(1)</script>",
)
MANY = with_names(*(f"function_number_{number:03}_modal" for number in range(300)))
