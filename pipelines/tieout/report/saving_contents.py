"""The savings part of the weekly report as frozen values: headline, ledger, bridge, guardrails and what they rest on.

Amounts are whole cents that add up to the totals printed beside them. Sentences are made here, so that every form of
the report says the same.
"""

from dataclasses import dataclass
from decimal import Decimal

from tieout.core.money import format_usd
from tieout.core.periods import IsoWeek
from tieout.report.wording import Share, count, listing, span, usd, with_interval
from tieout.savings.days import BaselinePeriod


@dataclass(frozen=True)
class Standing:
    """How much weight an avoided cost bears, in words.

    Attributes:
        state: the status, or `proposed` or `deployed` before there is one.
        because: why it is not verified, the weightiest first.
        remarks: what to know beside it.
    """

    state: str
    because: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def notes(self, avoided_usd: Decimal | None) -> tuple[str, ...]:
        """`not verified, because …` where there is an amount, else `not claimed, because …`; then the remarks."""
        if not self.because:
            return self.remarks
        what = "not claimed" if avoided_usd is None else "not verified"
        return (f"{what}, because {'; '.join(self.because)}", *self.remarks)


@dataclass(frozen=True)
class SavingLine:
    """One function of the programme over the measured days.

    Attributes:
        function: its name.
        projected_usd_per_day: the claim; None when it has no line of its own.
        counterfactual_usd: what its work would have cost before; printed avoided plus actual.
        actual_usd: what it cost.
        avoided_usd: counterfactual less actual, negative when cost rose; None when nothing is claimed.
        half_width_usd: half of the 90% interval around it; None without one.
        successful_calls: the work, on the measured days.
        before_unit_usd: baseline cost per successful call.
        after_unit_usd: cost per successful call on the measured days.
        realization: avoided cost per measured day over the projected one.
        standing: what may be said of it.
    """

    function: str
    projected_usd_per_day: Decimal | None
    counterfactual_usd: Decimal | None
    actual_usd: Decimal | None
    avoided_usd: Decimal | None
    half_width_usd: Decimal | None
    successful_calls: int
    before_unit_usd: Decimal | None
    after_unit_usd: Decimal | None
    realization: Share | None
    standing: Standing

    @property
    def notes(self) -> tuple[str, ...]:
        """What stands against the amount, or why there is none."""
        return self.standing.notes(self.avoided_usd)


@dataclass(frozen=True)
class SavingTotal:
    """A total over the functions that claim something; None where none does."""

    projected_usd_per_day: Decimal | None
    counterfactual_usd: Decimal | None
    actual_usd: Decimal | None
    avoided_usd: Decimal | None
    half_width_usd: Decimal | None
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
        measured_days: days of the week after the first deployment, without deployment days, that count.
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
class Rates:
    """The realization rate, three ways; None where there is nothing to compare with."""

    vs_published: Share | None = None
    vs_restated: Share | None = None
    cost_cut: Share | None = None
    claimed_cost_cut: Share | None = None


@dataclass(frozen=True)
class Headline:
    """The figures of the first lines.

    Attributes:
        week: the week they are about.
        measured_days: days of it that count.
        avoided_usd: cents; None when nothing is claimed.
        half_width_usd: half of its 90% interval, in cents; None without one.
        avoided_usd_per_day: cents per measured day.
        half_width_usd_per_day: likewise.
        standing: what may be said of it.
        published_usd_per_day: the saving as published; None without a projection.
        lines_usd_per_day: the sum of the projection's own lines.
        restated_usd_per_day: the projection at measured seconds per call; None when nothing is measured.
        rates: how much of the promise that is.
        cash_change_usd: mean baseline day times measured days, less the bill; None when that cannot be said.
        baseline_usd_per_day: all that was billed in the baseline, per day; None without one.
        premises_not_met: projected savings whose "before" was never deployed, and how many there are.
    """

    week: IsoWeek
    measured_days: int
    avoided_usd: Decimal | None
    half_width_usd: Decimal | None
    avoided_usd_per_day: Decimal | None
    half_width_usd_per_day: Decimal | None
    standing: Standing
    published_usd_per_day: Decimal | None
    lines_usd_per_day: Decimal
    restated_usd_per_day: Decimal | None
    rates: Rates
    cash_change_usd: Decimal | None
    baseline_usd_per_day: Decimal | None
    premises_not_met: tuple[int, int]

    @property
    def week_figure(self) -> str | None:
        """`$522.35 ± $12.59`: the avoided cost of the week; None when nothing is claimed."""
        return None if self.avoided_usd is None else with_interval(self.avoided_usd, self.half_width_usd)

    @property
    def day_figure(self) -> str | None:
        """`$74.62 ± $1.80`: the same per measured day, the figure to use."""
        if self.avoided_usd_per_day is None:
            return None
        return with_interval(self.avoided_usd_per_day, self.half_width_usd_per_day)

    @property
    def sentence(self) -> str:
        """The status and what the week avoided, or why nothing is claimed."""
        because = "; ".join(self.standing.because)
        if self.avoided_usd is None:
            return f"No saving is claimed for {self.week.label}, because {because}."
        interval = " (90% interval)" if self.half_width_usd is not None else ", without an interval"
        what = "the avoided cost is negative," if self.avoided_usd < 0 else "avoided cost"
        status = self.standing.state.capitalize()
        sentence = (
            f"{status}: {what} {self.week_figure} in {self.week.label}, {self.day_figure} a day over "
            f"{count(self.measured_days, 'measured day')}{interval}."
        )
        return f"{sentence} Not verified, because {because}." if because else sentence

    @property
    def realization_sentence(self) -> str | None:
        """How much of the promise that is, three ways; None when there is nothing to compare."""
        rates, parts = self.rates, []
        if rates.vs_published is not None and self.published_usd_per_day is not None:
            part = f"{rates.vs_published} of the published {usd(self.published_usd_per_day)} a day"
            if self.lines_usd_per_day != self.published_usd_per_day:
                part += f" (its own lines add up to {format_usd(self.lines_usd_per_day)})"
            parts.append(part)
        if rates.vs_restated is not None and self.restated_usd_per_day is not None:
            parts.append(f"{rates.vs_restated} of the restated {format_usd(self.restated_usd_per_day)}")
        if rates.cost_cut is not None:
            claimed = f" (claimed: {rates.claimed_cost_cut})" if rates.claimed_cost_cut is not None else ""
            parts.append(f"a cost cut of {rates.cost_cut} for the same work{claimed}")
        return f"That is {listing(parts)}." if parts else None

    @property
    def comparison(self) -> str | None:
        """The projection against all that was ever spent, and what to use; None when the projection is possible."""
        published, spent = self.published_usd_per_day, self.baseline_usd_per_day
        if published is None or spent is None or published <= spent:
            return None
        sentence = (
            f"The published projection of {usd(published)} a day exceeds the whole measured spend of "
            f"{format_usd(spent)} a day in the baseline"
        )
        if self.restated_usd_per_day is None or self.day_figure is None:
            return f"{sentence}."
        return (
            f"{sentence}; at measured seconds per call it is {format_usd(self.restated_usd_per_day)} a day, "
            f"and the figure to use is the measured {self.day_figure} a day."
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
    def premise_sentence(self) -> str | None:
        """How many projected savings rest on something that was never deployed; None when all premises hold."""
        unmet, lines = self.premises_not_met
        if not unmet:
            return None
        rest = "rests" if unmet == 1 else "rest"
        configuration = f"{rest} on a configuration that was not deployed"
        return f"Premise not met: {unmet} of the {lines} projected savings {configuration}."

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


@dataclass(frozen=True)
class LedgerRow:
    """A function in a phase: where it stands, and its part of the week's avoided cost, in cents that add up."""

    phase: str
    function: str
    standing: Standing
    avoided_usd: Decimal | None
    half_width_usd: Decimal | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What stands against the amount, or why there is none."""
        return self.standing.notes(self.avoided_usd)


@dataclass(frozen=True)
class Ledger:
    """Function × phase; the rows add up to the total, the week's avoided cost."""

    rows: tuple[LedgerRow, ...]
    total_usd: Decimal | None
    half_width_usd: Decimal | None


@dataclass(frozen=True)
class BridgeRow:
    """One line of the bridge, in dollars a day.

    Attributes:
        label: what it is.
        phases: by phase; None where phases have no such line.
        total_usd: over all phases.
        is_end: whether the bridge stands here, rather than steps.
    """

    label: str
    phases: tuple[Decimal | None, ...]
    total_usd: Decimal
    is_end: bool


@dataclass(frozen=True)
class FunctionBridge:
    """The bridge of one function in one phase, in dollars a day; from restated, drivers and the rest lead to realized.

    `steps` are all its steps from the claim's line on, in the order of `BridgeTables.steps`.
    """

    function: str
    phase: str
    claimed_usd: Decimal
    correction_usd: Decimal
    restated_usd: Decimal
    drivers_usd: Decimal
    rest_usd: Decimal
    realized_usd: Decimal
    steps: tuple[Decimal, ...]


@dataclass(frozen=True)
class BridgeTables:
    """From the published to the realized saving, per day, in cents that add up along and across.

    Attributes:
        phases: titles of the phase columns.
        stages: from published to restated, and from there to realized.
        steps: titles of the steps that are not nought everywhere.
        functions: one line per function and phase.
        remarks: what the reader would otherwise wonder about.
    """

    phases: tuple[str, ...]
    stages: tuple[tuple[BridgeRow, ...], ...]
    steps: tuple[str, ...]
    functions: tuple[FunctionBridge, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class GuardrailRow:
    """One test of one function, worded: rates in percent, differences in percentage points, ratios as `×1.02`."""

    test: str
    before: str
    after: str
    change: str
    bound: str
    margin: str
    verdict: str
    because: str


@dataclass(frozen=True)
class GuardrailGroup:
    """The tests of one function."""

    function: str
    verdict: str
    rows: tuple[GuardrailRow, ...]


@dataclass(frozen=True)
class NormalizedLine:
    """A function's saving a day at the projection's own calls, in cents; None when it cannot be measured."""

    function: str
    claimed_usd: Decimal
    normalized_usd: Decimal | None
    share: Share | None


@dataclass(frozen=True)
class Normalized:
    """The saving at the projection's own calls against the claim; the lines add up."""

    lines: tuple[NormalizedLine, ...]
    claimed_usd: Decimal
    normalized_usd: Decimal | None
    share: Share | None


@dataclass(frozen=True)
class CounterfactualLine:
    """What a function's work would have cost before: Ĉ(calls) = a + b × calls a day, fitted on the baseline.

    Attributes:
        function: its name.
        form: which of a and b are there.
        usd_per_day: a.
        usd_per_call: b.
        baseline_days: fitted on.
        calls_range: fewest and most calls on a baseline day.
        scatter: standard deviation of a day around the model, in percent of the mean day; `–` when unknown.
        remarks: days whose volume the baseline has not seen.
    """

    function: str
    form: str
    usd_per_day: Decimal
    usd_per_call: Decimal
    baseline_days: int
    calls_range: tuple[int, int]
    scatter: str
    remarks: tuple[str, ...]
