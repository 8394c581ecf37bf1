"""The boundary account: what the programme's apps cost outside the catalog (docs/reference/rules.md, "Boundary").

A saving is claimed for the programme's apps as a whole. Work that moves to a function which the catalog lacks, or cost
that moves to an app's residual, saves nothing: it shows here.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tieout.core.money import round_picodollars

UNEXPLAINED = "__unexplained__"

LEAST_OF_A_MOVE, MOST_OF_A_MOVE = Fraction(1, 2), Fraction(2)
"""An app that grew by so much of a saving may have taken the work over; one that grew by far more did so for itself."""


@dataclass(frozen=True)
class OutsideCost:
    """Cost of a function, or a residual, of the programme's apps that the catalog lacks, on one UTC day.

    Costs of baseline days are in the list prices of the reporting week.
    """

    app: str
    function: str
    day: dt.date
    cost_usd: Fraction


@dataclass(frozen=True)
class BoundaryLine:
    """One of them: its cost per baseline day and per measured day, in dollars."""

    app: str
    function: str
    before_usd_per_day: Decimal
    after_usd_per_day: Decimal

    @property
    def growth_usd_per_day(self) -> Decimal:
        """After less before; positive when the cost outside the catalog grew."""
        return self.after_usd_per_day - self.before_usd_per_day


@dataclass(frozen=True)
class Boundary:
    """Everything of the programme's apps outside the catalog, the line that grew most first.

    Attributes:
        lines: by app and function.
        days: how many days were measured.
        silent_usd_per_day: what functions of the catalog that nobody called on the measured days cost on a baseline
            day. Nothing is claimed for them, so what they took along under another name is nobody's saving.
        volume_growth: how much more the catalog's functions were called, after ÷ before, and at least 1: as much growth
            outside the catalog is demand.
    """

    lines: tuple[BoundaryLine, ...] = ()
    days: int = 0
    silent_usd_per_day: Decimal = Decimal(0)
    volume_growth: Fraction = Fraction(1)

    @property
    def before_usd_per_day(self) -> Decimal:
        """All lines on a baseline day."""
        return sum((line.before_usd_per_day for line in self.lines), Decimal(0))

    @property
    def after_usd_per_day(self) -> Decimal:
        """All lines on a measured day."""
        return sum((line.after_usd_per_day for line in self.lines), Decimal(0))

    @property
    def growth_usd(self) -> Decimal:
        """Growth beyond demand of the names that grew, over the measured days; one that shrank hides no other.

        A function, or a residual, that went with the programme from one app to another has grown by the difference.
        """
        by_name: dict[str, Fraction] = {}
        for line in self.lines:
            expected = Fraction(line.before_usd_per_day) * self.volume_growth
            by_name[line.function] = (
                by_name.get(line.function, Fraction(0)) + Fraction(line.after_usd_per_day) - expected
            )
        grown = sum((growth for growth in by_name.values() if growth > 0), Fraction(0))
        return round_picodollars(grown * self.days)

    @property
    def silent_usd(self) -> Decimal:
        """What silent functions would have cost on the measured days."""
        return self.silent_usd_per_day * self.days

    @property
    def unexplained_fell_usd_per_day(self) -> Decimal:
        """By how much less of the apps' cost no log explains; negative when it is more."""
        own = (line for line in self.lines if line.function == UNEXPLAINED)
        return -sum((line.growth_usd_per_day for line in own), Decimal(0))

    def moved_usd_per_day(self, half_width_usd: Decimal | None) -> Decimal:
        """What counts as moved outside the catalog, a day: the growth where it exceeds the interval, else nothing.

        What silent functions cost before is taken off: a renamed function moves no cost of the others.
        """
        growth = self.growth_usd - self.silent_usd
        if not self.days or growth <= (half_width_usd or Decimal(0)):
            return Decimal(0)
        return round_picodollars(Fraction(growth) / self.days)


@dataclass(frozen=True)
class OtherApp:
    """An app outside the programme that costs more on the measured days than on any day of the baseline."""

    app: str
    growth_usd: Decimal


def grown_like(
    saving_usd: Decimal | None,
    costs: Mapping[str, Mapping[dt.date, Fraction]],
    *,
    baseline_days: Collection[dt.date],
    days: Collection[dt.date],
) -> OtherApp | None:
    """Return the app that grew by about what was saved, the one that grew most; None without one.

    Args:
        saving_usd: on the measured days; None when nothing is claimed.
        costs: by app and day; a day without a value cost nothing.
        baseline_days: the days of the baseline that count.
        days: the measured days that count.
    """
    if saving_usd is None or saving_usd <= 0 or not baseline_days or not days:
        return None
    grown = []
    for app, by_day in sorted(costs.items()):
        before = [by_day.get(day, Fraction(0)) for day in baseline_days]
        after = [by_day.get(day, Fraction(0)) for day in days]
        cost = sum(after, Fraction(0))
        growth = cost - sum(before, Fraction(0)) * len(after) / len(before)
        is_a_step = cost > max(before) * len(after)
        if is_a_step and LEAST_OF_A_MOVE <= growth / Fraction(saving_usd) <= MOST_OF_A_MOVE:
            grown.append(OtherApp(app, round_picodollars(growth)))
    return max(grown, key=lambda one: one.growth_usd, default=None)


def boundary(
    costs: Iterable[OutsideCost],
    *,
    baseline_days: Collection[dt.date],
    days: Collection[dt.date],
    silent_usd_per_day: Decimal = Decimal(0),
    volume_growth: Fraction = Fraction(1),
) -> Boundary:
    """Compare a mean baseline day with a mean measured day; empty without either.

    Args:
        costs: any days, in any order.
        baseline_days: the days of the baseline that count.
        days: the measured days that count.
        silent_usd_per_day: baseline cost of functions of the catalog that nobody called on the measured days.
        volume_growth: of the catalog's functions, at least 1.
    """
    if not baseline_days or not days:
        return Boundary()
    before, after = frozenset(baseline_days), frozenset(days)
    sums: dict[tuple[str, str], list[Fraction]] = {}
    for cost in costs:
        sides = sums.setdefault((cost.app, cost.function), [Fraction(0), Fraction(0)])
        if cost.day in before:
            sides[0] += cost.cost_usd
        if cost.day in after:
            sides[1] += cost.cost_usd
    lines = [
        BoundaryLine(
            app,
            function,
            round_picodollars(Fraction(sides[0]) / len(before)),
            round_picodollars(Fraction(sides[1]) / len(after)),
        )
        for (app, function), sides in sums.items()
        if any(sides)
    ]
    lines.sort(key=lambda line: (-line.growth_usd_per_day, line.app, line.function))
    return Boundary(tuple(lines), len(after), silent_usd_per_day, volume_growth)
