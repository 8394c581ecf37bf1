"""This week against the week before: what moved, which functions moved it, and whose status is another one."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from tieout.catalog.models import Catalog
from tieout.core.money import format_usd, round_picodollars, to_cents
from tieout.core.periods import IsoWeek
from tieout.measure.daily_work import measure
from tieout.measure.week_cents import read_week_cents
from tieout.report.cents import per_day
from tieout.report.sections.change_reasons import read_reasons
from tieout.report.sections.rollout import RolloutLine, read_rollout
from tieout.report.sections.spend import NO_SPEND, Spend
from tieout.report.week_data import WeekData
from tieout.report.wording import Share, count, listing, share_of, share_of_rate
from tieout.savings.daily_work import DailyWork
from tieout.savings.week import WeekMeasurement

MOST_MOVERS_SAID = 2
MOST_MOVERS = 6
THE_TOTAL = "the programme"


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

    Attributes:
        function: its name.
        before_usd: in the week before.
        after_usd: in this week.
        reason: what went along with the change, in words; empty where nothing is known.
        is_rest: whether it stands for several functions.
    """

    function: str
    before_usd: Decimal
    after_usd: Decimal
    reason: str = ""
    is_rest: bool = False

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
class _Week:
    """What two weeks are compared by.

    Attributes:
        measurement: of the week.
        spend: of the week, in cents.
        rollout: how far callers have moved.
        calls: successful calls of the programme's functions on all days of the week.
        landed_days: days of the week whose bill is landed whole.
    """

    measurement: WeekMeasurement
    spend: Spend
    rollout: tuple[RolloutLine, ...]
    calls: int
    landed_days: int


def read_changes(
    data: WeekData, *, spends: Mapping[IsoWeek, Spend], rollout: tuple[RolloutLine, ...]
) -> Changes | None:
    """Compare a week with the one before, which is measured as it stands now; None when nothing is known of that.

    Args:
        data: what the week is read from.
        spends: of the week, and of the one before where that cost something.
        rollout: how far callers have moved in the week.
    """
    con, measurement, work, catalog, landed = data.con, data.measurement, data.work, data.catalog, data.landed.keys()
    week = measurement.week.previous()
    spend = spends.get(week, NO_SPEND)
    if not (_landed_days(week, landed) or _calls(week, work, catalog) or spend.functions):
        return None
    earlier, _ = data.measured.get(week) or measure(con, week, catalog, lock=data.lock)
    moved = read_rollout(con, week, landed=landed, catalog=catalog, costs=read_week_cents(con, week))
    before = _week(earlier, spend, moved, work, catalog, landed=landed)
    after = _week(measurement, spends[measurement.week], rollout, work, catalog, landed=landed)
    rows = zip(_figures(before), _figures(after), strict=True)
    return Changes(
        before=before.measurement.week,
        rows=tuple(
            ChangeRow(label, quantity, earlier, later)
            for (label, quantity, earlier), (_, _, later) in rows
            if _is_said(quantity, earlier, later)
        ),
        avoided=_avoided(before.measurement, after.measurement),
        cost=_with_reasons(
            _movement(
                {function.function: function.amount_usd for function in before.spend.functions},
                {function.function: function.amount_usd for function in after.spend.functions},
            ),
            read_reasons(con, before.spend, after.spend, catalog, week=measurement.week),
        ),
        statuses=tuple(_statuses(before.measurement, after.measurement)),
        remarks=tuple(_remarks(before, after)),
    )


def _is_said(quantity: Quantity, before: Decimal | None, after: Decimal | None) -> bool:
    """A figure that neither week has, and a count of nothing in both, say nothing."""
    values = {before, after} - {None}
    return bool(values) and not (quantity is Quantity.COUNT and values == {Decimal(0)})


def _week(
    measurement: WeekMeasurement,
    spend: Spend,
    rollout: tuple[RolloutLine, ...],
    work: Sequence[DailyWork],
    catalog: Catalog,
    *,
    landed: Collection[dt.date],
) -> _Week:
    return _Week(
        measurement=measurement,
        spend=spend,
        rollout=rollout,
        calls=_calls(measurement.week, work, catalog),
        landed_days=_landed_days(measurement.week, landed),
    )


def _calls(week: IsoWeek, work: Sequence[DailyWork], catalog: Catalog) -> int:
    days, known = week.days(), {function.name for function in catalog.functions.functions}
    return sum(value.successful_calls for value in work if value.day in days and value.function in known)


def _landed_days(week: IsoWeek, landed: Collection[dt.date]) -> int:
    return sum(day in landed for day in week.days())


def _figures(week: _Week) -> Iterator[tuple[str, Quantity, Decimal | None]]:
    measured, days = week.measurement, len(week.measurement.days)
    avoided, width = measured.avoided_usd, measured.half_width
    vs_restated = None if measured.rates is None else share_of_rate(measured.rates.vs_restated)
    moved, calls = (sum(values) for values in ([x.moved_calls for x in week.rollout], [x.calls for x in week.rollout]))
    yield "measured days", Quantity.COUNT, Decimal(days)
    yield "avoided cost a measured day", Quantity.USD, None if avoided is None else per_day(avoided, days)
    yield "Uncertainty (±)", Quantity.USD, None if width is None else per_day(width.half_width_usd, days)
    yield "realized of the restated projection", Quantity.PERCENT, _percent(vs_restated)
    yield "calls in the newest phase", Quantity.PERCENT, _percent(share_of(moved, calls))
    yield "successful calls", Quantity.COUNT, Decimal(week.calls)
    yield "bill of the week", Quantity.USD, week.spend.total_usd
    without_a_call = share_of(week.spend.without_a_call_usd, week.spend.total_usd)
    yield "of it without a call", Quantity.PERCENT, _percent(without_a_call)


def _percent(share: Share | None) -> Decimal | None:
    """Return a share in percent with the decimal that is printed."""
    if share is None:
        return None
    return Decimal(round(Fraction(share.part) / Fraction(share.whole) * 1000)).scaleb(-1)


def _with_reasons(movement: Movement, reasons: Mapping[str, str]) -> Movement:
    movers = tuple(replace(mover, reason=reasons.get(mover.function, "")) for mover in movement.movers)
    return replace(movement, movers=movers)


def _avoided(before: WeekMeasurement, after: WeekMeasurement) -> Movement | None:
    """Compare the avoided cost a measured day; every function's is per measured day of the whole programme."""
    if before.avoided_usd is None or after.avoided_usd is None:
        return None
    return _movement(_avoided_a_day(before, before.avoided_usd), _avoided_a_day(after, after.avoided_usd))


def _avoided_a_day(measurement: WeekMeasurement, total: Decimal) -> dict[str, Decimal]:
    """In the cents of the bridge, where its functions realized the same."""
    days = len(measurement.days)
    amounts = {f.function: f.avoided_usd for f in measurement.functions if f.avoided_usd is not None}
    exact = {name: round_picodollars(Fraction(amount) / days) for name, amount in amounts.items()}
    realized = measurement.bridge.realized_by_function() if measurement.bridge else {}
    if {name: amount.exact_usd for name, amount in realized.items() if amount.exact_usd or name in exact} == exact:
        return {name: realized[name].printed_usd for name in exact}
    return dict(zip(exact, to_cents(list(exact.values()), per_day(total, days)), strict=True))


def _movement(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> Movement:
    names = [*after, *(name for name in before if name not in after)]
    movers = [Mover(name, before.get(name, Decimal(0)), after.get(name, Decimal(0))) for name in names]
    movers.sort(key=lambda mover: (-abs(mover.change_usd), mover.function))
    return Movement(sum(before.values(), Decimal(0)), sum(after.values(), Decimal(0)), _largest(movers))


def _largest(movers: Sequence[Mover]) -> tuple[Mover, ...]:
    """Keep the largest moves; what is left is one line, so that the lines still add up."""
    if len(movers) <= MOST_MOVERS:
        return tuple(movers)
    shown, rest = movers[: MOST_MOVERS - 1], movers[MOST_MOVERS - 1 :]
    others = Mover(
        count(len(rest), "other"),
        sum((mover.before_usd for mover in rest), Decimal(0)),
        sum((mover.after_usd for mover in rest), Decimal(0)),
        is_rest=True,
    )
    return (*shown, others)


def _statuses(before: WeekMeasurement, after: WeekMeasurement) -> Iterator[StatusChange]:
    if before.judgement.status is not after.judgement.status:
        yield StatusChange(THE_TOTAL, before.judgement.status.value, after.judgement.status.value)
    earlier = {function.function: function.judgement.status for function in before.functions}
    for function in after.functions:
        was, now = earlier.get(function.function), function.judgement.status
        if was is not None and was is not now:
            yield StatusChange(function.function, was.value, now.value)


def _remarks(before: _Week, after: _Week) -> Iterator[str]:
    if before.landed_days != after.landed_days:
        yield (
            f"The bill of {count(after.landed_days, 'day')} of this week is landed, and of {before.landed_days} of the "
            "week before: the two bills cannot be compared."
        )
