"""The frozen baseline: the content of `catalog/baseline.lock`, and its text.

A lock carries the baseline's daily series itself, so the saving stays on the frozen figures whatever happens to the
data later (docs/reference/rules.md, "Savings"). Where the file lies is the caller's business. The text is YAML with one
line per function and day, in a fixed order, so that two baselines compare well in git and the same data freeze to the
same text.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from tieout.catalog.models import Catalog
from tieout.core.money import SCALE, from_picodollars, to_picodollars
from tieout.core.periods import days_between
from tieout.savings.days import BaselinePeriod, FunctionDay

LOCK_FORMAT = 1
LOCK_NAME = "baseline.lock"
PROJECTION_FILE = "projection.yaml"

_HEADER = (
    "# The baseline that savings are measured against: dates, hashes and the daily series, frozen.\n"
    "# Written by `tieout freeze-baseline`; run it again to freeze anew, never edit a line.\n"
)


@dataclass(frozen=True)
class BaselineLock:
    """The frozen baseline.

    Attributes:
        method_version: version of docs/reference/rules.md that it was frozen under.
        baseline: the frozen days, end exclusive.
        catalog_sha256: SHA-256 of each catalog file, the projection among them, by file name.
        series: one value for every function and day of the baseline, by function and day; days without calls and
            cost are there as zeros.
    """

    method_version: str
    baseline: BaselinePeriod
    catalog_sha256: Mapping[str, str]
    series: tuple[FunctionDay, ...]

    @property
    def projection_sha256(self) -> str | None:
        """SHA-256 of the claim; None when the catalog had none."""
        return self.catalog_sha256.get(PROJECTION_FILE)

    @property
    def series_sha256(self) -> str:
        """SHA-256 of the daily series as it is written."""
        return hashlib.sha256("".join(_series_lines(self.series)).encode()).hexdigest()

    @property
    def sha256(self) -> str:
        """SHA-256 of the whole lock: the name of this baseline in reports."""
        return hashlib.sha256(format_lock(self).encode()).hexdigest()


def freeze(
    series: Iterable[FunctionDay], *, baseline: BaselinePeriod, catalog: Catalog, method_version: str
) -> BaselineLock:
    """Freeze the baseline days of a series; every function with a value in them gets every day, in order.

    Args:
        series: one value per function and day, in any order; days outside the baseline are passed over.
        baseline: the days to freeze, end exclusive.
        catalog: the programme, with the hashes of its files.
        method_version: version of docs/reference/rules.md.

    Raises:
        ValueError: no value lies in the baseline, or a function has two values for one day.
        MoneyError: a cost with more than 12 decimals.
    """
    values = by_function_and_day(series, baseline)
    if not values:
        raise ValueError(f"no function has a day between {baseline.start} and {baseline.end}: there is no baseline")
    functions = sorted({function for function, _ in values})
    return BaselineLock(
        method_version=method_version,
        baseline=baseline,
        catalog_sha256=dict(sorted(catalog.file_sha256.items())),
        series=tuple(
            values.get((function, day), FunctionDay(function, day, 0, from_picodollars(0)))
            for function in functions
            for day in days_between(baseline.start, baseline.end)
        ),
    )


def under_todays_names(lock: BaselineLock, catalog: Catalog) -> BaselineLock:
    """Return a lock whose days stand under the names that functions have now, as `replaces` of the catalog tells them.

    What two functions did that are one now is added up.
    """
    successors = {old: function.name for function in catalog.functions.functions for old in function.replaces}
    if not successors:
        return lock
    sums: dict[tuple[str, dt.date], FunctionDay] = {}
    for value in lock.series:
        name = successors.get(value.function, value.function)
        sofar = sums.get((name, value.day), FunctionDay(name, value.day, 0, from_picodollars(0)))
        calls, cost = sofar.successful_calls + value.successful_calls, sofar.cost_usd + value.cost_usd
        sums[name, value.day] = FunctionDay(name, value.day, calls, cost)
    return replace(lock, series=tuple(sums[key] for key in sorted(sums)))


def by_function_and_day(
    series: Iterable[FunctionDay], baseline: BaselinePeriod
) -> dict[tuple[str, dt.date], FunctionDay]:
    """The values of the baseline, with costs to the picodollar.

    Raises:
        ValueError: a function has two values for one day.
        MoneyError: a cost with more than 12 decimals.
    """
    values: dict[tuple[str, dt.date], FunctionDay] = {}
    for value in series:
        if not baseline.start <= value.day < baseline.end:
            continue
        if (value.function, value.day) in values:
            raise ValueError(f"{value.function} has two values for {value.day}; add them up before freezing")
        cost = from_picodollars(to_picodollars(value.cost_usd))
        values[value.function, value.day] = FunctionDay(value.function, value.day, value.successful_calls, cost)
    return values


def format_lock(lock: BaselineLock) -> str:
    """Write a lock as text: the same lock always gives the same text, and `parse_lock` gives it back."""
    files = "".join(f"  {json.dumps(name)}: {digest}\n" for name, digest in sorted(lock.catalog_sha256.items()))
    return (
        f"{_HEADER}"
        f"format: {LOCK_FORMAT}\n"
        f"method_version: {json.dumps(lock.method_version)}\n"
        f"baseline_start: {lock.baseline.start.isoformat()}\n"
        f"baseline_end: {lock.baseline.end.isoformat()}\n"
        f"catalog_sha256:\n{files}"
        f"series_sha256: {lock.series_sha256}\n"
        f"series:\n{''.join(_series_lines(lock.series))}"
    )


def _series_lines(series: Iterable[FunctionDay]) -> Iterator[str]:
    for value in series:
        cost = f"{from_picodollars(to_picodollars(value.cost_usd)):.{SCALE}f}"
        yield (
            f"  - {{function: {json.dumps(value.function)}, day: {value.day.isoformat()}, "
            f'successful_calls: {value.successful_calls}, cost_usd: "{cost}"}}\n'
        )
