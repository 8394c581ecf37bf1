"""Cumulative avoided cost: what all measured days since the first deployment come to, day by day.

A day's amount is what it adds to its own week's measurement so far. So the days of a week add up to that week's avoided
cost, digit for digit, and all days to the sum of the weeks. The interval is the weekly estimator's, of all measured
days at once: one baseline, its error bars and those of the weeks so far, and what the witnesses are off in all of these
weeks together (docs/reference/rules.md, "Savings").
"""

import datetime as dt
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tieout.core.periods import IsoWeek
from tieout.savings.counterfactual import Counterfactual
from tieout.savings.daily_work import DailyWork, WorkingDay, working_days
from tieout.savings.disagreement import WitnessKind
from tieout.savings.error_bars import Attribution, CostBar
from tieout.savings.programme import Programme
from tieout.savings.uncertainty import (
    HalfWidth,
    MeasuredVolume,
    running_half_widths,
    with_attribution,
    with_disagreement,
)


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


@dataclass(frozen=True)
class WeekClaim:
    """The counterfactual of a function in one week, and what other models are asked of the same measured days."""

    model: Counterfactual
    others: Mapping[WitnessKind, MeasuredVolume] = field(default_factory=dict)


def cumulative_avoided(
    work: Iterable[DailyWork],
    *,
    programme: Programme,
    claims: Mapping[str, WeekClaim],
    landed: Collection[dt.date],
    until: dt.date,
    earlier: Mapping[IsoWeek, Mapping[str, WeekClaim]] | None = None,
    error_bars: Sequence[CostBar] = (),
) -> tuple[CumulativeDay, ...]:
    """Add up the avoided cost of every measured day, ascending; days that do not count are left out.

    Args:
        work: all days since the first deployment, in any order; other days are not looked at.
        programme: what the catalog says.
        claims: the counterfactual of the last week by function; a function without one claims nothing.
        landed: days whose bill is landed whole.
        until: end of the last week, exclusive.
        earlier: those of the weeks before it, by week and function; a week without has the last one's, and no witness.
        error_bars: of everything in the programme's apps, of all weeks.
    """
    deployments = programme.deployment_days
    first = min(deployments.values(), default=until)
    days = sorted(day for day in landed if first < day < until and day not in deployments.values())
    last = IsoWeek.of(until - dt.timedelta(days=1))
    by_function: dict[str, list[DailyWork]] = {name: [] for name in claims}
    for value in work:
        if value.function in by_function:
            by_function[value.function].append(value)
    functions = []
    for name, claim in claims.items():
        own = [deployments[phase.id] for phase in programme.phases_of(name)]
        counting = [day for day in days if own and day > min(own)]
        if counting:
            weeks = {week: known[name] for week, known in (earlier or {}).items() if name in known} | {last: claim}
            functions.append(_Function(name, claim.model, weeks, working_days(by_function[name], counting)))
    return _accumulate(functions, error_bars)


@dataclass(frozen=True)
class _Function:
    """The counterfactuals of a function, of the last week and by week, and its measured days."""

    name: str
    model: Counterfactual
    weeks: Mapping[IsoWeek, WeekClaim]
    days: Sequence[WorkingDay]


@dataclass
class _Sums:
    """What all measured days so far come to."""

    avoided_usd: Decimal = Decimal(0)
    counterfactuals_usd: dict[str, Decimal] = field(default_factory=dict)
    differences_usd: dict[WitnessKind, Decimal] = field(default_factory=dict)

    def add(self, function: str, day: "_Added") -> None:
        self.avoided_usd += day.avoided_usd
        self.counterfactuals_usd[function] = self.counterfactuals_usd.get(function, Decimal(0)) + day.counterfactual_usd
        for kind, difference in day.differences_usd.items():
            self.differences_usd[kind] = self.differences_usd.get(kind, Decimal(0)) + difference


def _accumulate(functions: Sequence[_Function], bars: Sequence[CostBar]) -> tuple[CumulativeDay, ...]:
    added: dict[dt.date, list[tuple[str, _Added]]] = {}
    for function in functions:
        for one in _daily(function):
            added.setdefault(one.day, []).append((function.name, one))
    widths = running_half_widths(
        [MeasuredVolume(own.model, tuple(day.successful_calls for day in own.days)) for own in functions]
    )
    baseline = {IsoWeek.of(day).start for function in functions for day in function.model.days}
    attribution = Attribution(bars, baseline=baseline)
    sums, measured, reached = _Sums(), set[dt.date](), []
    for day, width in zip(sorted(added), widths, strict=True):
        measured.add(IsoWeek.of(day).start)
        for name, own in added[day]:
            sums.add(name, own)
        if width is not None:
            open_usd = attribution.half_width_usd(sums.counterfactuals_usd, measured=measured)
            off = max(map(abs, sums.differences_usd.values()), default=Decimal(0))
            width = with_disagreement(with_attribution(width, open_usd), off)
        today = sum((own.avoided_usd for _, own in added[day]), Decimal(0))
        reached.append(CumulativeDay(day, today, sums.avoided_usd, width))
    return tuple(reached)


@dataclass(frozen=True)
class _Added:
    """What a day adds to its week: saving, counterfactual, and what the witnesses say beyond that."""

    day: dt.date
    avoided_usd: Decimal
    counterfactual_usd: Decimal
    differences_usd: Mapping[WitnessKind, Decimal]


def _daily(function: _Function) -> Iterator[_Added]:
    """Yield what every day adds to its week; a week rounds its counterfactual once, so its days must not each do so.

    A week without a successful call claims nothing, so its days add nothing.
    """
    for iso_week, own in itertools.groupby(function.days, key=lambda value: IsoWeek.of(value.day)):
        week = list(own)
        claim = function.weeks.get(iso_week) or WeekClaim(function.model)
        if not any(value.successful_calls for value in week):
            yield from (_Added(value.day, Decimal(0), Decimal(0), {}) for value in week)
            continue
        expected = _running_usd(claim.model, [value.successful_calls for value in week])
        others = {kind: _running_usd(volume.model, volume.calls) for kind, volume in claim.others.items()}
        for position, value in enumerate(week):
            differences = {kind: amounts[position] - expected[position] for kind, amounts in others.items()}
            yield _Added(value.day, expected[position] - value.cost_usd, expected[position], differences)


def _running_usd(model: Counterfactual, calls: Sequence[int]) -> list[Decimal]:
    """Return what each day adds to the counterfactual of the days before it."""
    sofar = [model.cost_usd(total, days) for days, total in enumerate(itertools.accumulate(calls), start=1)]
    return [after - before for before, after in itertools.pairwise([Decimal(0), *sofar])]
