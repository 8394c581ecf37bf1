"""What to ask for: the days that are missing or may still change, and no others (docs/live.md, "What is pulled").

A day of the bill is settled when it was read more than the settle buffer after it ended. A day of calls is settled when
besides none of its calls was pending or running; after `_LONGEST_OPEN` a call that still says so is left as it is,
because none runs for more than 24 hours. What is settled is not asked for again.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tieout.core.periods import days_between
from tieout.modal.client import Cause, ModalError
from tieout.modal.snapshots import PLAIN, Range, Snapshot

FOREVER = dt.datetime.max.replace(tzinfo=dt.UTC)
KEPT_DAYS_TEAM, KEPT_DAYS_STARTER = 30, 1
BILL_MONTHS = 13
# Modal may forget a little before its time.
_RETENTION_MARGIN = dt.timedelta(minutes=5)
# A pull of every day starts a little later one day than the day before.
_RISK_TOLERANCE = dt.timedelta(hours=1)
_LONGEST_OPEN = dt.timedelta(hours=72)
_MONTH_SETTLES = dt.timedelta(days=7)
_LONGEST_PAGE = dt.timedelta(days=7)
# Some 200,000 calls, for which a worker needs six times as much memory.
_HANDY_BYTES = 64_000_000
_DAY = dt.timedelta(days=1)
_SECOND = dt.timedelta(seconds=1)
_HOUR = dt.timedelta(hours=1)


def midnight(day: dt.date) -> dt.datetime:
    """The first instant of a UTC day, aware."""
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def floor(instant: dt.datetime, grain: dt.timedelta) -> dt.datetime:
    """The last full second, hour or day before an instant."""
    return instant - (instant - midnight(instant.date())) % grain


def first_bill_day(today: dt.date) -> dt.date:
    """Where a bill begins when nothing else is said: the month before this one."""
    return (today.replace(day=1) - _DAY).replace(day=1)


def earliest_bill_day(today: dt.date) -> dt.date:
    """How far back a bill is asked for at most: the first of the month 13 months ago."""
    years, month = divmod(today.year * 12 + today.month - 1 - BILL_MONTHS, 12)
    return dt.date(years, month + 1, 1)


def resumed_bill_day(today: dt.date, snapshots: Iterable[Snapshot]) -> dt.date:
    """Where a bill begins when some has landed: no later than that, so that a pause of months leaves no gap."""
    landed = [each.range.start.date() for each in snapshots if each.range is not None and each.kind == PLAIN]
    return min(first_bill_day(today), max(min(landed, default=today), earliest_bill_day(today)))


def kept_since(now: dt.datetime, kept_days: int) -> dt.datetime:
    """The second since which Modal has every call when it keeps them for some days."""
    return floor(now - kept_days * _DAY + _RETENTION_MARGIN, _SECOND)


def open_days(
    days: Iterable[dt.date], snapshots: Iterable[Snapshot], trusted: Range, *, settle_buffer: dt.timedelta
) -> list[dt.date]:
    """Return the days that no snapshot, or no set of them, shows as they will stay.

    Args:
        days: those to choose from.
        snapshots: of one subject.
        trusted: before it there is nothing to ask for; beyond it no snapshot is believed.
        settle_buffer: how long after its end a day may still be billed more.
    """
    settled: dict[dt.date, list[Range]] = {}
    for snapshot in snapshots:
        if snapshot.range is not None and snapshot.kind in (PLAIN, None):
            for day in _settled_by(snapshot, snapshot.range, settle_buffer):
                settled.setdefault(day, []).append(snapshot.range)
    return [day for day in days if not _is_covered(day, settled.get(day, []), trusted)]


def _settled_by(snapshot: Snapshot, covered: Range, settle_buffer: dt.timedelta) -> Iterator[dt.date]:
    day = covered.start.date()
    while midnight(day) < covered.end:
        following = midnight(day + _DAY)
        is_open = snapshot.open_from is not None and snapshot.open_from < following
        buffer = _LONGEST_OPEN if is_open else settle_buffer
        if snapshot.fetched_at >= following + buffer:
            yield day
        day += _DAY


def _is_covered(day: dt.date, ranges: Iterable[Range], trusted: Range) -> bool:
    reached, end = max(midnight(day), trusted.start), midnight(day + _DAY)
    for each in sorted(ranges, key=lambda covered: covered.start):
        if each.start <= reached:
            reached = max(reached, each.end)
    return trusted.end >= end and reached >= end


def pages(days: Iterable[dt.date], within: Range) -> list[Range]:
    """Put days together into ranges that Modal answers at once, none of which goes beyond a stretch of time."""
    found: list[Range] = []
    for day in sorted(days):
        start, end = max(midnight(day), within.start), min(midnight(day + _DAY), within.end)
        if end <= start:
            continue
        if found and found[-1].end == start and end - found[-1].start <= _LONGEST_PAGE:
            found[-1] = Range(found[-1].start, end)
        else:
            found.append(Range(start, end))
    return found


def handy_length(landed: Iterable[tuple[Range, int]]) -> dt.timedelta:
    """Return how long a range may be for memory to hold its answer, by the densest of those that have landed.

    A day when none has, an hour at least and a week at most, in whole hours.

    Args:
        landed: ranges, none of them empty, with the bytes of their files.
    """
    seconds = [(covered.end - covered.start).total_seconds() * _HANDY_BYTES / size for covered, size in landed]
    length = dt.timedelta(seconds=min([*seconds, _LONGEST_PAGE.total_seconds()])) if seconds else _DAY
    return floor_length(length, _HOUR)


def by_halves(page: Range, grain: dt.timedelta, ask: Callable[[Range], None]) -> None:
    """Ask for a range; where that is too much for one answer, for its halves, down to a grain.

    Raises:
        ModalError: what stopped it; what was landed before stays.
    """
    try:
        ask(page)
    except ModalError as error:
        length = page.end - page.start
        if error.cause is not Cause.TOO_MUCH or length <= grain:
            raise
        step = _DAY if length > _DAY else _HOUR if length > _HOUR else _SECOND
        middle = page.start + max(grain, floor_length(length / 2, max(step, grain)))
        by_halves(Range(page.start, middle), grain, ask)
        by_halves(Range(middle, page.end), grain, ask)


def floor_length(length: dt.timedelta, grain: dt.timedelta) -> dt.timedelta:
    """Cut a length to whole grains, one at least."""
    return max(grain, length - length % grain)


def open_months(first: dt.date, last: dt.date, snapshots: Sequence[Snapshot]) -> list[dt.date]:
    """Return the months of some days, each by its first day, whose summary may still change."""
    months = sorted({day.replace(day=1) for day in days_between(first, last + _DAY)})
    return [month for month in months if not any(_is_final(month, snapshot) for snapshot in snapshots)]


def month_range(month: dt.date) -> Range:
    """A month in UTC."""
    return Range(midnight(month), midnight((month + 32 * _DAY).replace(day=1)))


def _is_final(month: dt.date, snapshot: Snapshot) -> bool:
    covered = month_range(month)
    return snapshot.range == covered and snapshot.fetched_at >= covered.end + _MONTH_SETTLES


def seen_today(snapshots: Iterable[Snapshot], now: dt.datetime) -> bool:
    """Whether there is a picture of this UTC day already."""
    return any(snapshot.fetched_at.date() == now.date() for snapshot in snapshots)


@dataclass(frozen=True)
class RetentionRisk:
    """Calls that nobody has pulled, and that Modal has deleted or soon will.

    Attributes:
        since: the end of what was pulled, UTC.
        are_gone: some are, on every plan.
        sentence: which they are, without its stop.
    """

    since: dt.datetime
    are_gone: bool
    sentence: str


def retention_risk(snapshots: Iterable[Snapshot], now: dt.datetime) -> RetentionRisk | None:
    """Say which calls Modal has deleted, or soon will, before anybody pulled them; None when none are at risk.

    Modal keeps the calls of 1 day on the Starter plan and of 30 days on Team.
    """
    newest = max((snapshot.range.end for snapshot in snapshots if snapshot.range is not None), default=None)
    if newest is None:
        return None
    age = now - newest
    if age > dt.timedelta(days=KEPT_DAYS_TEAM):
        gone = f"{newest:%Y-%m-%d %H:%M} to {now - dt.timedelta(days=KEPT_DAYS_TEAM):%Y-%m-%d %H:%M} UTC"
        said = f"calls of {gone} are gone: Modal keeps at most {KEPT_DAYS_TEAM} days, and nobody pulled them in time"
        return RetentionRisk(newest, are_gone=True, sentence=said)
    if age > dt.timedelta(days=KEPT_DAYS_STARTER) + _RISK_TOLERANCE:
        said = (
            f"calls since {newest:%Y-%m-%d %H:%M} UTC were not pulled: on the Starter plan, which keeps "
            f"{KEPT_DAYS_STARTER} day, those before {now - dt.timedelta(days=KEPT_DAYS_STARTER):%Y-%m-%d %H:%M} are "
            f"gone; on Team they last until {newest + dt.timedelta(days=KEPT_DAYS_TEAM):%Y-%m-%d}"
        )
        return RetentionRisk(newest, are_gone=False, sentence=said)
    return None
