"""Figures: exact values with a unit, and how they are printed for people.

A figure keeps twelve decimals; what is printed is rounded from it, once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from tieout.core.money import format_usd, round_picodollars

CENT_PLACES = 2
MOST_PRICE_PLACES = 4


class Unit(StrEnum):
    """What a figure counts."""

    USD_PER_HOUR = "usd_per_hour"
    USD_PER_DAY = "usd_per_day"
    USD_PER_MONTH = "usd_per_month"
    PERCENT = "percent"
    SECONDS = "seconds"
    COUNT = "count"


class Agreement(StrEnum):
    """How a computed figure stands to the published one."""

    EXACT = "exact"
    ROUNDED = "rounded"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Figure:
    """A figure or a range of figures, exact to 12 decimals.

    Attributes:
        low: the figure, or the lower end.
        high: the same figure, or the upper end.
        unit: what it counts.
        percent_places: decimals that a percentage is printed with.
    """

    low: Decimal
    high: Decimal
    unit: Unit
    percent_places: int = field(default=1, compare=False)

    @property
    def is_range(self) -> bool:
        """Whether it has two ends."""
        return self.low != self.high

    @property
    def text(self) -> str:
        """For people: `$4,137.60`, `$4,578–5,559`, `63.27%`, `45.9–61.2%`, `3,600 s`."""
        if self.unit is Unit.PERCENT:
            return f"{self._ends(self._percent)}%"
        if self.unit is Unit.SECONDS:
            return f"{self._ends(number)} s"
        if self.unit is Unit.COUNT:
            return self._ends(number)
        most = MOST_PRICE_PLACES if self.unit is Unit.USD_PER_HOUR else CENT_PLACES
        places = min(most, max(_places(self.low), _places(self.high)))
        low = format_usd(self.low, places)
        return f"{low}–{format_usd(self.high, places).replace('$', '')}" if self.is_range else low

    def _ends(self, show: Callable[[Decimal], str]) -> str:
        return f"{show(self.low)}–{show(self.high)}" if self.is_range else show(self.low)

    def _percent(self, value: Decimal) -> str:
        rounded = round(value, self.percent_places)
        return number(rounded) if rounded == rounded.to_integral_value() else f"{rounded:,f}".rstrip("0")


def figure(value: Decimal | Fraction, unit: Unit) -> Figure:
    """One figure, rounded to 12 decimals."""
    exact = round_picodollars(Fraction(value))
    return Figure(exact, exact, unit)


def figure_range(low: Fraction, high: Fraction, unit: Unit) -> Figure:
    """A range of figures, its ends rounded to 12 decimals."""
    return Figure(round_picodollars(low), round_picodollars(high), unit)


def agreement_of(published: Figure, computed: Figure) -> Agreement:
    """How a computed figure stands to a published one: equal, equal once rounded as that was printed, or different."""
    pairs = ((published.low, computed.low), (published.high, computed.high))
    if all(printed == exact for printed, exact in pairs):
        return Agreement.EXACT
    return Agreement.ROUNDED if all(_rounds_to(exact, printed) for printed, exact in pairs) else Agreement.DIFFERENT


def _rounds_to(exact: Decimal, printed: Decimal) -> bool:
    """Whether the printed figure is the exact one at the precision of its last non-zero digit."""
    digit = Decimal(1).scaleb(int(printed.normalize().as_tuple().exponent))
    return abs(Fraction(exact) - Fraction(printed)) * 2 <= Fraction(digit)


def _places(value: Decimal | Fraction) -> int:
    """The fewest decimals that show a value in full: none, cents, or up to four."""
    exact = Fraction(value)
    if exact.denominator == 1:
        return 0
    shown = (CENT_PLACES, *range(CENT_PLACES + 1, MOST_PRICE_PLACES))
    return next((places for places in shown if (exact * 10**places).denominator == 1), MOST_PRICE_PLACES)


def number(value: Decimal | Fraction | int) -> str:
    """A number for people: whole, in cents, or to four places; thousands set apart."""
    return f"{round_picodollars(Fraction(value)):,.{_places(Fraction(value))}f}".replace("-", "−")


def to_the_cent(amount: Decimal) -> str:
    """An amount with its cents, also when they are zero."""
    return format_usd(amount, 2)
