"""The frozen baseline: the content of `catalog/baseline.lock`, and how today's data and catalog differ from it.

A lock carries the baseline's daily series itself, so the saving stays on the frozen figures whatever happens to the
data later; a difference is a finding until someone freezes anew (docs/method.md, "Savings"). Text in, text out: where
the file lies is the caller's business. The text is YAML with one line per function and day, in a fixed order, so that
a new freeze reads well as a difference in git and the same data freeze to the same text.
"""

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tieout.catalog.models import Catalog
from tieout.core.findings import Finding, Severity
from tieout.core.money import SCALE, MoneyError, format_usd, from_picodollars, parse_usd, to_picodollars
from tieout.core.periods import days_between
from tieout.savings.days import BaselinePeriod, FunctionDay

LOCK_FORMAT = 1
LOCK_NAME = "baseline.lock"
PROJECTION_FILE = "projection.yaml"
# A ledger: new rows are its purpose, so they are told but no warning.
LEDGER_FILE = "adjustments.yaml"

_HEADER = (
    "# The baseline that savings are measured against: dates, hashes and the daily series, frozen.\n"
    "# Written by `tieout freeze-baseline`; run it again to freeze anew, never edit a line.\n"
)
_SHA256 = r"[0-9a-f]{64}"
_STRING = r'"(?:[^"\\]|\\.)*"'
_DAY_LINE = re.compile(
    rf"  - \{{function: (?P<function>{_STRING}), day: (?P<day>[^,]*), "
    r'successful_calls: (?P<successful_calls>[^,]*), cost_usd: "(?P<cost_usd>[^"]*)"\}'
)


class LockError(ValueError):
    """A lock that cannot be used; the message names the line, the field and what to do."""


@dataclass(frozen=True)
class BaselineLock:
    """The frozen baseline.

    Attributes:
        method_version: version of docs/method.md that it was frozen under.
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


class LockFinding(StrEnum):
    """Codes of what differs from the frozen baseline."""

    BASELINE_RESTATED = "baseline_restated"
    BASELINE_DATES = "baseline_dates_differ"
    BASELINE_OVERLAPS = "baseline_overlaps_deployment"
    CATALOG_EDITED = "catalog_edited"
    PROJECTION_EDITED = "projection_edited"
    METHOD_CHANGED = "method_changed"


@dataclass(frozen=True)
class RestatedDay:
    """A function's day of the baseline whose data differ from the frozen ones."""

    function: str
    day: dt.date
    frozen_calls: int
    current_calls: int
    frozen_usd: Decimal
    current_usd: Decimal

    @property
    def moved_usd(self) -> Decimal:
        """Cost now less cost as frozen."""
        return from_picodollars(to_picodollars(self.current_usd) - to_picodollars(self.frozen_usd))


def freeze(
    series: Iterable[FunctionDay], *, baseline: BaselinePeriod, catalog: Catalog, method_version: str
) -> BaselineLock:
    """Freeze the baseline days of a series; every function with a value in them gets every day, in order.

    Args:
        series: one value per function and day, in any order; days outside the baseline are passed over.
        baseline: the days to freeze, end exclusive.
        catalog: the programme, with the hashes of its files.
        method_version: version of docs/method.md.

    Raises:
        ValueError: no value lies in the baseline, or a function has two values for one day.
        MoneyError: a cost with more than 12 decimals.
    """
    values = _by_function_and_day(series, baseline)
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


def _by_function_and_day(
    series: Iterable[FunctionDay], baseline: BaselinePeriod
) -> dict[tuple[str, dt.date], FunctionDay]:
    values: dict[tuple[str, dt.date], FunctionDay] = {}
    for value in series:
        if not baseline.start <= value.day < baseline.end:
            continue
        if (value.function, value.day) in values:
            raise ValueError(f"{value.function} has two values for {value.day}; add them up before freezing")
        cost = from_picodollars(to_picodollars(value.cost_usd))
        values[value.function, value.day] = FunctionDay(value.function, value.day, value.successful_calls, cost)
    return values


# The text


def format_lock(lock: BaselineLock) -> str:
    """Write a lock as text: the same lock always gives the same text, and `parse_lock` gives the lock back."""
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


class _Lines:
    """The lock's lines in reading order, with their numbers; comments and empty lines are passed over."""

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._lines = [
            (number, line.rstrip())
            for number, line in enumerate(text.split("\n"), start=1)
            if line.strip() and not line.startswith("#")
        ]
        self._last = text.count("\n") + 1
        self._next = 0

    @property
    def number(self) -> int:
        """The number of the line read last."""
        return self._lines[self._next - 1][0] if self._next else 1

    def peek(self) -> str | None:
        return self._lines[self._next][1] if self._next < len(self._lines) else None

    def read(self) -> str:
        self._next += 1
        return self._lines[self._next - 1][1]

    def value(self, field: str, pattern: str) -> str:
        """Read `field: value`, with the value in the given form."""
        line = self.peek()
        if line is None:
            raise LockError(f"{self._name}:{self._last}: {field}: the lock ends here; {_REMEDY}")
        self.read()
        if not line.startswith(f"{field}:"):
            raise self.error(field, f"expected `{field}:`, found {line[:60]!r}")
        value = line.removeprefix(f"{field}:").strip()
        if not re.fullmatch(pattern, value):
            raise self.error(field, f"cannot read {value[:80]!r}")
        return value

    def error(self, field: str, message: str) -> LockError:
        return LockError(f"{self._name}:{self.number}: {field}: {message}; {_REMEDY}")


_REMEDY = "restore the file from git, or run `tieout freeze-baseline` to freeze anew"


def parse_lock(text: str, *, name: str = LOCK_NAME) -> BaselineLock:
    """Read a lock that `format_lock` wrote.

    Args:
        text: the file's content; line ends may be those of any system.
        name: the file's name for messages.

    Raises:
        LockError: the text is damaged, of another format, or its series is not the one that its hash was taken of.
    """
    lines = _Lines(text, name)
    written = lines.value("format", r"\d+")
    if written != str(LOCK_FORMAT):
        raise lines.error("format", f"this version reads format {LOCK_FORMAT}, not {written}")
    method_version = _string(lines, "method_version", lines.value("method_version", _STRING))
    start = _date(lines, "baseline_start", lines.value("baseline_start", ".*"))
    end = _date(lines, "baseline_end", lines.value("baseline_end", ".*"))
    if end <= start:
        raise lines.error("baseline_end", f"{end} is not after the baseline's start, {start}")
    lines.value("catalog_sha256", "")
    files = _read_files(lines)
    series_sha256 = lines.value("series_sha256", _SHA256)
    digest_line = lines.number
    lines.value("series", "")
    baseline = BaselinePeriod(start, end)
    lock = BaselineLock(method_version, baseline, files, tuple(_read_series(lines, baseline)))
    if lock.series_sha256 != series_sha256:
        raise LockError(
            f"{name}:{digest_line}: series_sha256: the series below is not the one that was frozen (its hash is "
            f"{lock.series_sha256[:12]}…, not {series_sha256[:12]}…); {_REMEDY}"
        )
    return lock


def _read_files(lines: _Lines) -> dict[str, str]:
    files: dict[str, str] = {}
    while (line := lines.peek()) is not None and line.startswith("  "):
        lines.read()
        match = re.fullmatch(rf"  ({_STRING}): ({_SHA256})", line)
        if match is None:
            raise lines.error("catalog_sha256", f"cannot read {line.strip()[:80]!r}")
        name = _string(lines, "catalog_sha256", match[1])
        if name in files:
            raise lines.error("catalog_sha256", f"{name} is there twice")
        files[name] = match[2]
    return files


def _read_series(lines: _Lines, baseline: BaselinePeriod) -> Iterator[FunctionDay]:
    seen: dict[tuple[str, dt.date], int] = {}
    while (line := lines.peek()) is not None:
        lines.read()
        match = _DAY_LINE.fullmatch(line)
        if match is None:
            raise lines.error("series", f"cannot read {line.strip()[:80]!r}")
        value = _read_day(lines, match)
        if not baseline.start <= value.day < baseline.end:
            raise lines.error("day", f"{value.day} is not in the baseline, {baseline.start} to {baseline.end}")
        first = seen.setdefault((value.function, value.day), lines.number)
        if first != lines.number:
            raise lines.error("series", f"{value.function} has {value.day} twice, first in line {first}")
        yield value


def _read_day(lines: _Lines, match: re.Match[str]) -> FunctionDay:
    calls = match["successful_calls"]
    if not re.fullmatch(r"\d{1,18}", calls, re.ASCII):
        raise lines.error("successful_calls", f"{calls[:40]!r} is not a number of calls")
    try:
        cost = parse_usd(match["cost_usd"])
    except MoneyError as error:
        raise lines.error("cost_usd", str(error)) from None
    function = _string(lines, "function", match["function"])
    return FunctionDay(function, _date(lines, "day", match["day"]), int(calls), cost)


def _string(lines: _Lines, field: str, quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:
        raise lines.error(field, f"{quoted[:60]} is not a quoted text") from None


def _date(lines: _Lines, field: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise lines.error(field, f"{text[:40]!r} is not a date like 2026-09-21") from None


# The comparison


def compare(
    lock: BaselineLock,
    series: Iterable[FunctionDay],
    catalog: Catalog,
    *,
    method_version: str,
    baseline: BaselinePeriod | None = None,
) -> list[Finding]:
    """Say how today's data, catalog and method differ from the frozen ones; nothing to say gives an empty list.

    Args:
        lock: the frozen baseline.
        series: today's values per function and day; a missing day is a day without calls and cost.
        catalog: today's programme.
        method_version: today's version of docs/method.md.
        baseline: the days that would be frozen today; None when they are not known.

    Raises:
        ValueError: a function has two values for one day.
    """
    return [
        *_restatement_findings(restated_days(lock, series)),
        *_date_findings(lock, catalog, baseline),
        *_file_findings(lock, catalog),
        *_method_findings(lock, method_version),
    ]


def restated_days(lock: BaselineLock, series: Iterable[FunctionDay]) -> list[RestatedDay]:
    """List the baseline's days whose calls or cost differ from the frozen ones, by function and day.

    Raises:
        ValueError: a function has two values for one day.
    """
    current = _by_function_and_day(series, lock.baseline)
    frozen = {(value.function, value.day): value for value in lock.series}
    days = []
    for function, day in sorted(frozen.keys() | current.keys()):
        nothing = FunctionDay(function, day, 0, from_picodollars(0))
        then, now = frozen.get((function, day), nothing), current.get((function, day), nothing)
        if (then.successful_calls, then.cost_usd) != (now.successful_calls, now.cost_usd):
            calls = then.successful_calls, now.successful_calls
            days.append(RestatedDay(function, day, *calls, then.cost_usd, now.cost_usd))
    return days


def _restatement_findings(days: Sequence[RestatedDay]) -> Iterator[Finding]:
    for function in dict.fromkeys(day.function for day in days):
        own = [day for day in days if day.function == function]
        moved = from_picodollars(sum(to_picodollars(day.moved_usd) for day in own))
        calls = sum(day.current_calls - day.frozen_calls for day in own)
        count = "1 baseline day has" if len(own) == 1 else f"{len(own)} baseline days have"
        yield Finding(
            LockFinding.BASELINE_RESTATED,
            Severity.WARNING,
            function,
            f"{count} changed since the baseline was frozen, by {_signed_usd(moved)} and {_signed(calls)} calls; the "
            "saving stays on the frozen figures.",
            {
                "moved_usd": str(moved),
                "moved_calls": str(calls),
                "days": str(len(own)),
                **{day.day.isoformat(): _movement(day) for day in own},
            },
        )


def _movement(day: RestatedDay) -> str:
    cost = f"{_usd(day.frozen_usd)} → {_usd(day.current_usd)} ({_signed_usd(day.moved_usd)})"
    return f"{cost}, {day.frozen_calls:,} → {day.current_calls:,} calls"


def _usd(amount: Decimal) -> str:
    """To the cent, or in full where rounding to the cent would hide the difference."""
    return format_usd(amount, 2 if amount == round(amount, 2) else SCALE)


def _signed_usd(amount: Decimal) -> str:
    return f"+{_usd(amount)}" if amount > 0 else _usd(amount)


def _signed(count: int) -> str:
    return f"{count:+,}".replace("-", "−") if count else "0"


def _date_findings(lock: BaselineLock, catalog: Catalog, baseline: BaselinePeriod | None) -> Iterator[Finding]:
    frozen = {"frozen_start": lock.baseline.start.isoformat(), "frozen_end": lock.baseline.end.isoformat()}
    if baseline is not None and baseline != lock.baseline:
        yield Finding(
            LockFinding.BASELINE_DATES,
            Severity.WARNING,
            LOCK_NAME,
            f"Today's data and rollout would give a baseline from {baseline.start} to {baseline.end}; frozen is "
            f"{lock.baseline.start} to {lock.baseline.end}, end exclusive.",
            {**frozen, "current_start": baseline.start.isoformat(), "current_end": baseline.end.isoformat()},
        )
    for phase in catalog.rollout.phases:
        if phase.deployed_at.date() < lock.baseline.end:
            yield Finding(
                LockFinding.BASELINE_OVERLAPS,
                Severity.WARNING,
                phase.id,
                f"The catalog says that {phase.id} was deployed on {phase.deployed_at.date()}, before the frozen "
                f"baseline ends on {lock.baseline.end}.",
                {**frozen, "deployed_at": phase.deployed_at.isoformat()},
            )


def _file_findings(lock: BaselineLock, catalog: Catalog) -> Iterator[Finding]:
    for name in sorted(lock.catalog_sha256.keys() | catalog.file_sha256.keys()):
        frozen, current = lock.catalog_sha256.get(name), catalog.file_sha256.get(name)
        if frozen == current:
            continue
        change = "is new" if frozen is None else "is gone" if current is None else "was edited"
        projection = name == PROJECTION_FILE
        also = " The claim is the yardstick and is never edited." if projection else ""
        yield Finding(
            LockFinding.PROJECTION_EDITED if projection else LockFinding.CATALOG_EDITED,
            Severity.INFO if name == LEDGER_FILE else Severity.WARNING,
            name,
            f"{name} {change} since the baseline was frozen.{also}",
            {"frozen_sha256": frozen or "none", "current_sha256": current or "none"},
        )


def _method_findings(lock: BaselineLock, method_version: str) -> Iterator[Finding]:
    if lock.method_version != method_version:
        yield Finding(
            LockFinding.METHOD_CHANGED,
            Severity.WARNING,
            LOCK_NAME,
            f"The baseline was frozen under method {lock.method_version}; the report follows method {method_version}.",
            {"frozen_version": lock.method_version, "current_version": method_version},
        )
