"""The weekly report as a frozen value, the list of its sections, and how they are read.

A new section is a module in `report.sections`, a partial template in `reports/sections/`, and here a field, its reader
and a line in `SECTIONS`; `report.pages` says on which page it stands. Amounts in tables are whole cents that add up to
the totals printed beside them; amounts that prove something (the tie-out) are exact. Sentences are made with the
values, so that every format says the same.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import duckdb

from tieout.audit.entries import AuditEntry
from tieout.audit.projection import audit_projection
from tieout.catalog.models import Adjustment, Catalog
from tieout.core.findings import Finding
from tieout.core.money import format_usd
from tieout.core.periods import IsoWeek
from tieout.measure.context import read_error_bars
from tieout.measure.earlier_weeks import claims_of_earlier_weeks
from tieout.measure.week_cents import read_week_cents
from tieout.report.formats.sheets import Sheet
from tieout.report.inputs import DayState, Inputs, ReportDay, days_of_week, read_inputs
from tieout.report.section import CostColumn, Section
from tieout.report.sections.audit import write_audit
from tieout.report.sections.bridge import BridgeTables, describe_bridge, write_bridge, write_function_bridges
from tieout.report.sections.changes import Changes, read_changes
from tieout.report.sections.counterfactual import (
    CounterfactualLine,
    Normalized,
    describe_counterfactuals,
    describe_normalized,
    write_counterfactuals,
    write_normalized,
)
from tieout.report.sections.coverage import CoverageLine, read_coverage, write_coverage
from tieout.report.sections.cumulative import Cumulative, describe_cumulative
from tieout.report.sections.daily import DailyCost, read_daily, write_daily
from tieout.report.sections.definitions import DEFINITIONS, Definition, write_definitions
from tieout.report.sections.findings import read_findings, write_findings
from tieout.report.sections.functions import FunctionDetail, read_functions
from tieout.report.sections.gates import read_gates, write_gates
from tieout.report.sections.guardrails import GuardrailGroup, describe_guardrails, write_guardrails
from tieout.report.sections.headline import Headline, describe_headline
from tieout.report.sections.history import SpendHistory, describe_history, weeks_of_history
from tieout.report.sections.ledger import Ledger, LedgerRow, describe_ledger, write_ledger
from tieout.report.sections.months import MonthReconciled, read_months
from tieout.report.sections.opportunities import Opportunities, read_opportunities, write_opportunities
from tieout.report.sections.provenance import write_inputs
from tieout.report.sections.restatements import Restatements, read_restatements, write_restatements
from tieout.report.sections.revisions import Revision
from tieout.report.sections.rollout import RolloutLine, read_rollout, write_rollout
from tieout.report.sections.savings import Savings, describe_savings, write_savings
from tieout.report.sections.spend import (
    FunctionSpend,
    Spend,
    Unattributed,
    read_spends,
    read_unattributed,
    write_spend,
    write_unattributed,
)
from tieout.report.sections.tie_out import Gate, GateOutcome, TieOut, TieVerdict, read_tie_out, write_reconciliation
from tieout.report.sections.trend import write_trend
from tieout.report.sections.witnesses import Witnesses, describe_witnesses, write_witnesses
from tieout.report.week_data import WeekData
from tieout.report.wording import is_residual, listing, span, spoken
from tieout.savings.daily_work import DailyWork
from tieout.savings.printed import printed_saving
from tieout.savings.week import METHOD_VERSION, WeekMeasurement

SECTIONS = (
    Section("tie_out", "Tie-out", ("tie_out", "gates", "months", "invoices")),
    Section("changes", "What changed", ("movers", "restatements", "closed_weeks")),
    Section("bridge", "From the published to the realized saving", ("bridge",)),
    Section("cumulative", "Realized so far", ("savings_to_date",)),
    Section("ledger", "Ledger: every function in every phase", ("ledger", "savings", "unit_costs")),
    Section("guardrails", "Guardrails", ("guardrails",)),
    Section("spend", "Where the money went", ("spend_of_week", "unattributed")),
    Section("audit", "The projection audited", ("audit",)),
    Section("coverage", "Data coverage", ("coverage", "files", "quarantine"), address="sufficiency"),
    Section("findings", "Findings and adjustments", ("adjustments",)),
    Section("opportunities", "Next opportunities", ("idle",)),
    Section("definitions", "Definitions"),
)
"""The sections of the evidence, in their order."""
_SPEND_ONLY = ("spend", "opportunities", "changes", "tie_out", "coverage", "findings", "definitions")
_OF_A_PROJECTION = frozenset({"bridge", "audit"})
_DEAREST = 3


@dataclass(frozen=True)
class WeeklyReport:
    """One week of one programme, ready to be printed.

    A section that can have nothing to say has a default that says so.

    Attributes:
        is_spend_only: whether the programme names neither a change nor a claim, so that spend leads.
        has_projection: whether there is a projection to hold savings against.
    """

    programme: str
    week: IsoWeek
    method_version: str
    inputs: Inputs
    days: tuple[ReportDay, ...]
    revision: Revision
    headline: Headline
    tie_out: TieOut
    gates: tuple[Gate, ...]
    spend: Spend
    savings: Savings
    ledger: Ledger
    history: SpendHistory
    opportunities: Opportunities
    unattributed: Unattributed
    definitions: tuple[Definition, ...]
    restatements: Restatements = field(default_factory=Restatements)
    changes: Changes | None = None
    bridge: BridgeTables | None = None
    rollout: tuple[RolloutLine, ...] = ()
    cumulative: Cumulative | None = None
    normalized: Normalized | None = None
    counterfactuals: tuple[CounterfactualLine, ...] = ()
    witnesses: Witnesses | None = None
    guardrails: tuple[GuardrailGroup, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    coverage: tuple[CoverageLine, ...] = ()
    findings: tuple[Finding, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    daily: tuple[DailyCost, ...] = ()
    functions: tuple[FunctionDetail, ...] = ()
    months: tuple[MonthReconciled, ...] = ()
    is_spend_only: bool = False
    has_projection: bool = True

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections after the headline: all that have a claim and a projection to speak of, or spend first."""
        if self.is_spend_only:
            return tuple(section for name in _SPEND_ONLY for section in SECTIONS if section.name == name)
        return tuple(section for section in SECTIONS if self.has_projection or section.name not in _OF_A_PROJECTION)

    @cached_property
    def pages_of_functions(self) -> dict[str, str]:
        """The file of every function that has a page of its own."""
        return {detail.function: detail.file for detail in self.functions}

    @property
    def dearest(self) -> tuple[FunctionSpend, ...]:
        """The functions and servers that cost most in the week, without what belongs to none."""
        return tuple(each for each in self.spend.functions if not is_residual(each.function))[:_DEAREST]

    @property
    def spend_sentence(self) -> str:
        """What the week cost, how much of it served no call, and the dearest functions."""
        share = f", {self.unattributed.share} of it without a call" if self.unattributed.total_usd else ""
        sentence = f"{format_usd(self.spend.total_usd)} was spent in {self.week.label}{share}."
        if not self.dearest:
            return sentence
        named = listing([f"{spoken(each.function)} ({format_usd(each.amount_usd)})" for each in self.dearest])
        return f"{sentence} The dearest: {named}."

    @property
    def span(self) -> str:
        """First to last day."""
        return span(self.week.start, self.week.end)

    @property
    def blocked_sentence(self) -> str | None:
        """Why the figures must not be used; None when they may."""
        codes = [gate.code for gate in self.gates if gate.outcome is GateOutcome.BLOCKED]
        if not codes:
            return None
        verb = "is" if len(codes) == 1 else "are"
        return f"Blocked: {listing(codes)} {verb} not passed. Do not use the figures of this week."

    @property
    def is_final(self) -> bool:
        """Whether every day is settled."""
        return all(day.state is DayState.SETTLED for day in self.days)

    @property
    def tie_verdict(self) -> TieVerdict:
        """Whether the numbers tie, in a word or two."""
        if self.blocked_sentence is not None:
            return TieVerdict("Does not tie", GateOutcome.BLOCKED)
        if not self.tie_out.pools:
            return TieVerdict("Nothing billed", GateOutcome.NOT_MEASURED)
        return TieVerdict("Ties out", GateOutcome.PASSED)

    @property
    def gates_sentence(self) -> str:
        """How many gates are passed, warn, block or are not measured, and which."""
        parts = []
        for outcome in GateOutcome:
            codes = [gate.code for gate in self.gates if gate.outcome is outcome]
            named = f" ({', '.join(codes)})" if outcome is not GateOutcome.PASSED else ""
            if codes:
                parts.append(f"{len(codes)} {outcome}{named}")
        return f"Gates: {listing(parts)}."

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a person must know first: a blocked gate, the spend where nothing is claimed, the headline."""
        blocked = self.blocked_sentence
        spend = (self.spend_sentence,) if self.is_spend_only else ()
        return (*(() if blocked is None else (blocked,)), *spend, *self.headline.sentences)

    @property
    def days_sentence(self) -> str:
        """How many days are settled, provisional and not landed."""
        states = [day.state for day in self.days]
        parts = [f"{states.count(state)} {state}" for state in DayState if state in states]
        final = " The week is final." if states.count(DayState.SETTLED) == len(states) else ""
        return f"Days: {listing(parts)}.{final}"

    @property
    def as_of_sentence(self) -> str:
        """When the newest delivery for the week was fetched."""
        if self.inputs.as_of is None:
            return "No data of this week is loaded."
        return f"Data as of {self.inputs.as_of:%Y-%m-%d %H:%M} UTC."


@dataclass(frozen=True)
class Tab:
    """A sheet of the workbook.

    Attributes:
        name: on its tab.
        write: writes it; returns the column that adds up to the cost of the week, if it has one.
        is_wide: whether it prints on its side.
    """

    name: str
    write: Callable[[Sheet, WeeklyReport], CostColumn | None]
    is_wide: bool = False


SHEETS = (
    Tab(
        "Ledger",
        lambda sheet, r: write_ledger(sheet, r.ledger, baseline=r.savings.baseline_sentence, total=r.headline.standing),
        is_wide=True,
    ),
    Tab("Savings", lambda sheet, r: write_savings(sheet, r.savings, has_projection=r.has_projection), is_wide=True),
    Tab("Witnesses", lambda sheet, r: write_witnesses(sheet, r.witnesses)),
    Tab("Projection", lambda sheet, r: write_normalized(sheet, r.normalized)),
    Tab("Counterfactual", lambda sheet, r: write_counterfactuals(sheet, r.counterfactuals), is_wide=True),
    Tab("Spend", lambda sheet, r: write_spend(sheet, r.spend, span=r.span)),
    Tab("Without a call", lambda sheet, r: write_unattributed(sheet, r.unattributed)),
    Tab("Opportunities", lambda sheet, r: write_opportunities(sheet, r.opportunities), is_wide=True),
    Tab("Daily", lambda sheet, r: write_daily(sheet, r.daily, r.days, span=r.span)),
    Tab("Trend", lambda sheet, r: write_trend(sheet, r.history, r.cumulative), is_wide=True),
    Tab("Bridge", lambda sheet, r: write_bridge(sheet, r.bridge), is_wide=True),
    Tab("Functions of the bridge", lambda sheet, r: write_function_bridges(sheet, r.bridge), is_wide=True),
    Tab("Rollout", lambda sheet, r: write_rollout(sheet, r.rollout), is_wide=True),
    Tab("Guardrails", lambda sheet, r: write_guardrails(sheet, r.guardrails), is_wide=True),
    Tab("Reconciliation", lambda sheet, r: write_reconciliation(sheet, r.tie_out, r.months)),
    Tab("Gates", lambda sheet, r: write_gates(sheet, r.gates, summary=r.gates_sentence), is_wide=True),
    Tab("Restatements", lambda sheet, r: write_restatements(sheet, r.restatements), is_wide=True),
    Tab("Coverage", lambda sheet, r: write_coverage(sheet, r.coverage)),
    Tab("Findings", lambda sheet, r: write_findings(sheet, r.findings), is_wide=True),
    Tab("Audit", lambda sheet, r: write_audit(sheet, r.audit), is_wide=True),
    Tab("Definitions", lambda sheet, r: write_definitions(sheet, r.definitions)),
    Tab("Inputs", lambda sheet, r: write_inputs(sheet, r.inputs, method=r.method_version, revision=r.revision.number)),
)
"""The sheets of the workbook after its summary, in their order."""
_NEED_A_CLAIM = frozenset(
    {
        "Ledger", "Savings", "Witnesses", "Projection", "Counterfactual", "Bridge", "Functions of the bridge",
        "Rollout", "Guardrails", "Audit",
    }
)  # fmt: skip
_NEED_A_PROJECTION = frozenset({"Projection", "Bridge", "Functions of the bridge", "Audit"})


def sheets_of(report: WeeklyReport) -> tuple[Tab, ...]:
    """The sheets that a report fills: all of them, or those that need no claim, or no projection."""
    left_out = _NEED_A_CLAIM if report.is_spend_only else frozenset() if report.has_projection else _NEED_A_PROJECTION
    return tuple(tab for tab in SHEETS if tab.name not in left_out)


def read_contents(data: WeekData) -> WeeklyReport:
    """Read every section of a week; which revision the week is, is still open."""
    con, week, catalog, measurement = data.con, data.week, data.catalog, data.measurement
    landed, days = data.landed.keys(), days_of_week(data.landed, week)
    spends = read_spends(con, weeks_of_history(con, week), catalog)
    tie_out, spend, costs = read_tie_out(con, week), spends[week], read_week_cents(con, week)
    printed = printed_saving(measurement, costs.of_environment(catalog.functions.environment))
    savings = describe_savings(measurement, catalog, printed)
    rollout = read_rollout(con, week, landed=landed, catalog=catalog, costs=costs)
    ledger = describe_ledger(measurement, savings, printed)
    coverage, unattributed = read_coverage(con, week, catalog, costs=costs), read_unattributed(con, week, spend=spend)
    return WeeklyReport(
        programme=catalog.rollout.programme,
        week=week,
        method_version=METHOD_VERSION,
        inputs=read_inputs(con, week, measurement.baseline, catalog, lock=data.lock),
        days=days,
        revision=Revision(1, None),
        headline=describe_headline(con, measurement, savings, catalog),
        tie_out=tie_out,
        gates=read_gates(con, week, tie_out=tie_out, days=days),
        spend=spend,
        savings=savings,
        ledger=ledger,
        history=describe_history(measurement, data.work, catalog, landed=landed, spends=spends),
        opportunities=read_opportunities(con, measurement, data.work, catalog, landed=landed, spend=spend),
        unattributed=unattributed,
        definitions=DEFINITIONS,
        restatements=read_restatements(con, week, catalog),
        changes=read_changes(data, spends=spends, rollout=rollout),
        bridge=describe_bridge(measurement, catalog),
        rollout=rollout,
        cumulative=_cumulative(con, measurement, data.work, catalog),
        normalized=describe_normalized(measurement, catalog),
        counterfactuals=describe_counterfactuals(measurement.functions),
        witnesses=describe_witnesses(measurement, printed),
        guardrails=describe_guardrails(measurement.functions),
        audit=tuple(audit_projection(catalog)),
        coverage=coverage,
        findings=(
            *read_findings(con, measurement, catalog=catalog, landed=data.landed, rollout=rollout),
            *data.lock_findings,
        ),
        adjustments=tuple(line for line in catalog.adjustments.adjustments if line.day in week.days()),
        daily=read_daily(con, week, catalog),
        functions=read_functions(con, week, catalog, named=_named(spend.functions, ledger.rows, coverage), costs=costs),
        months=read_months(con, week),
        is_spend_only=not catalog.rollout.phases and not catalog.projection.lines,
        has_projection=bool(catalog.projection.lines),
    )


def _cumulative(
    con: duckdb.DuckDBPyConnection, measurement: WeekMeasurement, work: Sequence[DailyWork], catalog: Catalog
) -> Cumulative | None:
    return describe_cumulative(
        measurement,
        work,
        catalog,
        earlier=claims_of_earlier_weeks(con, measurement, work, catalog),
        error_bars=read_error_bars(con, measurement.week, catalog, baseline=measurement.baseline),
    )


def _named(*parts: Iterable[FunctionSpend | LedgerRow | CoverageLine]) -> list[str]:
    """The functions that sections name, in the order of the sections."""
    return [each.function for part in parts for each in part]
