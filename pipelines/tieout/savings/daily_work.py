"""The work of the programme's functions by day, the input of every measurement (docs/reference/rules.md, "Savings")."""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from tieout.savings.days import FunctionDay


@dataclass(frozen=True)
class DailyWork:
    """Work, quality and cost of one function in one rollout phase on one UTC day.

    Attributes:
        function: its name in the catalog, whatever its app and its older names.
        phase: rollout phase of its containers.
        day: UTC.
        successful_calls: inputs that ended in success, each once: a map of 1,000 inputs counts as 1,000.
        function_calls: distinct function calls that they belong to.
        inputs: inputs that ended, whatever the way.
        errors: those that ended in failure (timeouts and kills for lack of memory apart).
        timeouts: those that ran into the timeout.
        ooms: those killed for lack of memory.
        p50_seconds: median execution seconds of successful inputs; None without any.
        p95_seconds: their 95th percentile.
        busy_us: container time with at least one input, microseconds.
        container_us: container time, microseconds.
        cost_usd: attributed cost, failures included.
        gpu_usd: what of it is for GPUs.
        cpu_usd: what of it is for CPU.
        memory_usd: what of it is for memory.
        is_settled: the bill of the day was read after the settle buffer.
    """

    function: str
    phase: str
    day: dt.date
    successful_calls: int
    function_calls: int
    inputs: int
    errors: int
    timeouts: int
    ooms: int
    p50_seconds: float | None
    p95_seconds: float | None
    busy_us: int
    container_us: int
    cost_usd: Decimal
    gpu_usd: Decimal
    cpu_usd: Decimal
    memory_usd: Decimal
    is_settled: bool


@dataclass(frozen=True)
class WorkingDay:
    """A function's day over all its phases: what a counterfactual is fitted on and compared with."""

    day: dt.date
    successful_calls: int
    cost_usd: Decimal


def working_days(work: Iterable[DailyWork], days: Iterable[dt.date]) -> tuple[WorkingDay, ...]:
    """Add up the work of one function over its phases, for every one of the days; a day without work has zeros."""
    calls = dict.fromkeys(days, 0)
    costs = dict.fromkeys(calls, Decimal(0))
    for value in work:
        if value.day in calls:
            calls[value.day] += value.successful_calls
            costs[value.day] += value.cost_usd
    return tuple(WorkingDay(day, calls[day], costs[day]) for day in calls)


def function_days(work: Iterable[DailyWork], functions: Collection[str]) -> list[FunctionDay]:
    """Add up calls and cost over phases for every one of the functions and day, in the order they come."""
    sums: dict[tuple[str, dt.date], FunctionDay] = {}
    for value in work:
        if value.function not in functions:
            continue
        key = (value.function, value.day)
        sofar = sums.get(key, FunctionDay(*key, 0, Decimal(0)))
        calls, cost = sofar.successful_calls + value.successful_calls, sofar.cost_usd + value.cost_usd
        sums[key] = FunctionDay(*key, calls, cost)
    return list(sums.values())
