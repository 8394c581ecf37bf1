"""Cumulative avoided cost: what all measured days since the first deployment come to, day by day.

A day's amount is what it adds to its own week's measurement so far. So the days of a week add up to that week's avoided
cost, digit for digit, and all days to the sum of the weeks. The interval is the weekly estimator's, of all measured
days at once (docs/method.md, "Savings").
"""

import datetime as dt
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tieout.core.periods import IsoWeek
from tieout.savings.counterfactual import Counterfactual
from tieout.savings.daily_work import DailyWork, WorkingDay, working_days
from tieout.savings.programme import Programme
from tieout.savings.uncertainty import HalfWidth, MeasuredVolume, running_half_widths


@dataclass(frozen=True)
class CumulativeDay:
    """A measured day, and all measured days up to and including it.

    Attributes:
        day: UTC.
        avoided_usd: what this day adds.
        cumulative_usd: what all of them come to.
        half_width: the interval around that; None when the baseline is too short.
    """

    day: dt.date
    avoided_usd: Decimal
    cumulative_usd: Decimal
    half_width: HalfWidth | None


def cumulative_avoided(
    work: Iterable[DailyWork],
    *,
    programme: Programme,
    models: Mapping[str, Counterfactual],
    landed: Collection[dt.date],
    until: dt.date,
    earlier: Mapping[IsoWeek, Mapping[str, Counterfactual]] | None = None,
) -> tuple[CumulativeDay, ...]:
    """Add up the avoided cost of every measured day, ascending; days that do not count are left out.

    Args:
        work: all days since the first deployment, in any order; other days are not looked at.
        programme: what the catalog says.
        models: the counterfactual by function; a function without one claims nothing.
        landed: days whose bill is landed whole.
        until: end of the last week, exclusive.
        earlier: the counterfactuals of the weeks that had others, by week and function.
    """
    deployments = programme.deployment_days
    first = min(deployments.values(), default=until)
    days = sorted(day for day in landed if first < day < until and day not in deployments.values())
    by_function: dict[str, list[DailyWork]] = {name: [] for name in models}
    for value in work:
        if value.function in by_function:
            by_function[value.function].append(value)
    functions = []
    for name, model in models.items():
        own = [deployments[phase.id] for phase in programme.phases_of(name)]
        counting = [day for day in days if own and day > min(own)]
        if counting:
            other = {week: own[name] for week, own in (earlier or {}).items() if name in own}
            functions.append(_Function(model, other, working_days(by_function[name], counting)))
    return _accumulate(functions)


@dataclass(frozen=True)
class _Function:
    """The models of a function, of the last week and of weeks that had others, and its measured days."""

    model: Counterfactual
    earlier: Mapping[IsoWeek, Counterfactual]
    days: Sequence[WorkingDay]


def _accumulate(functions: Sequence[_Function]) -> tuple[CumulativeDay, ...]:
    added: dict[dt.date, Decimal] = {}
    for function in functions:
        for day, amount in _daily(function):
            added[day] = added.get(day, Decimal(0)) + amount
    ordered = sorted(added.items())
    reached = itertools.accumulate(amount for _, amount in ordered)
    widths = running_half_widths(
        [MeasuredVolume(own.model, tuple(day.successful_calls for day in own.days)) for own in functions]
    )
    return tuple(
        CumulativeDay(*line, sofar, width) for line, sofar, width in zip(ordered, reached, widths, strict=True)
    )


def _daily(function: _Function) -> Iterator[tuple[dt.date, Decimal]]:
    """Yield what every day adds to its week; a week rounds its counterfactual once, so its days must not each do so.

    A week without a successful call claims nothing, so its days add nothing.
    """
    for iso_week, own in itertools.groupby(function.days, key=lambda value: IsoWeek.of(value.day)):
        week, model = list(own), function.earlier.get(iso_week, function.model)
        if not any(value.successful_calls for value in week):
            yield from ((value.day, Decimal(0)) for value in week)
            continue
        calls, actual, before = 0, Decimal(0), Decimal(0)
        for position, value in enumerate(week, start=1):
            calls += value.successful_calls
            actual += value.cost_usd
            sofar = model.cost_usd(calls, position) - actual
            yield value.day, sofar - before
            before = sofar
