"""Anomalies: days on which a function cost far more or less than usual (docs/reference/rules.md, "Anomalies").

A day is held against the function's own history: the same weekday where at least four of them are known, else the same
part of the week (working days, weekend) where two are, else all days before it. The history begins anew with every
deployment that changes the function, so that a saving is no anomaly, and reaches back eight weeks at most.

Level and scatter are robust and on the logarithmic scale, where a day costs no less than one call does. The level is
the median. The scatter is the largest of the median absolute deviation, the root mean square after the outermost tenth
was pulled in, both scaled to a standard deviation, and what chance makes of so few calls: one over the root of their
number, or less where their number hardly moves. A day is out of line when an honest one would lie so far off once in
two hundred, by Student's t with four fifths of the degrees of freedom (what robustness leaves of them), and when it is
off by a third and by a dollar.

Everything but the actual cost is an estimate: floats inside, Decimal dollars at the edge.
"""

import bisect
import datetime as dt
import math
import statistics
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tieout.savings.quantiles import student_t_quantile

HISTORY = dt.timedelta(days=56)
LEAST_WEEKDAYS = 4
LEAST_OF_PART = 2
LEAST_DAYS = 7
FALSE_ALARMS = 0.005
LEAST_RATIO = 4 / 3
SMALLEST_USD = Decimal(1)

# Of a normal distribution: standard deviation ÷ median absolute deviation, standard deviation ÷ root mean square with
# the outermost tenth pulled in to the quantile before it, variance of a median × n, efficiency of the scatter.
_DEVIATION_OF_MAD = 1.4826
_DEVIATION_OF_WINSORIZED = 1.0967
_VARIANCE_OF_MEDIAN = math.pi / 2
_EFFICIENCY = 0.8
# Days that happen to be alike prove no smaller scatter than this, on the logarithmic scale.
_LEAST_SCATTER = 0.05
# A logarithm needs an amount: days below a cent, or below what a call costs, are all alike.
_LEAST_COST = 0.01
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Anomaly:
    """One day of one function that is out of line with the days before it.

    Attributes:
        function: its name.
        day: UTC.
        actual_usd: what it cost, exact.
        expected_usd: what it usually costs, an estimate in whole cents.
        deviations: how many robust standard deviations it lies off; negative when it cost less.
        compared_days: how many days it was held against.
        is_weekday: those were the same weekday; else the same part of the week, or all days before it.
        app: its app, where the caller tells apps apart.
    """

    function: str
    day: dt.date
    actual_usd: Decimal
    expected_usd: Decimal
    deviations: float
    compared_days: int
    is_weekday: bool
    app: str = ""

    @property
    def ratio(self) -> float | None:
        """Actual ÷ expected; None when nothing was expected."""
        return float(self.actual_usd / self.expected_usd) if self.expected_usd else None


def find_anomalies(
    costs: Mapping[str, Mapping[dt.date, Decimal]],
    *,
    calls: Mapping[str, Mapping[dt.date, int]],
    landed: Collection[dt.date],
    judged: Iterable[dt.date],
    changes: Mapping[str, Collection[dt.date]],
) -> tuple[Anomaly, ...]:
    """Find the days that are out of line, ordered by function and day.

    Args:
        costs: by function and day, exact; a landed day that is missing after the function's first one cost nothing.
        calls: by function and day, how many ended; of a function without any only the cost is looked at.
        landed: the days whose bill is landed as a whole; only these are history.
        judged: the days to look at; only landed ones can be judged.
        changes: by function, the days of deployments that change it: history ends there, and they are not judged.
    """
    days = sorted(landed)
    wanted = sorted(set(judged) & set(days))
    return tuple(
        anomaly
        for function, by_day in sorted(costs.items())
        for day in wanted
        for history in [_history(day, days, by_day, changes.get(function, ()))]
        if (anomaly := _judge(_Series(function, by_day, calls.get(function, {})), day, history))
    )


def _history(
    day: dt.date, landed: Sequence[dt.date], costs: Mapping[dt.date, Decimal], changes: Collection[dt.date]
) -> list[dt.date]:
    """The days that a day is comparable with, in order; none on the day of a change."""
    if day in changes:
        return []
    changed = max((change for change in changes if change < day), default=dt.date.min)
    first = max(min(costs), day - HISTORY, changed + dt.timedelta(days=1))
    return list(landed[bisect.bisect_left(landed, first) : bisect.bisect_left(landed, day)])


@dataclass(frozen=True)
class _Series:
    """What one function cost and how often it was called, by day; days without either may be left out."""

    function: str
    costs: Mapping[dt.date, Decimal]
    calls: Mapping[dt.date, int]

    def cost(self, day: dt.date) -> Decimal:
        return self.costs.get(day, Decimal(0))

    def cost_of_a_call(self, days: Iterable[dt.date]) -> float:
        known = list(days)
        calls = sum(self.calls.get(day, 0) for day in known)
        return float(sum(map(self.cost, known), Decimal(0))) / calls if calls else 0.0

    def chance(self, compared: Iterable[dt.date], history: Iterable[dt.date]) -> float:
        """The relative deviation of a number of calls that are independent of one another, or as far as it moves."""
        usual = statistics.fmean(self.calls.get(day, 0) for day in compared)
        variance = statistics.pvariance([self.calls.get(day, 0) for day in history])
        return math.sqrt(min(usual, variance)) / usual if usual else 0.0


_Kind = Callable[[dt.date], int]


def _kind_of(day: dt.date, history: Sequence[dt.date]) -> _Kind:
    """By what days are told apart: the weekday, the part of the week or nothing, as far as there are enough of them."""
    kinds: tuple[tuple[_Kind, int], ...] = ((dt.date.weekday, LEAST_WEEKDAYS), (_part_of_week, LEAST_OF_PART))
    for kind, least in kinds:
        if sum(kind(past) == kind(day) for past in history) >= least:
            return kind
    return lambda _: 0


def _part_of_week(day: dt.date) -> int:
    return day.weekday() // 5


def _judge(series: _Series, day: dt.date, history: Sequence[dt.date]) -> Anomaly | None:
    if len(history) < LEAST_DAYS:
        return None
    kind = _kind_of(day, history)
    compared = [past for past in history if kind(past) == kind(day)]
    least_usd = max(_LEAST_COST, series.cost_of_a_call(history))
    logs = {past: _log(series.cost(past), least_usd) for past in history}
    level = statistics.median(logs[past] for past in compared)
    scatter = _scatter(logs, kind, series.chance(compared, history))
    deviation = scatter.standard_deviation * math.sqrt(1 + _VARIANCE_OF_MEDIAN / len(compared))
    actual = series.cost(day)
    off = _log(actual, least_usd) - level
    expected = Decimal(math.exp(level)).quantize(_CENT)
    if abs(off) < max(scatter.limit * deviation, math.log(LEAST_RATIO)) or abs(actual - expected) < SMALLEST_USD:
        return None
    is_weekday = kind is dt.date.weekday
    return Anomaly(series.function, day, actual, expected, off / deviation, len(compared), is_weekday)


@dataclass(frozen=True)
class _Scatter:
    """How far days lie from the level of their kind, on the logarithmic scale, and how many deviations are too many."""

    standard_deviation: float
    limit: float


def _scatter(logs: Mapping[dt.date, float], kind: _Kind, chance: float) -> _Scatter:
    """The robust scatter of days around the median of their kind, at least what chance makes of it."""
    groups: dict[int, list[float]] = {}
    for day, log in logs.items():
        groups.setdefault(kind(day), []).append(log)
    levels = {group: statistics.median(values) for group, values in groups.items()}
    residuals = sorted(abs(log - levels[group]) for group, values in groups.items() for log in values)
    # Every median that is taken off uses up a day, as a mean would.
    degrees = len(residuals) - len(groups)
    outermost = residuals[math.ceil(0.9 * len(residuals)) - 1]
    mean_square = statistics.fmean(min(residual, outermost) ** 2 for residual in residuals)
    return _Scatter(
        max(
            _LEAST_SCATTER,
            chance,
            _DEVIATION_OF_MAD * statistics.median(residuals) * math.sqrt(len(residuals) / degrees),
            _DEVIATION_OF_WINSORIZED * math.sqrt(mean_square * len(residuals) / degrees),
        ),
        student_t_quantile(max(1, math.floor(_EFFICIENCY * degrees)), 1 - FALSE_ALARMS / 2),
    )


def _log(cost: Decimal, least_usd: float) -> float:
    return math.log(max(float(cost), least_usd))
