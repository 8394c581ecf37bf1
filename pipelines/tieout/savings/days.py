"""The days and amounts that a saving is measured with: baseline, measured days, and a line of the claim.

The measurement itself is in `week` (docs/reference/rules.md, "Savings").
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

from tieout.core.periods import HOURS_PER_DAY, IsoWeek, days_between
from tieout.savings.status import LEAST_BASELINE_DAYS

LONGEST_BASELINE_WEEKS = 8

_EXACT = Context(prec=76, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True)
class FunctionDay:
    """Useful work and cost of one function of the catalog on one UTC day, over its apps, its names and its phases."""

    function: str
    day: dt.date
    successful_calls: int
    cost_usd: Decimal


@dataclass(frozen=True)
class BaselinePeriod:
    """Whole ISO weeks before the first deployment, end exclusive."""

    start: dt.date
    end: dt.date

    @property
    def days(self) -> int:
        """Length in days."""
        return (self.end - self.start).days


def baseline_period(first_day: dt.date, first_deployment: dt.date) -> BaselinePeriod | None:
    """Return the whole ISO weeks between the first day with data and the first deployment, the last eight at most.

    None when there is no whole week.
    """
    week = IsoWeek.of(first_day)
    start = week.start if week.start == first_day else week.end
    end = IsoWeek.of(first_deployment).start
    start = max(start, end - dt.timedelta(weeks=LONGEST_BASELINE_WEEKS))
    return BaselinePeriod(start, end) if (end - start).days >= LEAST_BASELINE_DAYS else None


def measured_days(
    week: IsoWeek, *, first_deployment: dt.date | None, blackout: Iterable[dt.date]
) -> tuple[dt.date, ...]:
    """Return the days of a week on which a saving can be measured: after the first deployment, no deployment day."""
    if first_deployment is None:
        return ()
    excluded = set(blackout)
    return tuple(day for day in week.days() if day > first_deployment and day not in excluded)


def projected_usd_per_day(before_usd_per_hour: Decimal, after_usd_per_hour: Decimal, calls_per_hour: int) -> Decimal:
    """A line of the claim in dollars a day, with its own arithmetic: price per hour × calls per hour × 24."""
    return (before_usd_per_hour - after_usd_per_hour) * calls_per_hour * HOURS_PER_DAY


def baseline_days(baseline: BaselinePeriod) -> list[dt.date]:
    """The days of a baseline."""
    return days_between(baseline.start, baseline.end)
