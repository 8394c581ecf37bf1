"""What the attribution leaves open of a saving: the error bars of the costs on both sides of it.

Pools are exact, shares of them are estimates. So the functions of an app together are off by what all others of the app
are off, and often that is far less than each of them (docs/reference/rules.md, "Savings", Interval).
"""

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from tieout.core.money import round_picodollars


@dataclass(frozen=True)
class CostBar:
    """The attributed cost of a function, or a residual, in one app and week, and between which bounds it lies; dollars.

    Attributes:
        app: the app.
        owner: the function of the catalog; None for what the catalog lacks, residuals included.
        week_start: its Monday.
        cost_usd: as attributed.
        low_usd: at least.
        high_usd: at most.
    """

    app: str
    owner: str | None
    week_start: dt.date
    cost_usd: Decimal
    low_usd: Decimal
    high_usd: Decimal

    @property
    def half_width_usd(self) -> Decimal:
        """Half of the error bar."""
        return (self.high_usd - self.low_usd) / 2

    @property
    def farthest_usd(self) -> Decimal:
        """How far the cost may be off at most, in either direction."""
        return max(self.high_usd - self.cost_usd, self.cost_usd - self.low_usd)


class Attribution:
    """What the attribution leaves open of savings against one baseline, for any weeks and functions.

    Weeks of one side are off alike, so they add up; the two sides and the apps count as squares.
    """

    def __init__(self, bars: Sequence[CostBar], *, baseline: Collection[dt.date]) -> None:
        """Sort the bars.

        Args:
            bars: of all functions and residuals of the programme's apps.
            baseline: the Mondays of the baseline.
        """
        self._bars = [(bar.week_start, _Open.of(bar)) for bar in bars]
        self._before = [_Open.of(bar) for bar in bars if bar.week_start in baseline]
        self._costs_usd: defaultdict[str | None, Decimal] = defaultdict(Decimal)
        for bar in bars:
            if bar.week_start in baseline:
                self._costs_usd[bar.owner] += bar.cost_usd
        # The measured side is the same on all days of a week, but for a function that joins.
        self._after: dict[tuple[frozenset[dt.date], frozenset[str]], list[float]] = {}

    def half_width_usd(self, counterfactuals_usd: Mapping[str, Decimal], *, measured: Collection[dt.date]) -> Decimal:
        """Return the attribution's part of a half-width, in dollars.

        Args:
            counterfactuals_usd: by function that something is claimed for, what its calls would have cost.
            measured: the Mondays of the measured weeks.
        """
        costs = {name: self._costs_usd.get(name) for name in counterfactuals_usd}
        scaled = {
            name: float(usd / cost) if (cost := costs[name]) else 0.0 for name, usd in counterfactuals_usd.items()
        }
        key = frozenset(measured), frozenset(counterfactuals_usd)
        if key not in self._after:
            after = [bar for week_start, bar in self._bars if week_start in measured]
            self._after[key] = _open_by_app(after, dict.fromkeys(counterfactuals_usd, 1.0))
        return round_picodollars(Fraction(math.hypot(*_open_by_app(self._before, scaled), *self._after[key])))


class _Open(NamedTuple):
    """What counts of a bar, as floats."""

    app: str
    owner: str | None
    cost: float
    half_width: float
    farthest: float

    @classmethod
    def of(cls, bar: CostBar) -> "_Open":
        return cls(bar.app, bar.owner, float(bar.cost_usd), float(bar.half_width_usd), float(bar.farthest_usd))


def _open_by_app(bars: Sequence[_Open], scales: Mapping[str, float]) -> list[float]:
    by_app: defaultdict[str, list[_Open]] = defaultdict(list)
    for bar in bars:
        by_app[bar.app].append(bar)
    return [_open_usd(by_app[app], scales) for app in sorted(by_app)]


def _open_usd(bars: Sequence[_Open], scales: Mapping[str, float]) -> float:
    """What is open of the sum of some functions of an app, each scaled: their own bars, or all others', if less."""
    own: dict[str, float] = {}
    costs: dict[str, float] = {}
    others = 0.0
    for bar in bars:
        if bar.owner is None or bar.owner not in scales:
            others += bar.farthest
            continue
        own[bar.owner] = own.get(bar.owner, 0.0) + bar.half_width
        costs[bar.owner] = costs.get(bar.owner, 0.0) + bar.cost
    alone = math.hypot(*(scales[name] * half for name, half in own.items()))
    whole = sum(costs.values())
    if whole <= 0:
        return alone
    mean = sum(scales[name] * cost for name, cost in costs.items()) / whole
    apart = math.hypot(*((scales[name] - mean) * half for name, half in own.items()))
    return min(alone, mean * others + apart)
