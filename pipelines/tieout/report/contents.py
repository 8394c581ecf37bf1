"""The weekly report as a frozen value: everything that the HTML, the text and the command line print.

Amounts in tables are whole cents that add up to the totals printed beside them; amounts that prove something (the
tie-out) are exact. Sentences are made here, so that every form of the report says the same.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tieout.audit.entries import AuditEntry
from tieout.catalog.models import Adjustment
from tieout.core.findings import Finding
from tieout.core.money import format_usd
from tieout.core.periods import IsoWeek
from tieout.report.issue_contents import Restatements, Revision
from tieout.report.saving_contents import (
    BridgeTables,
    CounterfactualLine,
    GuardrailGroup,
    Headline,
    Ledger,
    Normalized,
    Savings,
)
from tieout.report.trend_contents import Changes, Cumulative, Opportunities, SpendHistory
from tieout.report.wording import Share, count, listing, span
from tieout.report.workings_contents import Workings


class DayState(StrEnum):
    """How far the bill of a day can be relied on."""

    SETTLED = "settled"
    PROVISIONAL = "provisional"
    NOT_LANDED = "not landed"


@dataclass(frozen=True)
class ReportDay:
    """One UTC day of the week. `not landed` also means: landed in part only."""

    day: dt.date
    state: DayState


@dataclass(frozen=True)
class Inputs:
    """What the report was computed from.

    Attributes:
        as_of: newest fetch (naive UTC) of a bill or call log that speaks for the week; None when there is none.
        deliveries: how many bills and call logs the hash covers.
        sha256: over content hashes and fetch times of the bills and call logs that speak for the week or its baseline,
            over what the summaries, invoices, prices, configurations and apps of that time came to, over the catalog,
            and over the frozen baseline.
        catalog_sha256: the catalog alone.
        baseline_sha256: the frozen baseline, the same as in its lock; None when it is not frozen.
    """

    as_of: dt.datetime | None
    deliveries: int
    sha256: str
    catalog_sha256: str
    baseline_sha256: str | None


@dataclass(frozen=True)
class TieOut:
    """The bill of the week against what was attributed of it, exact to 1e-12 $."""

    hours: int
    pools: int
    pools_off: int
    billed_usd: Decimal
    attributed_usd: Decimal

    @property
    def difference_usd(self) -> Decimal:
        """Attributed less billed: zero, or the week is blocked."""
        return self.attributed_usd - self.billed_usd

    @property
    def sentence(self) -> str:
        """The line that proves the week."""
        if not self.pools:
            return "Nothing was billed in the landed reports of this week, so there is nothing to tie out."
        billed, attributed = format_usd(self.billed_usd, 12), format_usd(self.attributed_usd, 12)
        amounts = f"{billed} billed = attributed"
        if self.billed_usd != self.attributed_usd:
            amounts = f"{billed} billed, {attributed} attributed"
        off = f", {count(self.pools_off, 'pool')} off" if self.pools_off else ""
        return (
            f"{count(self.hours, 'hour')}, {count(self.pools, 'pool')}{off}: {amounts}, "
            f"difference {format_usd(self.difference_usd, 12)}."
        )


class Outcome(StrEnum):
    """How a gate stands."""

    PASSED = "passed"
    WARNING = "warning"
    BLOCKED = "blocked"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Verdict:
    """A word or two, and how they stand."""

    word: str
    outcome: Outcome


@dataclass(frozen=True)
class Gate:
    """One gate of the reconciliation: what it came to, in a sentence with its figures, and lines worth a look."""

    code: str
    title: str
    outcome: Outcome
    sentence: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class ComponentSpend:
    """Cents of one component; zero where there is none."""

    component: str
    amount_usd: Decimal


@dataclass(frozen=True)
class PhaseSpend:
    """Cents of one rollout phase; its components add up to them. All phases list the same components."""

    phase: str
    amount_usd: Decimal
    components: tuple[ComponentSpend, ...]


@dataclass(frozen=True)
class FunctionSpend:
    """Cents of one function; its phases add up to them, and so do its components over all phases."""

    function: str
    amount_usd: Decimal
    share: Share | None
    phases: tuple[PhaseSpend, ...]
    components: tuple[ComponentSpend, ...]


@dataclass(frozen=True)
class Spend:
    """Cents of the week; its functions add up to them, and so do its components over all functions."""

    total_usd: Decimal
    functions: tuple[FunctionSpend, ...]
    components: tuple[ComponentSpend, ...]


@dataclass(frozen=True)
class CoverageLine:
    """How much of a function's cost the call log accounts for; amounts are exact."""

    function: str
    billed_usd: Decimal
    modelled_usd: Decimal
    coverage: Share | None


@dataclass(frozen=True)
class RolloutLine:
    """How far a function's callers have moved to its newest phase, over whole days after that phase's deployment.

    Amounts are exact.
    """

    function: str
    phase: str
    days: int
    moved_calls: int
    calls: int
    calls_share: Share | None
    moved_usd: Decimal
    elsewhere_usd: Decimal
    cost_share: Share | None


@dataclass(frozen=True)
class UnattributedLine:
    """Cost that no call explains, in cents."""

    component: str
    app: str
    resource: str
    amount_usd: Decimal


@dataclass(frozen=True)
class Unattributed:
    """All cost that no call explains; its lines add up to it."""

    total_usd: Decimal
    share: Share | None
    lines: tuple[UnattributedLine, ...]


@dataclass(frozen=True)
class Definition:
    """A term of the report in one line."""

    term: str
    text: str


@dataclass(frozen=True)
class WeeklyReport:
    """One week of one programme, ready to be printed."""

    programme: str
    week: IsoWeek
    method_version: str
    inputs: Inputs
    revision: Revision
    restatements: Restatements
    days: tuple[ReportDay, ...]
    headline: Headline
    tie_out: TieOut
    gates: tuple[Gate, ...]
    spend: Spend
    savings: Savings
    ledger: Ledger
    bridge: BridgeTables | None
    guardrails: tuple[GuardrailGroup, ...]
    normalized: Normalized | None
    counterfactuals: tuple[CounterfactualLine, ...]
    cumulative: Cumulative | None
    changes: Changes | None
    history: SpendHistory
    opportunities: Opportunities
    audit: tuple[AuditEntry, ...]
    coverage: tuple[CoverageLine, ...]
    rollout: tuple[RolloutLine, ...]
    unattributed: Unattributed
    findings: tuple[Finding, ...]
    adjustments: tuple[Adjustment, ...]
    definitions: tuple[Definition, ...]
    workings: Workings

    @property
    def span(self) -> str:
        """First to last day."""
        return span(self.week.start, self.week.end)

    @property
    def blocked_sentence(self) -> str | None:
        """Why the figures must not be used; None when they may."""
        codes = [gate.code for gate in self.gates if gate.outcome is Outcome.BLOCKED]
        if not codes:
            return None
        verb = "is" if len(codes) == 1 else "are"
        return f"Blocked: {listing(codes)} {verb} not passed. Do not use the figures of this week."

    @property
    def is_final(self) -> bool:
        """Whether every day is settled."""
        return all(day.state is DayState.SETTLED for day in self.days)

    @property
    def tie_verdict(self) -> Verdict:
        """Whether the numbers tie, in a word or two."""
        if self.blocked_sentence is not None:
            return Verdict("Does not tie", Outcome.BLOCKED)
        if not self.tie_out.pools:
            return Verdict("Nothing billed", Outcome.NOT_MEASURED)
        return Verdict("Ties out", Outcome.PASSED)

    @property
    def gates_sentence(self) -> str:
        """How many gates are passed, warn, block or are not measured, and which."""
        parts = []
        for outcome in Outcome:
            codes = [gate.code for gate in self.gates if gate.outcome is outcome]
            named = f" ({', '.join(codes)})" if outcome is not Outcome.PASSED else ""
            if codes:
                parts.append(f"{len(codes)} {outcome}{named}")
        return f"Gates: {listing(parts)}."

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a person must know first: a blocked gate, then the headline."""
        blocked = self.blocked_sentence
        return self.headline.sentences if blocked is None else (blocked, *self.headline.sentences)

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
            return "No delivery speaks for this week."
        return f"Data as of {self.inputs.as_of:%Y-%m-%d %H:%M} UTC."
