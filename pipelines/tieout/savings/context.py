"""What a measurement must know beside calls and cost: prices, gates, the boundary and the frozen baseline."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from tieout.core.money import round_picodollars
from tieout.savings.boundary import OutsideCost
from tieout.savings.daily_work import WorkingDay
from tieout.savings.error_bars import CostBar
from tieout.savings.replay_period import ReplayedDay

MISMATCH_TOLERANCE = Fraction(1, 10)


@dataclass(frozen=True)
class LogMatch:
    """How the log of a function and its bill compare on one UTC day (gate G6), and what of it no log explains.

    Where the log shows more than was billed, that is negative: a list price may have fallen.
    """

    cost_usd: Decimal
    is_matched: bool
    unexplained_usd: Decimal = Decimal(0)


@dataclass(frozen=True)
class WeekContext:
    """What is known about a week beside its work.

    Attributes:
        is_baseline_frozen: a lock of this method's version holds the baseline.
        price_changes: by function and baseline day, by what share the day's resources would cost more at the
            list prices of the reporting week; no entry is no change.
        outside: what the programme's apps cost outside the catalog, by day.
        other_apps: what every app outside the programme was billed, by day since the baseline began.
        log_matches: by function and day, how log and bill compare; a day without a value says nothing.
        rolled_back: by function, the settings that are again those of the baseline, in words.
        error_bars: of everything in the programme's apps, of the weeks since the baseline began.
        replays: by function and day, baseline and measured, its inputs on the containers of the baseline.
    """

    is_baseline_frozen: bool = True
    price_changes: Mapping[tuple[str, dt.date], Fraction] = field(default_factory=dict)
    outside: Sequence[OutsideCost] = ()
    other_apps: Mapping[str, Mapping[dt.date, Fraction]] = field(default_factory=dict)
    log_matches: Mapping[tuple[str, dt.date], LogMatch] = field(default_factory=dict)
    rolled_back: Mapping[str, str] = field(default_factory=dict)
    error_bars: Sequence[CostBar] = ()
    replays: Mapping[tuple[str, dt.date], ReplayedDay] = field(default_factory=dict)

    def price_change(self, function: str, day: dt.date) -> Fraction:
        """The change of a baseline day's cost by list prices alone, as a share of it."""
        return self.price_changes.get((function, day), Fraction(0))

    def at_week_prices(self, function: str, days: Iterable[WorkingDay]) -> tuple[WorkingDay, ...]:
        """Baseline days of a function at the list prices of the week, to the picodollar."""
        return tuple(
            replace(day, cost_usd=round_picodollars(Fraction(day.cost_usd) * (1 + change)))
            if (change := self.price_change(function, day.day))
            else day
            for day in days
        )

    def unexplained_fell_usd(self, function: str, baseline: Collection[dt.date], days: Collection[dt.date]) -> Fraction:
        """By how much less of a function's cost is unexplained on some days than on as many of the baseline."""

        def unexplained(day: dt.date) -> Fraction:
            match = self.log_matches.get((function, day))
            return Fraction(0) if match is None else max(Fraction(match.unexplained_usd), Fraction(0))

        before = sum((unexplained(day) * (1 + self.price_change(function, day)) for day in baseline), Fraction(0))
        return before * len(days) / len(baseline) - sum(map(unexplained, days), Fraction(0))

    def unpaid_usd(self, function: str, baseline: Collection[dt.date], days: Collection[dt.date]) -> Fraction:
        """How much more of what its log shows the bill leaves unpaid on some days than on as many of the baseline."""

        def unpaid(day: dt.date) -> Fraction:
            match = self.log_matches.get((function, day))
            return Fraction(0) if match is None else max(-Fraction(match.unexplained_usd), Fraction(0))

        return sum(map(unpaid, days), Fraction(0)) - sum(map(unpaid, baseline), Fraction(0)) * len(days) / len(baseline)

    def replayed(self, function: str, days: Iterable[dt.date]) -> tuple[ReplayedDay, ...] | None:
        """The replays of some days of a function; None unless every one of them was replayed."""
        found = [self.replays.get((function, day)) for day in days]
        known = tuple(replayed for replayed in found if replayed is not None)
        return known if found and len(known) == len(found) else None

    def mismatched_days(self, function: str, days: Collection[dt.date]) -> tuple[dt.date, ...]:
        """The days whose log and bill differ, ascending; none where they carry under a tenth of the function's cost."""
        known = {day: self.log_matches[function, day] for day in days if (function, day) in self.log_matches}
        differ = tuple(sorted(day for day, match in known.items() if not match.is_matched))
        cost = sum((abs(match.cost_usd) for match in known.values()), Decimal(0))
        open_cost = sum((abs(known[day].cost_usd) for day in differ), Decimal(0))
        return differ if differ and Fraction(open_cost) >= MISMATCH_TOLERANCE * Fraction(cost) else ()


NOTHING_KNOWN = WeekContext()
