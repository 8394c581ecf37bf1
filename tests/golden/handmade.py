"""A small weekly report made by hand, with one of everything: the subject of the golden files."""

import datetime as dt
from decimal import Decimal

from pipelines.core.findings import Finding, Severity
from pipelines.core.periods import IsoWeek
from pipelines.core.savings import BaselinePeriod
from pipelines.report.contents import (
    ComponentSpend,
    CoverageLine,
    DayState,
    Definition,
    FunctionSpend,
    Gate,
    Headline,
    Inputs,
    Outcome,
    PhaseSpend,
    ReportDay,
    RolloutLine,
    SavingGroup,
    SavingLine,
    Savings,
    SavingTotal,
    Spend,
    TieOut,
    Unattributed,
    UnattributedLine,
    WeeklyReport,
)
from pipelines.report.wording import Share

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
                    successful_calls=8109,
                    before_unit_usd=usd("0.017264"),
                    after_unit_usd=usd("0.009866"),
                    realization=share("10", "1080"),
                    not_claimed_because=None,
                    premise=None,
                ),
                SavingLine(
                    function="evaluate_genome_modal",
                    projected_usd_per_day=usd("504.00"),
                    counterfactual_usd=usd("8.50"),
                    actual_usd=usd("10.00"),
                    avoided_usd=usd("-1.50"),
                    successful_calls=12,
                    before_unit_usd=usd("0.708333"),
                    after_unit_usd=usd("0.833333"),
                    realization=share("-0.25", "504"),
                    not_claimed_because=None,
                    premise=None,
                ),
                SavingLine(
                    function="get_evolution_progress_modal",
                    projected_usd_per_day=usd("1190.40"),
                    counterfactual_usd=None,
                    actual_usd=None,
                    avoided_usd=None,
                    successful_calls=0,
                    before_unit_usd=None,
                    after_unit_usd=None,
                    realization=None,
                    not_claimed_because="no call succeeded in the baseline",
                    premise="no GPU and 1 core",
                ),
            ),
            SavingTotal(usd("2774.40"), usd("148.50"), usd("90.00"), usd("58.50"), share("9.75", "2774.40")),
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
                    successful_calls=3,
                    before_unit_usd=usd("0.006667"),
                    after_unit_usd=usd("0.006667"),
                    realization=None,
                    not_claimed_because=None,
                    premise=None,
                ),
            ),
            SavingTotal(None, usd("0.02"), usd("0.02"), usd("0.00"), None),
        ),
    ),
    total=SavingTotal(usd("2774.40"), usd("148.52"), usd("90.02"), usd("58.50"), share("9.75", "2774.40")),
    silent_functions=("train_lora_modal",),
)

HEADLINE = Headline(
    week=WEEK,
    measured_days=6,
    avoided_usd=usd("58.50"),
    avoided_usd_per_day=usd("9.75"),
    counterfactual_usd=usd("148.52"),
    not_claimed_because=None,
    published_usd_per_day=usd("4140"),
    lines_usd_per_day=usd("4137.60"),
    published_cut_percent=usd("63.000000000000"),
    cash_change_usd=usd("-12.34"),
    baseline_usd_per_day=usd("195.23"),
    premises_not_met=(1, 3),
)

GATES = (
    Gate("G1", "Attributed cost equals the bill in every pool", Outcome.PASSED, "1,342 pools, none off."),
    Gate("G4", "Metered plus adjustments equals billed", Outcome.BLOCKED, "2026-11: difference −$0.01000000."),
    Gate("G5", "Invoice", Outcome.NOT_MEASURED, "Not measured yet: invoices are not read."),
    Gate(
        "G6",
        "The call log accounts for the bill",
        Outcome.WARNING,
        "Of 14 function days: 13 matched and 1 bill only.",
        ("generate_code_modal on Mon 9 Nov 2026: bill only, bill $1.00, log $0.00, coverage 0.0%.",),
    ),
)

REPORT = WeeklyReport(
    programme="CORAL-X",
    week=WEEK,
    method_version="1",
    inputs=Inputs(dt.datetime(2026, 11, 17, 2), 435, "5" * 64, "c" * 64),  # noqa: DTZ001 - naive UTC, as everywhere
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
    coverage=(
        CoverageLine("generate_code_modal", usd("90"), usd("88.2"), share("88.2", "90")),
        CoverageLine("evaluate_genome_modal", usd("0"), usd("0.5"), None),
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
    not_measured=("the interval around the avoided cost",),
    definitions=(Definition("Pool", "one billed amount: environment × object × interval × resource"),),
)
