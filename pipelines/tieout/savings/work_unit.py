"""Whether an input is still the same work after the rollout (docs/reference/rules.md, "Unit of work").

A saving is told by input. Where callers hand the same work over in two inputs of half the length, each of them costs
half, and nobody has saved anything; where two inputs become one, the same looks like a rise. Both show as a number of
inputs that moves while the time with work does not.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tieout.savings.daily_work import DailyWork
from tieout.savings.uncertainty import LEAST_AUTOCORRELATION
from tieout.savings.unit_shift import UnitShift

LEAST_SHIFT = 0.1
_STANDARD_ERRORS = 3
_LIKE_DAYS_BEFORE = (1 + LEAST_AUTOCORRELATION) / (1 - LEAST_AUTOCORRELATION)


@dataclass(frozen=True)
class DayOfInputs:
    """What a function did on one UTC day: inputs that succeeded, time with work, and the median seconds of an input."""

    day: dt.date
    inputs: int
    busy_us: int
    typical_seconds: float


@dataclass(frozen=True)
class InputVolume:
    """How the inputs of a function moved, measured days ÷ baseline days of the same weekdays.

    Attributes:
        function: its name.
        inputs: their number.
        busy: container time with work.
        typical_seconds: their median execution.
        usual: how far a number of so many days is usually off, as a share of it; at least a tenth.
        weight: of its demand among the others', its cost on a baseline day.
    """

    function: str
    inputs: float
    busy: float
    typical_seconds: float
    usual: float
    weight: float


def days_of_inputs(work: Iterable[DailyWork]) -> list[DayOfInputs]:
    """Add up the phases of a function by day; days without a successful input or time with work are left out."""
    by_day: dict[dt.date, list[DailyWork]] = {}
    for value in work:
        by_day.setdefault(value.day, []).append(value)
    days = []
    for day, values in by_day.items():
        inputs, busy = (sum(getattr(value, name) for value in values) for name in ("successful_calls", "busy_us"))
        known = [(value.p50_seconds, value.successful_calls) for value in values if value.p50_seconds is not None]
        weight = sum(calls for _, calls in known)
        if inputs and busy and weight:
            days.append(DayOfInputs(day, inputs, busy, sum(p50 * calls for p50, calls in known) / weight))
    return days


def input_volume(
    function: str, before: Sequence[DayOfInputs], after: Sequence[DayOfInputs], *, weight: Fraction
) -> InputVolume | None:
    """Compare measured days of a function with baseline days of the same weekdays; None without any on a side."""
    if not (before and after):
        return None
    expected = _expected(before, lambda day: day.inputs)
    ratios = [day.inputs / expected(day.day) for day in before]
    freedom = len(before) - len({day.day.weekday() for day in before})
    scatter = math.sqrt(sum((ratio - 1) ** 2 for ratio in ratios) / freedom) if freedom else 0.0
    error = scatter * math.sqrt(_LIKE_DAYS_BEFORE * (1 / len(before) + 1 / len(after)))
    return InputVolume(
        function,
        inputs=_moved(before, after, lambda day: day.inputs),
        busy=_moved(before, after, lambda day: day.busy_us),
        typical_seconds=_moved(before, after, lambda day: day.typical_seconds),
        usual=max(LEAST_SHIFT, _STANDARD_ERRORS * error),
        weight=float(weight),
    )


def shifted_units(volumes: Sequence[InputVolume], *, demand_outside: float) -> Mapping[str, UnitShift]:
    """Return by function how an input may have become other work.

    The number of inputs moved by more than demand and what is usual, time with work by a quarter as much at most, or by
    what is usual, and the median input is shorter or longer by half as much at least. Demand is how the inputs of those
    other functions moved which are beyond this suspicion.

    Args:
        volumes: one for each function of the catalog.
        demand_outside: how the cost of what the catalog lacks moved; it stands for demand where every function is
            suspect, or there is one alone.
    """
    suspects = {volume.function for volume in volumes if _is_shifted(volume, 1.0)}
    shifts = {}
    for own in volumes:
        others = [each for each in volumes if each is not own and each.function not in suspects and each.weight > 0]
        weight = sum(other.weight for other in others)
        demand = sum(other.inputs * other.weight for other in others) / weight if weight else demand_outside
        if _is_shifted(own, demand):
            shifts[own.function] = UnitShift(own.function, own.inputs / demand, own.busy / own.inputs)
    return shifts


def _is_shifted(volume: InputVolume, demand: float) -> bool:
    """Whether inputs moved by more than demand and luck, the median input the other way, and work by far less."""
    usual = math.log1p(volume.usual)
    inputs, busy, seconds = (math.log(moved) for moved in (volume.inputs, volume.busy, volume.typical_seconds))
    beyond = inputs - math.log(demand)
    has_moved = abs(beyond) > usual and beyond * seconds < 0 and abs(seconds) >= abs(beyond) / 2
    return has_moved and min(abs(busy), abs(busy - math.log(demand))) <= max(usual, abs(beyond) / 4)


def _moved(before: Sequence[DayOfInputs], after: Sequence[DayOfInputs], value: Callable[[DayOfInputs], float]) -> float:
    expected = _expected(before, value)
    return sum(map(value, after)) / sum(expected(day.day) for day in after)


def _expected(before: Sequence[DayOfInputs], value: Callable[[DayOfInputs], float]) -> Callable[[dt.date], float]:
    """The mean of the baseline by weekday; a weekday without any is a mean day."""
    by_weekday: dict[int, list[float]] = {}
    for day in before:
        by_weekday.setdefault(day.day.weekday(), []).append(value(day))
    every = [each for values in by_weekday.values() for each in values]

    def mean(day: dt.date) -> float:
        values = by_weekday.get(day.weekday(), every)
        return sum(values) / len(values)

    return mean
