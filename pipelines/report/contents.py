"""The weekly report as a frozen value: everything that the HTML, the text and the command line print.

Amounts in tables are whole cents that add up to the totals printed beside them; amounts that prove something (the
tie-out) are exact. Sentences are made here, so that every form of the report says the same.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from pipelines.core.findings import Finding
from pipelines.core.money import format_usd
from pipelines.core.periods import IsoWeek
from pipelines.core.savings import BaselinePeriod
from pipelines.report.wording import Share, count, listing, span, usd


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
            over what the summaries, prices, configurations and apps of that time came to, and over the catalog.
        catalog_sha256: the catalog alone.
    """

    as_of: dt.datetime | None
    deliveries: int
    sha256: str
    catalog_sha256: str


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
class SavingLine:
    """One function of the programme over the measured days.

    Attributes:
        function: its name.
        projected_usd_per_day: the claim; None when it has no line of its own.
        counterfactual_usd: what its work would have cost at the baseline's unit cost; printed avoided plus actual.
        actual_usd: what it cost.
        avoided_usd: counterfactual less actual, negative when cost rose; None when nothing is claimed.
        successful_calls: the work, on the measured days.
        before_unit_usd: baseline cost per successful call.
        after_unit_usd: cost per successful call on the measured days.
        realization: avoided cost per measured day over the projected one.
        not_claimed_because: why there is no figure; None when there is one.
        premise: what was deployed before, where that is not what the catalog says; else None.
    """

    function: str
    projected_usd_per_day: Decimal | None
    counterfactual_usd: Decimal | None
    actual_usd: Decimal | None
    avoided_usd: Decimal | None
    successful_calls: int
    before_unit_usd: Decimal | None
    after_unit_usd: Decimal | None
    realization: Share | None
    not_claimed_because: str | None
    premise: str | None


@dataclass(frozen=True)
class SavingTotal:
    """A total over the functions that claim something; None where none does."""

    projected_usd_per_day: Decimal | None
    counterfactual_usd: Decimal | None
    actual_usd: Decimal | None
    avoided_usd: Decimal | None
    realization: Share | None


@dataclass(frozen=True)
class SavingGroup:
    """Functions of one kind with their subtotal."""

    title: str
    lines: tuple[SavingLine, ...]
    subtotal: SavingTotal


@dataclass(frozen=True)
class Savings:
    """Realized against projected, function by function.

    Attributes:
        measured_days: days of the week after the first deployment, without deployment days, with their bill landed.
        baseline: the frozen period before the first deployment; None when there is no whole week.
        baseline_days_landed: days of it, up to the end of the week, whose bill is landed.
        groups: functions with a line in the projection, then the others of the programme.
        total: over all of them.
        silent_functions: functions of the programme with neither calls nor cost since the baseline began.
    """

    measured_days: int
    baseline: BaselinePeriod | None
    baseline_days_landed: int
    groups: tuple[SavingGroup, ...]
    total: SavingTotal
    silent_functions: tuple[str, ...]

    @property
    def baseline_sentence(self) -> str:
        """Which days the week is compared with."""
        if self.baseline is None:
            return "Baseline: none; there is no whole week of data before the first deployment."
        days = f"{count(self.baseline.days, 'day')}, {span(self.baseline.start, self.baseline.end)}"
        if self.baseline_days_landed == self.baseline.days:
            return f"Baseline: {days}."
        return f"Baseline: {days}; the bill of {self.baseline_days_landed} of them is landed so far."


@dataclass(frozen=True)
class Headline:
    """The figures of the first lines.

    Attributes:
        week: the week they are about.
        measured_days: days of it that count.
        avoided_usd: cents; None when nothing is claimed.
        avoided_usd_per_day: cents per measured day.
        counterfactual_usd: cents.
        not_claimed_because: why nothing is claimed.
        published_usd_per_day: the saving as published; None without a projection.
        lines_usd_per_day: the sum of the projection's own lines.
        published_cut_percent: the cost cut as published, in percent.
        cash_change_usd: mean baseline day times measured days, less the bill; None when that cannot be said.
        baseline_usd_per_day: all that was billed in the baseline, per day; None without one.
        premises_not_met: projected savings whose "before" was never deployed, and how many there are.
    """

    week: IsoWeek
    measured_days: int
    avoided_usd: Decimal | None
    avoided_usd_per_day: Decimal | None
    counterfactual_usd: Decimal | None
    not_claimed_because: str | None
    published_usd_per_day: Decimal | None
    lines_usd_per_day: Decimal
    published_cut_percent: Decimal | None
    cash_change_usd: Decimal | None
    baseline_usd_per_day: Decimal | None
    premises_not_met: tuple[int, int]

    @property
    def realization(self) -> Share | None:
        """Avoided cost a measured day over the published saving a day."""
        if self.avoided_usd_per_day is None or not self.published_usd_per_day:
            return None
        return Share(self.avoided_usd_per_day, self.published_usd_per_day)

    @property
    def cost_cut(self) -> Share | None:
        """Avoided cost over what the work would have cost."""
        if self.avoided_usd is None or not self.counterfactual_usd:
            return None
        return Share(self.avoided_usd, self.counterfactual_usd)

    @property
    def sentence(self) -> str:
        """What the week avoided, or why nothing is claimed."""
        if self.avoided_usd is None or self.avoided_usd_per_day is None:
            return f"No saving is claimed for {self.week.label}, because {self.not_claimed_because}."
        amounts = (
            f"{format_usd(self.avoided_usd)} in {self.week.label}, {format_usd(self.avoided_usd_per_day)} a day "
            f"over {count(self.measured_days, 'measured day')}."
        )
        if self.avoided_usd < 0:
            return f"Cost rose: the avoided cost is negative, {amounts}"
        return f"Avoided cost: {amounts}"

    @property
    def realization_sentence(self) -> str | None:
        """How much of the published saving that is; None when there is nothing to compare."""
        if self.realization is None or self.published_usd_per_day is None:
            return None
        sentence = f"That is {self.realization} of the published {usd(self.published_usd_per_day)} a day"
        if self.lines_usd_per_day != self.published_usd_per_day:
            sentence += f" (its own lines add up to {format_usd(self.lines_usd_per_day)})"
        if self.cost_cut is not None and self.published_cut_percent is not None:
            sentence += f"; it cuts the cost of the same work by {self.cost_cut}, published was "
            sentence += f"{self.published_cut_percent.normalize():f}%"
        return sentence + "."

    @property
    def comparison(self) -> str | None:
        """The projection against all that was ever spent; None when the projection is possible."""
        published, spent = self.published_usd_per_day, self.baseline_usd_per_day
        if published is None or spent is None or published <= spent:
            return None
        return (
            f"The published projection saves {usd(published)} a day; "
            f"the whole measured spend in the baseline was {format_usd(spent)} a day."
        )

    @property
    def cash_sentence(self) -> str | None:
        """The change of the bill, which is no saving; None when it cannot be said."""
        if self.cash_change_usd is None:
            return None
        direction = "below" if self.cash_change_usd >= 0 else "above"
        return (
            f"Cash change, not a saving: the bill of these days is {format_usd(abs(self.cash_change_usd))} "
            f"{direction} that of as many mean baseline days. It moves with the number of calls."
        )

    @property
    def sentences(self) -> tuple[str, ...]:
        """Everything the headline says, in the order of its weight."""
        said = (
            self.sentence,
            self.realization_sentence,
            self.comparison,
            self.premise_sentence,
            self.cash_sentence,
        )
        return tuple(sentence for sentence in said if sentence is not None)

    @property
    def premise_sentence(self) -> str | None:
        """How many projected savings rest on something that was never deployed; None when all premises hold."""
        unmet, lines = self.premises_not_met
        if not unmet:
            return None
        rest = "rests" if unmet == 1 else "rest"
        configuration = f"{rest} on a configuration that was not deployed"
        return f"Premise not met: {unmet} of the {lines} projected savings {configuration}."


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
    days: tuple[ReportDay, ...]
    headline: Headline
    tie_out: TieOut
    gates: tuple[Gate, ...]
    spend: Spend
    savings: Savings
    coverage: tuple[CoverageLine, ...]
    rollout: tuple[RolloutLine, ...]
    unattributed: Unattributed
    findings: tuple[Finding, ...]
    not_measured: tuple[str, ...]
    definitions: tuple[Definition, ...]

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
