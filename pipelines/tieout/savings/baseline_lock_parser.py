"""Reading the text of `catalog/baseline.lock`, with errors that name the line, the field and what to do."""

import datetime as dt
import json
import re
from collections.abc import Iterator

from tieout.core.errors import TieoutError
from tieout.core.money import MoneyError, parse_usd
from tieout.savings.baseline_lock import LOCK_FORMAT, LOCK_NAME, BaselineLock
from tieout.savings.days import BaselinePeriod, FunctionDay

_SHA256 = r"[0-9a-f]{64}"
_STRING = r'"(?:[^"\\]|\\.)*"'
_DAY_LINE = re.compile(
    rf"  - \{{function: (?P<function>{_STRING}), day: (?P<day>[^,]*), "
    r'successful_calls: (?P<successful_calls>[^,]*), cost_usd: "(?P<cost_usd>[^"]*)"\}'
)


class LockError(TieoutError):
    """A lock that cannot be used; its place names the line, its problem the field."""

    usual_remedy = "Restore the file from git, or run `tieout freeze-baseline` to freeze anew."


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
            f"series_sha256: the series below is not the one that was frozen (its hash is "
            f"{lock.series_sha256[:12]}…, not {series_sha256[:12]}…)",
            place=f"{name}:{digest_line}",
        )
    return lock


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
            raise LockError(f"{field}: the lock ends here", place=f"{self._name}:{self._last}")
        self.read()
        if not line.startswith(f"{field}:"):
            raise self.error(field, f"expected `{field}:`, found {line[:60]!r}")
        value = line.removeprefix(f"{field}:").strip()
        if not re.fullmatch(pattern, value):
            raise self.error(field, f"cannot read {value[:80]!r}")
        return value

    def error(self, field: str, message: str) -> LockError:
        return LockError(f"{field}: {message}", place=f"{self._name}:{self.number}")


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
