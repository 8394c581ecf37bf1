"""Which days the call log of a function leaves out (docs/reference/rules.md, "Savings", which days).

A log that was pulled speaks for the range that was asked for, so a hole between two of them is a hole. A log that came
by hand speaks from its first call to its last: beside it, no calls and no log look alike, unless the function is always
busy. Before the first log of an app and after its last one, its bill tells them apart.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tieout.core.periods import day_start, days_between

LONGEST_HOLE = dt.timedelta(hours=1)
PRACTICALLY_EVERY = Fraction(9, 10)
LEAST_DAYS_AROUND = 7
LEAST_CALLS_A_DAY = 10
USUAL_COST_SHARE = 10
_DAY = dt.timedelta(days=1)
_WEEK = dt.timedelta(days=7)


@dataclass(frozen=True)
class LogRange:
    """What a landed call log speaks for, naive UTC, end exclusive; it was pulled, or came by hand."""

    start: dt.datetime
    end: dt.datetime
    is_pulled: bool


@dataclass(frozen=True)
class LogGap:
    """The days for which the call log of a function is missing, ascending; or, where it is short, lacks calls."""

    app: str
    function: str
    days: tuple[dt.date, ...]
    is_short: bool = False


@dataclass(frozen=True)
class _Hole:
    """Time without a log; between pulled logs, where nothing else explains it, or only perhaps a hole."""

    start: dt.datetime
    end: dt.datetime
    is_between_pulls: bool


def days_without_log(
    logs: Iterable[LogRange],
    inputs: Mapping[dt.date, int],
    *,
    expected_from: dt.datetime | None = None,
    expected_until: dt.datetime | None = None,
) -> tuple[dt.date, ...]:
    """Return the UTC days that the logs of one function of an app leave out, ascending.

    Between pulled logs those are the days of which over an hour is missing. Elsewhere they are whole days, and only if
    the function is busy: of the days around, a week on either side and at least seven, nine tenths have calls, and
    none of these has less than ten.

    Args:
        logs: all of the function, in any order.
        inputs: how many it started, by UTC day; days without any may be left out.
        expected_from: the start of what must be there of the function, naive UTC; None when its first log is the start.
        expected_until: the end of it; None when its last log is the end.
    """
    ordered = _in_order(logs)
    if not ordered:
        return ()
    first, last = ordered[0].start, max(log.end for log in ordered)
    known = days_between(min(first, expected_from or first).date(), _day_after(last))
    missing: set[dt.date] = set()
    for hole in _holes(ordered, expected_from, expected_until):
        days = {day for day, lacking in _by_day(hole) if lacking == _DAY or hole.is_between_pulls}
        if hole.is_between_pulls or (days and _is_busy([inputs.get(d, 0) for d in known if _is_beside(days, d)])):
            missing |= days
    return tuple(sorted(missing))


def days_billed_without_log(logs: Iterable[LogRange], billed_usd: Mapping[dt.date, Decimal]) -> tuple[dt.date, ...]:
    """Return the UTC days before the first log of an app and after its last one that it was billed for, ascending.

    Those are days of which the logs leave out over an hour, or all where they came by hand, and on which the app cost a
    tenth of what it does on a usual day with logs: containers may idle, or wait, without any call.

    Args:
        logs: all of the app's functions, in any order; without any, every day that was billed is missing.
        billed_usd: what the app was billed, by UTC day.
    """
    ordered = _in_order(logs)
    if not ordered:
        return tuple(sorted(day for day, usd in billed_usd.items() if usd > 0))
    first, last = ordered[0], max(ordered, key=_by_end)
    logged = [usd for day, usd in billed_usd.items() if first.start <= day_start(day) <= last.end - _DAY]
    usual = sorted(logged)[len(logged) // 2] if logged else Decimal(0)
    return tuple(
        sorted(
            day
            for day, usd in billed_usd.items()
            if usd > 0 and usd * USUAL_COST_SHARE >= usual and (_is_before(day, first) or _is_after(day, last))
        )
    )


def _in_order(logs: Iterable[LogRange]) -> list[LogRange]:
    return sorted(logs, key=lambda log: (log.start, not log.is_pulled))


def _by_end(log: LogRange) -> tuple[dt.datetime, bool]:
    return log.end, log.is_pulled


def _is_before(day: dt.date, first: LogRange) -> bool:
    return first.start - day_start(day) > LONGEST_HOLE if first.is_pulled else first.start >= day_start(day + _DAY)


def _is_after(day: dt.date, last: LogRange) -> bool:
    end = day_start(day + _DAY)
    return end - last.end > LONGEST_HOLE if last.is_pulled else last.end <= day_start(day)


def _holes(
    ordered: Iterable[LogRange], expected_from: dt.datetime | None, expected_until: dt.datetime | None
) -> Iterator[_Hole]:
    reached: LogRange | None = None
    for log in ordered:
        if reached is None and expected_from is not None and expected_from < log.start:
            yield _Hole(expected_from, log.start, is_between_pulls=False)
        if reached is not None and log.start > reached.end:
            yield _Hole(reached.end, log.start, reached.is_pulled and log.is_pulled)
        if reached is None or _by_end(log) > _by_end(reached):
            reached = log
    if reached is not None and expected_until is not None and expected_until > reached.end:
        yield _Hole(reached.end, expected_until, is_between_pulls=False)


def _by_day(hole: _Hole) -> Iterator[tuple[dt.date, dt.timedelta]]:
    """Yield the days of which a hole leaves out over an hour, and how much it does."""
    for day in days_between(hole.start.date(), _day_after(hole.end)):
        lacking = min(hole.end, day_start(day + _DAY)) - max(hole.start, day_start(day))
        if lacking > LONGEST_HOLE:
            yield day, lacking


def _day_after(end: dt.datetime) -> dt.date:
    """The end of the days that time up to `end`, exclusive, touches."""
    return (end - dt.timedelta(microseconds=1)).date() + _DAY


def _is_beside(days: Collection[dt.date], day: dt.date) -> bool:
    return day not in days and min(days) - _WEEK <= day <= max(days) + _WEEK


def _is_busy(inputs: Sequence[int]) -> bool:
    """Whether days with so many inputs leave no doubt that a day like them has some."""
    busy = sum(count >= LEAST_CALLS_A_DAY for count in inputs)
    has_quiet_days = any(0 < count < LEAST_CALLS_A_DAY for count in inputs)
    return len(inputs) >= LEAST_DAYS_AROUND and not has_quiet_days and busy >= PRACTICALLY_EVERY * len(inputs)
