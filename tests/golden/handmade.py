"""A small weekly report made by hand, with one of everything: the subject of the golden files."""

import datetime as dt
import itertools
from decimal import Decimal

from tieout.audit.entries import AuditCode, AuditEntry
from tieout.catalog.models import Adjustment
from tieout.core.figures import Unit, figure
from tieout.core.findings import Finding, Severity
from tieout.core.periods import IsoWeek
from tieout.report.contents import WeeklyReport
from tieout.report.inputs import DayState, Inputs, ReportDay
from tieout.report.sections.bridge import BridgeRow, BridgeTables, FunctionBridge
from tieout.report.sections.changes import ChangeRow, Changes, Movement, Mover, Quantity, StatusChange
from tieout.report.sections.counterfactual import CounterfactualLine, Normalized, NormalizedLine
from tieout.report.sections.coverage import CoverageLine
from tieout.report.sections.cumulative import Cumulative, CumulativePoint, DeploymentDay
from tieout.report.sections.daily import DailyCost
from tieout.report.sections.definitions import Definition
from tieout.report.sections.functions import CallDay, DearDay, DeployedConfiguration, FunctionDetail, slug_of
from tieout.report.sections.guardrails import GuardrailGroup, GuardrailRow
from tieout.report.sections.headline import Check, Headline, HeadlineRates
from tieout.report.sections.history import CostDay, FunctionHistory, NamedAmount, SpendHistory, WeekSpend
from tieout.report.sections.ledger import Ledger, LedgerRow
from tieout.report.sections.months import MonthReconciled, NamedAdjustment
from tieout.report.sections.opportunities import Opportunities, Opportunity, OpportunityKind
from tieout.report.sections.restatements import RestatementLine, Restatements
from tieout.report.sections.revisions import PastRevision, Revision
from tieout.report.sections.rollout import RolloutLine
from tieout.report.sections.savings import SavingGroup, SavingLine, Savings, SavingTotal, Standing
from tieout.report.sections.spend import (
    ComponentSpend,
    FunctionSpend,
    PhaseSpend,
    Spend,
    Unattributed,
    UnattributedLine,
)
from tieout.report.sections.tie_out import Gate, GateOutcome, TieOut
from tieout.report.wording import Share
from tieout.savings.days import BaselinePeriod

WEEK = IsoWeek.parse("2026-W46")


def usd(text: str) -> Decimal:
    return Decimal(text)


def share(part: str, whole: str) -> Share:
    return Share(Decimal(part), Decimal(whole))


def _phase(name: str, execution: str, idle: str, unexplained: str, total: str) -> PhaseSpend:
    return PhaseSpend(name, usd(total), _components(execution, idle, unexplained))


def _components(execution: str, idle: str, unexplained: str) -> tuple[ComponentSpend, ...]:
    amounts = {"execution": execution, "idle": idle, "unexplained": unexplained}
    return tuple(ComponentSpend(name, usd(amount)) for name, amount in amounts.items())


SPEND = Spend(
    total_usd=usd("100.00"),
    functions=(
        FunctionSpend(
            "generate_code_modal",
            usd("90.00"),
            share("90", "100"),
            (_phase("baseline", "3.00", "2.00", "0.00", "5.00"), _phase("phase-1", "60.00", "24.50", "0.50", "85.00")),
            _components("63.00", "26.50", "0.50"),
        ),
        FunctionSpend(
            "evaluate_genome_modal",
            usd("10.00"),
            share("10", "100"),
            (_phase("phase-2", "8.25", "1.50", "0.25", "10.00"),),
            _components("8.25", "1.50", "0.25"),
        ),
    ),
    components=_components("71.25", "28.00", "0.75"),
)

VERIFIED = Standing("verified")
REVERSED = Standing(
    "reversed", ("cost rose, and the whole interval says so", "too little data to clear the error rate")
)
UNMET = Standing(
    "premise not met",
    (
        "what was deployed before is not what the catalog says (catalog A100-40GB, deployed no GPU)",
        "no call succeeded in the baseline",
    ),
)
EXTRAPOLATED = "extrapolated: the baseline has not seen the volume of 1 day (Sat 14 Nov 2026)"
SMALL = Standing("not determinable", ("the interval includes zero", EXTRAPOLATED))

SAVINGS = Savings(
    measured_days=6,
    baseline=BaselinePeriod(dt.date(2026, 9, 21), dt.date(2026, 10, 19)),
    baseline_days_landed=27,
    groups=(
        SavingGroup(
            "Functions in the projection",
            (
                SavingLine(
                    function="generate_code_modal",
                    projected_usd_per_day=usd("1080.00"),
                    counterfactual_usd=usd("140.00"),
                    actual_usd=usd("80.00"),
                    avoided_usd=usd("60.00"),
                    half_width_usd=usd("6.30"),
                    successful_calls=8109,
                    before_unit_usd=usd("0.017264"),
                    after_unit_usd=usd("0.009866"),
                    realization=share("10", "1080"),
                    standing=VERIFIED,
                ),
                SavingLine(
                    function="evaluate_genome_modal",
                    projected_usd_per_day=usd("504.00"),
                    counterfactual_usd=usd("8.50"),
                    actual_usd=usd("10.00"),
                    avoided_usd=usd("-1.50"),
                    half_width_usd=usd("0.90"),
                    successful_calls=12,
                    before_unit_usd=usd("0.708333"),
                    after_unit_usd=usd("0.833333"),
                    realization=share("-0.25", "504"),
                    standing=REVERSED,
                ),
                SavingLine(
                    function="get_evolution_progress_modal",
                    projected_usd_per_day=usd("1190.40"),
                    counterfactual_usd=None,
                    actual_usd=None,
                    avoided_usd=None,
                    half_width_usd=None,
                    successful_calls=0,
                    before_unit_usd=None,
                    after_unit_usd=None,
                    realization=None,
                    standing=UNMET,
                ),
            ),
            SavingTotal(usd("2774.40"), usd("148.50"), usd("90.00"), usd("58.50"), None, share("9.75", "2774.40")),
        ),
        SavingGroup(
            "Other functions of the programme",
            (
                SavingLine(
                    function="evaluate_code_modal",
                    projected_usd_per_day=None,
                    counterfactual_usd=usd("0.02"),
                    actual_usd=usd("0.02"),
                    avoided_usd=usd("0.00"),
                    half_width_usd=usd("0.01"),
                    successful_calls=3,
                    before_unit_usd=usd("0.006667"),
                    after_unit_usd=usd("0.006667"),
                    realization=None,
                    standing=SMALL,
                ),
            ),
            SavingTotal(None, usd("0.02"), usd("0.02"), usd("0.00"), None, None),
        ),
    ),
    total=SavingTotal(usd("2774.40"), usd("148.52"), usd("90.02"), usd("58.50"), usd("6.42"), share("9.75", "2774.40")),
    silent_functions=("train_lora_modal",),
)

HEADLINE = Headline(
    week=WEEK,
    measured_days=6,
    avoided_usd=usd("58.50"),
    half_width_usd=usd("6.42"),
    avoided_usd_per_day=usd("9.75"),
    half_width_usd_per_day=usd("1.07"),
    standing=Standing("provisional", ("the bill of 1 day (Sat 14 Nov 2026) may still change",)),
    published_usd_per_day=usd("4140"),
    lines_usd_per_day=usd("4137.60"),
    restated_usd_per_day=usd("24.00"),
    rates=HeadlineRates(share("9.75", "4140"), share("9.75", "24"), share("58.50", "148.52"), share("4137.60", "6540")),
    cash_change_usd=usd("-12.34"),
    baseline_usd_per_day=usd("195.23"),
    premises_not_met=(1, 3),
    checks=(
        Check("log and bill match for the claim", is_clear=True),
        Check("bill settled", is_clear=False, why="the bill of 1 day (Sat 14 Nov 2026) may still change"),
    ),
)

LEDGER = Ledger(
    rows=(
        LedgerRow("phase-1", "generate_code_modal", VERIFIED, usd("60.00"), usd("6.30")),
        LedgerRow("phase-1", "get_evolution_progress_modal", UNMET, None, None),
        LedgerRow("phase-1", "evaluate_code_modal", SMALL, usd("0.00"), usd("0.01")),
        LedgerRow("phase-2", "evaluate_genome_modal", REVERSED, usd("-1.50"), usd("0.90")),
        LedgerRow("phase-3", "train_lora_modal", Standing("proposed"), None, None),
    ),
    total_usd=usd("58.50"),
    half_width_usd=usd("6.42"),
)


def _row(label: str, amounts: str, kind: str) -> BridgeRow:
    *phases, total = (None if amount == "-" else usd(amount) for amount in amounts.split())
    assert total is not None
    return BridgeRow(label, tuple(phases), total, kind == "end")


BRIDGE = BridgeTables(
    phases=("phase-1", "phase-2"),
    stages=(
        (
            _row("published saving", "- - 4140.00", "end"),
            _row("rounding of the published total", "- - -2.40", "down"),
            _row("the claim's own lines", "3633.60 504.00 4137.60", "end"),
            _row("measured seconds a call, not an hour", "-3611.60 -502.00 -4113.60", "down"),
            _row("restated projection", "22.00 2.00 24.00", "end"),
        ),
        (
            _row("restated projection", "22.00 2.00 24.00", "end"),
            _row("callers not moved yet", "-12.00 0.00 -12.00", "down"),
            _row("GPU cost of a second", "0.00 -2.25 -2.25", "down"),
            _row("realized saving", "10.00 -0.25 9.75", "end"),
        ),
    ),
    steps=("measured seconds a call, not an hour", "callers not moved yet", "GPU cost of a second"),
    functions=(
        FunctionBridge(
            function="generate_code_modal",
            phase="phase-1",
            claimed_usd=usd("3633.60"),
            correction_usd=usd("-3611.60"),
            restated_usd=usd("22.00"),
            drivers_usd=usd("-12.00"),
            rest_usd=usd("0.00"),
            realized_usd=usd("10.00"),
            steps=(usd("-3611.60"), usd("-12.00"), usd("0.00")),
        ),
        FunctionBridge(
            function="evaluate_genome_modal",
            phase="phase-2",
            claimed_usd=usd("504.00"),
            correction_usd=usd("-502.00"),
            restated_usd=usd("2.00"),
            drivers_usd=usd("-2.25"),
            rest_usd=usd("0.00"),
            realized_usd=usd("-0.25"),
            steps=(usd("-502.00"), usd("0.00"), usd("-2.25")),
        ),
    ),
    remarks=("The realized saving includes the adjustments of the ledger; the headline does not.",),
)

GUARDRAILS = (
    GuardrailGroup(
        "generate_code_modal",
        "pass",
        (
            GuardrailRow("error rate", "0.75%", "0.81%", "+0.06 pp", "≤ +0.21 pp", "1 pp", "pass", ""),
            GuardrailRow("p95 seconds", "57.34 s", "62.93 s", "×1.10", "≤ ×1.11", "×1.25", "pass", ""),
        ),
    ),
    GuardrailGroup(
        "evaluate_genome_modal",
        "fail",
        (
            GuardrailRow(
                "error rate", "0.00%", "0.00%", "0.00 pp", "≤ +4.87 pp", "1 pp", "inconclusive", "too little data"
            ),
            GuardrailRow(
                "memory kills", "0.00%", "9.10%", "+9.10 pp", "≥ +7.00 pp", "1 pp", "fail", "beyond the margin"
            ),
        ),
    ),
)

NORMALIZED = Normalized(
    lines=(
        NormalizedLine("generate_code_modal", usd("1080.00"), usd("32.64"), share("32.64", "1080")),
        NormalizedLine("get_evolution_progress_modal", usd("1190.40"), None, None),
    ),
    claimed_usd=usd("2270.40"),
    normalized_usd=usd("32.64"),
    share=share("32.64", "2270.40"),
)

COUNTERFACTUALS = (
    CounterfactualLine(
        function="generate_code_modal",
        form="with intercept",
        usd_per_day=usd("12.94"),
        usd_per_call=usd("0.05194"),
        baseline_days=28,
        calls_range=(816, 1698),
        scatter="1.9%",
        remarks=(),
    ),
    CounterfactualLine(
        function="evaluate_code_modal",
        form="proportional",
        usd_per_day=usd("0"),
        usd_per_call=usd("0.00667"),
        baseline_days=28,
        calls_range=(0, 2),
        scatter="–",
        remarks=(EXTRAPOLATED,),
    ),
)

FIRST_DEPLOYMENT = dt.date(2026, 11, 2)
# What every day of two weeks avoided; `-` for a deployment day and a day without its bill.
_AVOIDED = ["-", "8.25", "-", "10.40", "9.10", "7.75", "9.50", "9.75", "10.25", "9.00", "8.50", "10.75", "10.25", "-"]


def _points() -> tuple[CumulativePoint, ...]:
    avoided = [None if amount == "-" else usd(amount) for amount in _AVOIDED]
    reached = itertools.accumulate(amount or usd("0") for amount in avoided)
    counted = itertools.accumulate(int(amount is not None) for amount in avoided)
    return tuple(
        CumulativePoint(
            day=FIRST_DEPLOYMENT + dt.timedelta(days=position),
            avoided_usd=amount,
            cumulative_usd=cumulative,
            half_width_usd=usd("1.10") * days if days else None,
            published_usd=usd("4140") * days,
            restated_usd=usd("24.00") * days,
        )
        for position, (amount, cumulative, days) in enumerate(zip(avoided, reached, counted, strict=True))
    )


CUMULATIVE = Cumulative(
    points=_points(),
    deployments=(DeploymentDay("phase-1", FIRST_DEPLOYMENT), DeploymentDay("phase-2", dt.date(2026, 11, 4))),
)

CHANGES = Changes(
    before=WEEK.previous(),
    rows=(
        ChangeRow("avoided cost a measured day", Quantity.USD, usd("9.00"), usd("9.75")),
        ChangeRow("Uncertainty (±), half of the 90% interval", Quantity.USD, None, usd("1.07")),
        ChangeRow("bill of the week", Quantity.USD, usd("118.40"), usd("100.00")),
        ChangeRow("successful calls", Quantity.COUNT, usd("8300"), usd("8124")),
        ChangeRow("realized of the restated projection", Quantity.PERCENT, usd("37.5"), usd("40.6")),
    ),
    avoided=Movement(
        usd("9.00"),
        usd("9.75"),
        (
            Mover("generate_code_modal", usd("9.10"), usd("10.00")),
            Mover("evaluate_genome_modal", usd("-0.10"), usd("-0.25")),
        ),
    ),
    cost=Movement(
        usd("118.40"),
        usd("100.00"),
        (
            Mover("generate_code_modal", usd("109.00"), usd("90.00")),
            Mover("evaluate_genome_modal", usd("9.40"), usd("10.00")),
        ),
    ),
    statuses=(StatusChange("generate_code_modal", "provisional", "verified"),),
    remarks=(
        "The bill of 6 days is landed in this week and of 7 in the week before, so their bills differ by that too.",
    ),
)


def _history(function: str, deployed: dt.date, before: str, after: str) -> FunctionHistory:
    """Three weeks at a steady cost before and after a deployment; the last day has no bill."""
    days = [day for week in (WEEK.previous().previous(), WEEK.previous(), WEEK) for day in week.days()]
    actual = {day: usd(before if day < deployed else after) for day in days[:-1]}
    cost_days = (CostDay(day, actual.get(day), usd(before) if day in actual else None) for day in days)
    return FunctionHistory(function, deployed, tuple(cost_days))


HISTORY = SpendHistory(
    weeks=(
        WeekSpend(
            WEEK.previous(),
            usd("118.40"),
            (NamedAmount("generate_code_modal", usd("109.00")), NamedAmount("evaluate_genome_modal", usd("9.40"))),
            (
                NamedAmount("execution", usd("84.10")),
                NamedAmount("idle", usd("33.30")),
                NamedAmount("unexplained", usd("1.00")),
            ),
        ),
        WeekSpend(
            WEEK,
            usd("100.00"),
            (NamedAmount("generate_code_modal", usd("90.00")), NamedAmount("evaluate_genome_modal", usd("10.00"))),
            (
                NamedAmount("execution", usd("71.25")),
                NamedAmount("idle", usd("28.00")),
                NamedAmount("unexplained", usd("0.75")),
            ),
        ),
    ),
    functions=(
        _history("generate_code_modal", FIRST_DEPLOYMENT, "23.33", "13.33"),
        _history("evaluate_genome_modal", dt.date(2026, 11, 4), "1.42", "1.67"),
    ),
)

OPPORTUNITIES = Opportunities(
    days=6,
    lines=(
        Opportunity(
            function="generate_code_modal",
            kind=OpportunityKind.IDLE,
            usd_per_day=usd("4.42"),
            share=share("26.50", "90"),
            measured="14.2 h a day of containers that wait; the scaledown window is 300 s",
            remedy="a shorter scaledown window, or more inputs to a container (`@modal.concurrent`)",
        ),
        Opportunity(
            function="evaluate_genome_modal",
            kind=OpportunityKind.WITHOUT_A_CALL,
            usd_per_day=usd("0.04"),
            share=share("0.25", "10"),
            measured="billed beyond what the call log explains: $0.04 unexplained",
            remedy="call logs that are missing, or container series, which say whose it is",
        ),
    ),
    left_out=2,
    largest_left_out_usd=usd("0.03"),
)

AUDIT = (
    AuditEntry(
        code=AuditCode.SAVING_PER_DAY,
        severity=Severity.INFO,
        subject="CORAL-X",
        statement="The daily saving, published as $4,140, is rounded; its lines come to $4,137.60.",
        arithmetic="6,540 − 2,402.40 = 4,137.60",
        published=figure(usd("4140"), Unit.USD_PER_DAY),
        computed=figure(usd("4137.60"), Unit.USD_PER_DAY),
    ),
)

REVISION = Revision(
    number=2,
    issued_at=dt.datetime(2026, 11, 19, 9, 30),  # noqa: DTZ001 - naive UTC, as everywhere
    moved=(
        "generate_code_modal: $88.40 is now $90.00 (+$1.60), because of billing_report/2026-11-12.resources.r3.json.",
        "Avoided cost: $60.10 ± $6.42 is now $58.50 ± $6.42.",
    ),
    past=(
        PastRevision(
            number=1,
            issued_at=dt.datetime(2026, 11, 17, 3, 15),  # noqa: DTZ001 - naive UTC, as everywhere
            avoided_usd=usd("60.10"),
            half_width_usd=usd("6.42"),
            cost_usd=usd("98.40"),
            input_sha256="4" * 64,
            href="revision-1/index.html",
        ),
    ),
)

RESTATEMENTS = Restatements(
    lines=(
        RestatementLine(
            week=WEEK.previous().label,
            function="generate_code_modal",
            before_usd=usd("108.00"),
            after_usd=usd("109.00"),
            moved_usd=usd("1.00"),
            files=(
                "billing_report/2026-11-05.plain.r3.json",
                "billing_report/2026-11-05.resources.r3.json",
                "function_calls/app=coral-x-production/function=generate_code_modal/2026-11-05.r2.json",
                "function_calls/app=coral-x-production/function=generate_code_modal/2026-11-06.r2.json",
            ),
        ),
        RestatementLine(
            week=WEEK.previous().label,
            function="evaluate_genome_modal",
            before_usd=usd("9.65"),
            after_usd=usd("9.40"),
            moved_usd=usd("-0.25"),
            causes=("the edited catalog",),
        ),
    ),
    total_usd=usd("0.75"),
)

GATES = (
    Gate("G1", "Attributed cost equals the bill in every pool", GateOutcome.PASSED, "1,342 pools, none off."),
    Gate("G4", "Metered plus adjustments equals billed", GateOutcome.BLOCKED, "2026-11: difference −$0.01000000."),
    Gate("G5", "The invoice is what was billed", GateOutcome.NOT_MEASURED, "2026-11: no invoice is landed."),
    Gate(
        "G6",
        "The call log accounts for the bill",
        GateOutcome.WARNING,
        "Of 14 function days: 13 matched and 1 bill only.",
        ("generate_code_modal on Mon 9 Nov 2026: bill only, bill $1.00, log $0.00, coverage 0.0%.",),
    ),
)

DAILY = (
    DailyCost(WEEK.start, "evaluate_genome_modal", "phase-2", usd("10.000000000001"), 12),
    DailyCost(WEEK.start, "generate_code_modal", "baseline", usd("5.000000000000"), 80),
    DailyCost(WEEK.days()[1], "generate_code_modal", "phase-1", usd("85.001234567889"), 8109),
)

MONTHS = (
    MonthReconciled(
        month=dt.date(2026, 11, 1),
        itemised_usd=usd("1721.138168080000"),
        not_itemised_usd=usd("0.002259680000"),
        metered_usd=usd("1721.140427760000"),
        adjustments=(NamedAdjustment("credits", usd("-102.228037360000")), NamedAdjustment("plan", usd("250"))),
        billed_usd=usd("1868.922390400000"),
        bill_difference_usd=usd("-0.010000000000"),
        invoice_number="2026-11-0042",
        invoice_currency="USD",
        invoice_total=usd("1868.922390400000"),
        invoice_rounding_usd=usd("0.000000000000"),
        invoice_difference_usd=usd("0.000000000000"),
    ),
)

FUNCTIONS = tuple(
    FunctionDetail(
        function=name,
        slug=slug_of(name),
        low_usd=usd(low),
        high_usd=usd(high),
        configurations=(
            DeployedConfiguration(
                None, None, "coral-x-production", "baseline", "A100-40GB, idle window 60 s", "catalog"
            ),
            DeployedConfiguration(
                dt.datetime(2026, 11, 2, 14, 20),  # noqa: DTZ001 - naive UTC, as everywhere
                "v4",
                "coral-x-production-optimized",
                "phase-1",
                "A10G, 8,192 MiB, timeout 600 s, idle window 60 s",
                "function info",
            ),
        ),
        days=(CallDay(WEEK.days()[0], 1187, 1204, 16, 0, 1), CallDay(WEEK.days()[1], 0, 0, 0, 0, 0)),
        dearest=(DearDay(dt.date(2026, 9, 22), usd("100.58")), DearDay(WEEK.days()[0], usd("14.20"))),
    )
    for name, low, high in (("generate_code_modal", "88.10", "91.95"), ("evaluate_genome_modal", "9.50", "10.40"))
)

REPORT = WeeklyReport(
    programme="CORAL-X",
    week=WEEK,
    method_version="1",
    inputs=Inputs(dt.datetime(2026, 11, 17, 2), 435, "5" * 64, "c" * 64, None),  # noqa: DTZ001 - naive UTC, as everywhere
    revision=REVISION,
    restatements=RESTATEMENTS,
    days=(
        *(ReportDay(day, DayState.SETTLED) for day in WEEK.days()[:5]),
        ReportDay(WEEK.days()[5], DayState.PROVISIONAL),
        ReportDay(WEEK.days()[6], DayState.NOT_LANDED),
    ),
    headline=HEADLINE,
    tie_out=TieOut(168, 1342, 0, usd("100.001234567890"), usd("100.001234567890")),
    gates=GATES,
    spend=SPEND,
    savings=SAVINGS,
    ledger=LEDGER,
    bridge=BRIDGE,
    guardrails=GUARDRAILS,
    normalized=NORMALIZED,
    counterfactuals=COUNTERFACTUALS,
    cumulative=CUMULATIVE,
    changes=CHANGES,
    history=HISTORY,
    opportunities=OPPORTUNITIES,
    audit=AUDIT,
    functions=FUNCTIONS,
    coverage=(
        CoverageLine(
            "generate_code_modal",
            usd("90"),
            usd("90.00"),
            usd("88.2"),
            share("88.2", "90"),
            usd("88.1"),
            usd("91.95"),
        ),
        CoverageLine("evaluate_genome_modal", usd("0"), usd("0.00"), usd("0.5"), None),
    ),
    rollout=(
        RolloutLine(
            function="generate_code_modal",
            phase="phase-1",
            days=7,
            moved_calls=8109,
            calls=8189,
            calls_share=share("8109", "8189"),
            moved_usd=usd("85.00"),
            elsewhere_usd=usd("5.00"),
            cost_share=share("85", "90"),
        ),
    ),
    unattributed=Unattributed(
        usd("1.82"),
        share("1.82", "100"),
        (
            UnattributedLine("direct", "coral-x-clean-cache", "all", usd("1.07")),
            UnattributedLine("unexplained", "coral-x-production-optimized", "A10G", usd("0.75")),
        ),
    ),
    findings=(
        Finding(
            code="premise_not_met",
            severity=Severity.WARNING,
            subject="get_evolution_progress_modal",
            message="premise not met: the catalog's “before” says A100-40GB; coral-x-production had no GPU.",
            data={"deployed": "no GPU and 1 core"},
        ),
    ),
    adjustments=(
        Adjustment.model_validate(
            {
                "day": dt.date(2026, 11, 11),
                "function": "generate_code_modal",
                "amount_usd": "-4.20",
                "cause": "a backfill that ran once",
                "evidence": "run log of 11 Nov 2026",
            }
        ),
    ),
    definitions=(Definition("Pool", "one billed amount: environment × object × interval × resource"),),
    daily=DAILY,
    months=MONTHS,
)
