"""Savings: what the work of a period would have cost at the baseline's price, less what it did cost.

The counterfactual is proportional: baseline cost per successful call times the calls of the period (docs/method.md,
"Savings"). Amounts are exact: the unit cost is kept as a fraction and rounded once, to a picodollar.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from fractions import Fraction

from pipelines.core.money import SCALE
from pipelines.core.periods import IsoWeek, days_between

LEAST_BASELINE_DAYS = 7
SUFFICIENT_BASELINE_DAYS = 14
LONGEST_BASELINE_WEEKS = 8
HOURS_PER_DAY = 24

_EXACT = Context(prec=76, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True)
class FunctionDay:
    """Useful work and cost of one function on one UTC day, over all its apps and phases."""

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


class NoClaimReason(StrEnum):
    """Why no saving is claimed for a function and week."""

    NO_DEPLOYMENT = "nothing was deployed yet"
    NO_BASELINE = "there are fewer than 7 baseline days"
    NO_BASELINE_CALLS = "no call succeeded in the baseline"
    NO_MEASURED_DAY = "every day of the week is a deployment day or lies in the baseline"


@dataclass(frozen=True)
class FunctionSaving:
    """The saving of one function in one week.

    Attributes:
        function: its name.
        measured_days: days of the week that count: after the baseline, no deployment day.
        successful_calls: calls that ended in success on those days.
        actual_usd: cost of those days.
        baseline_unit_usd: baseline cost per successful call; None when there is none.
        counterfactual_usd: what those calls would have cost at the baseline's unit cost; None without one.
        avoided_usd: counterfactual less actual, negative when cost rose; None when nothing is claimed.
        cash_change_usd: mean daily baseline cost times the measured days, less the actual cost; it includes volume and
            is no saving; None without a baseline.
        reason: why nothing is claimed; None when something is.
    """

    function: str
    measured_days: int
    successful_calls: int
    actual_usd: Decimal
    baseline_unit_usd: Decimal | None
    counterfactual_usd: Decimal | None
    avoided_usd: Decimal | None
    cash_change_usd: Decimal | None
    reason: NoClaimReason | None


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


def weekly_savings(
    series: Sequence[FunctionDay],
    week: IsoWeek,
    *,
    deployments: Mapping[str, dt.date],
    baseline: BaselinePeriod | None,
) -> list[FunctionSaving]:
    """Measure every function of the series in one week, in the order of their names.

    Args:
        series: one value per function and day, in any order; a missing day is a day without calls and cost.
        week: the week to measure.
        deployments: day of deployment by phase; all of them are blacked out.
        baseline: the frozen days before the first deployment; None when there are too few.
    """
    first = min(deployments.values(), default=None)
    days = measured_days(week, first_deployment=first, blackout=deployments.values())
    functions = sorted({value.function for value in series})
    return [_function_saving(function, series, days, week, baseline, first) for function in functions]


def _function_saving(
    function: str,
    series: Sequence[FunctionDay],
    days: tuple[dt.date, ...],
    week: IsoWeek,
    baseline: BaselinePeriod | None,
    first_deployment: dt.date | None,
) -> FunctionSaving:
    own = [value for value in series if value.function == function]
    before = [v for v in own if baseline is not None and baseline.start <= v.day < baseline.end]
    after = [value for value in own if value.day in days]
    actual = sum((value.cost_usd for value in after), Decimal(0))
    calls = sum(value.successful_calls for value in after)
    baseline_cost = Fraction(sum((value.cost_usd for value in before), Decimal(0)))
    baseline_calls = sum(value.successful_calls for value in before)
    unit = baseline_cost / baseline_calls if baseline_calls else None
    reason = _reason(days, week, baseline, unit, first_deployment)
    counterfactual = None if unit is None else round_picodollars(unit * calls)
    claims = reason is None and counterfactual is not None
    cash = None
    if baseline is not None and days:
        cash = round_picodollars(baseline_cost * len(days) / baseline.days) - actual
    return FunctionSaving(
        function=function,
        measured_days=len(days),
        successful_calls=calls,
        actual_usd=actual,
        baseline_unit_usd=None if unit is None else round_picodollars(unit),
        counterfactual_usd=counterfactual,
        avoided_usd=counterfactual - actual if claims and counterfactual is not None else None,
        cash_change_usd=cash,
        reason=reason,
    )


def _reason(
    days: tuple[dt.date, ...],
    week: IsoWeek,
    baseline: BaselinePeriod | None,
    unit: Fraction | None,
    first_deployment: dt.date | None,
) -> NoClaimReason | None:
    if first_deployment is None or week.end <= first_deployment:
        return NoClaimReason.NO_DEPLOYMENT
    if baseline is None:
        return NoClaimReason.NO_BASELINE
    if not days:
        return NoClaimReason.NO_MEASURED_DAY
    return NoClaimReason.NO_BASELINE_CALLS if unit is None else None


def round_picodollars(amount: Fraction) -> Decimal:
    """Round an exact amount to 12 decimals, half-even."""
    scaled = round(amount * 10**SCALE)
    return Decimal(scaled).scaleb(-SCALE, context=_EXACT)


def projected_usd_per_day(before_usd_per_hour: Decimal, after_usd_per_hour: Decimal, calls_per_hour: int) -> Decimal:
    """A line of the claim in dollars a day, with its own arithmetic: price per hour × calls per hour × 24."""
    return (before_usd_per_hour - after_usd_per_hour) * calls_per_hour * HOURS_PER_DAY


def baseline_days(baseline: BaselinePeriod) -> list[dt.date]:
    """The days of a baseline."""
    return days_between(baseline.start, baseline.end)
