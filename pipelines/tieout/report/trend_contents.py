"""What the weekly report says beyond its week, as frozen values: what grew, what changed, and where to look next.

Amounts in tables are whole cents that add up to the totals printed beside them; series for charts are exact. Sentences
are made here, so that every form of the report says the same.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tieout.core.money import format_usd
from tieout.core.periods import IsoWeek
from tieout.report.wording import Share, count, day_name, listing, share_of, with_interval

MOST_MOVERS_SAID = 2


@dataclass(frozen=True)
class CumulativePoint:
    """A UTC day since the first deployment, and what all measured days up to and including it come to; exact.

    Attributes:
        day: the day.
        avoided_usd: of this day alone; None for a day that does not count (deployment, or no bill).
        cumulative_usd: of all measured days so far.
        half_width_usd: half of the 90% interval around the cumulative; None before the first measured day, and where
            the baseline is too short.
        published_usd: the published saving a day × the measured days so far; None when none was published.
        restated_usd: the restated projection a day, as of the report's week, likewise; None when nothing is measured.
    """

    day: dt.date
    avoided_usd: Decimal | None
    cumulative_usd: Decimal
    half_width_usd: Decimal | None
    published_usd: Decimal | None
    restated_usd: Decimal | None


@dataclass(frozen=True)
class Deployment:
    """The day of a phase's deployment."""

    phase: str
    day: dt.date


@dataclass(frozen=True)
class Cumulative:
    """The avoided cost since the first deployment, day by day; there is at least one measured day.

    The amounts of a week's days add up to what that week's own measurement says, exactly.
    """

    points: tuple[CumulativePoint, ...]
    deployments: tuple[Deployment, ...]

    @property
    def last(self) -> CumulativePoint:
        """The end of the report's week."""
        return self.points[-1]

    @property
    def measured_days(self) -> int:
        """How many days count."""
        return sum(point.avoided_usd is not None for point in self.points)

    @property
    def figure(self) -> str:
        """`$1,953.12 ± $21.30`: what all measured days avoided."""
        return with_interval(self.last.cumulative_usd, self.last.half_width_usd)

    @property
    def sentence(self) -> str:
        """What was avoided so far, with its interval."""
        since, interval = day_name(self.points[0].day), " (90% interval)"
        interval = ", without an interval" if self.last.half_width_usd is None else interval
        what = "negative avoided cost" if self.last.cumulative_usd < 0 else "avoided cost"
        return f"Since {since}: {what} {self.figure} over {count(self.measured_days, 'measured day')}{interval}."

    @property
    def promise_sentence(self) -> str | None:
        """What was promised for the same days, all of it from the first day on; None without a promise."""
        parts, last = [], self.last
        for promised, name in ((last.restated_usd, "restated"), (last.published_usd, "published")):
            if promised:
                share = share_of(last.cumulative_usd, promised)
                parts.append(f"{share} of the {format_usd(promised)} of the {name} projection")
        if not parts:
            return None
        return f"That is {listing(parts)} for the same days, counted in full from the first deployment."

    @property
    def gap_sentence(self) -> str | None:
        """How many days do not count; None when all do."""
        gaps = len(self.points) - self.measured_days
        if not gaps:
            return None
        verb = "does" if gaps == 1 else "do"
        return f"{count(gaps, 'day')} {verb} not count: a deployment day, or a bill that is not landed whole."


class Quantity(StrEnum):
    """What a figure of the comparison counts, and so how it is printed."""

    USD = "usd"
    COUNT = "count"
    PERCENT = "percent"


@dataclass(frozen=True)
class ChangeRow:
    """A figure in the week before and in this week; None where there was none.

    Attributes:
        label: what it is.
        quantity: dollars in cents, a number, or percent with one decimal.
        before: in the week before.
        after: in this week.
    """

    label: str
    quantity: Quantity
    before: Decimal | None
    after: Decimal | None

    @property
    def change(self) -> Decimal | None:
        """After less before; None when one of them is missing."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def before_text(self) -> str:
        """`$74.73`, `8,189`, `80.8%` or `–`."""
        return _printed(self.before, self.quantity)

    @property
    def after_text(self) -> str:
        """Likewise."""
        return _printed(self.after, self.quantity)

    @property
    def change_text(self) -> str:
        """`+$1.20`, `−36`, `+1.2 pp`, `0` or `–`."""
        change = self.change
        if change is None:
            return "–"
        sign = "+" if change > 0 else ""
        printed = _printed(change, self.quantity)
        return sign + (printed.replace("%", " pp") if self.quantity is Quantity.PERCENT else printed)


def _printed(amount: Decimal | None, quantity: Quantity) -> str:
    if amount is None:
        return "–"
    if quantity is Quantity.USD:
        return format_usd(amount)
    places = 1 if quantity is Quantity.PERCENT else 0
    number = f"{abs(amount):,.{places}f}{'%' if quantity is Quantity.PERCENT else ''}"
    return f"−{number}" if amount < 0 else number


@dataclass(frozen=True)
class Mover:
    """What a function adds to a total in the week before and in this week, in cents.

    Those that moved it least are one line, `4 others`.
    """

    function: str
    before_usd: Decimal
    after_usd: Decimal

    @property
    def change_usd(self) -> Decimal:
        """After less before."""
        return self.after_usd - self.before_usd

    @property
    def change_text(self) -> str:
        """`+$1.20` or `−$0.35`."""
        return f"{'+' if self.change_usd > 0 else ''}{format_usd(self.change_usd)}"


@dataclass(frozen=True)
class Movement:
    """A total in two weeks and the functions that moved it, largest change first; they add up to it, in cents."""

    before_usd: Decimal
    after_usd: Decimal
    movers: tuple[Mover, ...]

    @property
    def change_usd(self) -> Decimal:
        """After less before."""
        return self.after_usd - self.before_usd

    @property
    def change_text(self) -> str:
        """`+$1.20` or `−$0.35`."""
        return f"{'+' if self.change_usd > 0 else ''}{format_usd(self.change_usd)}"

    def sentence(self, what: str, unit: str) -> str:
        """Say how it moved, and which functions moved it most.

        Args:
            what: the total, as the subject of the sentence.
            unit: what the amounts are for: ` a day`, or nothing.
        """
        now = f"{format_usd(self.after_usd)}{unit}"
        if not self.change_usd:
            return f"{what} stayed at {now}."
        verb = "rose" if self.change_usd > 0 else "fell"
        named = [mover for mover in self.movers if mover.change_usd][:MOST_MOVERS_SAID]
        who = listing([f"{mover.function} {mover.change_text}" for mover in named])
        return f"{what} {verb} by {format_usd(abs(self.change_usd))} to {now}: {who}."


@dataclass(frozen=True)
class StatusChange:
    """A function, or the total, whose status differs from the week before."""

    subject: str
    before: str
    after: str

    @property
    def sentence(self) -> str:
        """`generate_code_modal: provisional → verified`."""
        return f"{self.subject}: {self.before} → {self.after}"


@dataclass(frozen=True)
class Changes:
    """This week against the week before.

    Attributes:
        before: the week before.
        rows: figures of both weeks.
        avoided: the avoided cost a measured day, by function; None unless both weeks claim something.
        cost: the bill of the week, by function.
        statuses: where the status differs.
        remarks: what keeps the two weeks from being compared; empty when nothing does.
    """

    before: IsoWeek
    rows: tuple[ChangeRow, ...]
    avoided: Movement | None
    cost: Movement
    statuses: tuple[StatusChange, ...]
    remarks: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What changed, the weightiest first."""
        said = [] if self.avoided is None else [self.avoided.sentence("The avoided cost", " a day")]
        said.append(self.cost.sentence("The bill of the week", ""))
        if self.statuses:
            said.append(f"Status: {listing([change.sentence for change in self.statuses])}.")
        return (*said, *self.remarks)


@dataclass(frozen=True)
class NamedAmount:
    """Cents of a function or a component."""

    name: str
    amount_usd: Decimal


@dataclass(frozen=True)
class WeekSpend:
    """Cents of one week, the same as in that week's own report.

    Functions add up to the total, and so do components; what is zero is left out. A week without a bill has neither.
    """

    week: IsoWeek
    total_usd: Decimal
    functions: tuple[NamedAmount, ...]
    components: tuple[NamedAmount, ...]


@dataclass(frozen=True)
class CostDay:
    """A function's UTC day, exact.

    Attributes:
        day: the day.
        actual_usd: what it cost; None when the day's bill is not landed whole.
        counterfactual_usd: what its calls would have cost before the rollout; None without a bill, and without a model.
    """

    day: dt.date
    actual_usd: Decimal | None
    counterfactual_usd: Decimal | None


@dataclass(frozen=True)
class FunctionHistory:
    """A function's days, oldest first, and the day of its own first deployment; None before that."""

    function: str
    deployed: dt.date | None
    days: tuple[CostDay, ...]

    @property
    def actual_usd(self) -> Decimal:
        """All of its cost in these days."""
        return sum((day.actual_usd for day in self.days if day.actual_usd is not None), Decimal(0))


@dataclass(frozen=True)
class SpendHistory:
    """Up to half a year: the spend of every week, oldest first, and the programme's functions day by day.

    Attributes:
        weeks: the report's week and those before it, without gaps.
        functions: functions with a cost in that time, dearest first.
    """

    weeks: tuple[WeekSpend, ...]
    functions: tuple[FunctionHistory, ...]


class OpportunityKind(StrEnum):
    """What the money goes to that no work is done for."""

    IDLE = "idle"
    STARTUP = "startup"
    WITHOUT_A_CALL = "without a call"
    OLD_PHASE = "callers not moved"


@dataclass(frozen=True)
class Opportunity:
    """Money of the week that buys no work, by function.

    Attributes:
        function: its name.
        kind: what the money goes to.
        usd_per_day: cents per landed day of the week (per measured day for callers not moved).
        share: of the function's whole cost.
        measured: what was measured, in a sentence.
        remedy: what would address it.
    """

    function: str
    kind: OpportunityKind
    usd_per_day: Decimal
    share: Share | None
    measured: str
    remedy: str


@dataclass(frozen=True)
class Opportunities:
    """Where to look next, dearest first, at measured seconds and billed prices.

    Attributes:
        days: landed days of the week that the amounts are a mean of.
        lines: those worth a look.
        left_out: how many smaller ones there are.
        largest_left_out_usd: cents a day of the largest of these; zero when there is none.
    """

    days: int
    lines: tuple[Opportunity, ...]
    left_out: int
    largest_left_out_usd: Decimal

    @property
    def sentence(self) -> str:
        """How to read the amounts."""
        if not self.days:
            return "No day of this week has its whole bill landed, so there is nothing to look at yet."
        if not self.lines:
            return "Nothing worth a look: no function spends a cent a day on time without work."
        return (
            f"Dollars a day over {count(self.days, 'landed day')} of this week, at billed prices and measured seconds. "
            "An amount is all that is at stake: a remedy saves some of it. How much of its memory or GPU a call really "
            "uses is in none of Modal's exports."
        )

    @property
    def left_out_sentence(self) -> str | None:
        """What is not listed; None when everything is."""
        if not self.left_out:
            return None
        largest = format_usd(self.largest_left_out_usd)
        return f"{count(self.left_out, 'smaller line')} left out, of {largest} a day at most."
