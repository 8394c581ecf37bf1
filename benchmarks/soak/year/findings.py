"""What a year came to: sizes and CPU seconds by month, mails by week, and what is not as it has to be."""

import datetime as dt
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.soak.year.days import FROZEN_ON, OPERATOR, READER, Day, Year
from benchmarks.soak.year.exports import FIRST, LAST
from tieout.core.periods import IsoWeek
from tieout.mail.deliver import FINANCE
from tieout.mail.outbox import read_outbox

MOST_OF_JANUARY, MOST_OF_RECORD = 1.2, 1.2
"""What December may cost of January, and Dagster's record may be of what it was when its days were full."""

MOST_OF_MONTH = 60_000_000
"""Bytes of Dagster's record after a month of daily runs."""

JANUARY, DECEMBER = (2026, 1), (2026, 12)
# The logs of a day tell of containers of the day before, and what a week is made of includes the day after it.
_REACH = dt.timedelta(days=2)
_FULL_AFTER = dt.timedelta(days=120)
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Mails:
    """The mails of a week to finance: how often each edition was taken by the server."""

    week: IsoWeek
    copies: Mapping[str, int]


def mails(year: Year) -> tuple[Mails, ...]:
    """The mails of every week that finance got one of, oldest first."""
    copies = Counter(year.mails())
    by_week: defaultdict[IsoWeek, dict[str, int]] = defaultdict(dict)
    with read_outbox(year.home.outbox) as outbox:
        for message in outbox.messages():
            if message.audience == FINANCE:
                by_week[message.week][message.edition] = copies[message.message_id, READER]
    return tuple(Mails(week, by_week[week]) for week in sorted(by_week))


def findings(year: Year, days: Sequence[Day]) -> Iterator[str]:
    """Everything that is not as it has to be, in words."""
    yield from (f"{day.day}: {failed}" for day in days for failed in day.failed)
    yield from _of_builds(days)
    yield from _of_mails(year, days[-1].day)
    january, december = (seconds_of(days, month) for month in (JANUARY, DECEMBER))
    if december and december > MOST_OF_JANUARY * january:
        yield f"a run takes {december:.2f} CPU s in December, {december / january:.2f}× January's {january:.2f}"
    month = [day.sizes["dagster"] for day in days if _month(day) == JANUARY]
    if month[-1] > MOST_OF_MONTH:
        yield f"Dagster's record has {month[-1]:,} bytes after a month, more than {MOST_OF_MONTH:,}"
    full = next((day for day in days if day.day >= FIRST + _FULL_AFTER), days[-1])
    most = MOST_OF_RECORD * full.sizes["dagster"]
    if days[-1].sizes["dagster"] > most:
        yield f"Dagster's record has {days[-1].sizes['dagster']:,} bytes, more than {most:,.0f}"


def _of_builds(days: Sequence[Day]) -> Iterator[str]:
    """No file of the year may be refused, and no week is built again that lies before what has landed."""
    for day in days:
        yield from (f"{day.day}: {path} was refused" for path in day.refused)
        if day.oldest_built is not None and day.oldest_built.end <= day.oldest_landed - _REACH:
            yield f"{day.day}: {day.oldest_built.label} was built again, of which nothing had landed"


def _of_mails(year: Year, last: dt.date) -> Iterator[str]:
    """Every week that ended two days ago has gone out once, and so has every revision; nobody got anything twice."""
    found = {each.week: each.copies for each in mails(year)}
    week = min(found, default=IsoWeek.of(FIRST))
    while week.end + dt.timedelta(days=1) < min(last, LAST):
        if found.get(week, {}).get("r1", 0) != 1:
            yield f"{week.label}: the first edition was mailed {found.get(week, {}).get('r1', 0)} times"
        week = IsoWeek.of(week.end)
    yield from (
        f"{week.label} {edition}: mailed {copies} times"
        for week, editions in found.items()
        for edition, copies in editions.items()
        if copies != 1
    )
    yield from (
        f"{mail}: taken {copies} times for {to}" for (mail, to), copies in Counter(year.mails()).items() if copies > 1
    )


def seconds_of(days: Sequence[Day], month: tuple[int, int]) -> float:
    """Median CPU seconds of the validated runs of a month, without the first of a process; 0 where there is none.

    Runs before the baseline was frozen measure nothing, so they are no measure of those that do.
    """
    seconds = [
        day.run_seconds
        for day in days
        if (day.day.year, day.day.month) == month
        and day.is_checked
        and day.day > FROZEN_ON
        and not day.is_first
        and day.run_seconds is not None
    ]
    return statistics.median(seconds) if seconds else 0.0


def _month(day: Day) -> tuple[int, int]:
    return day.day.year, day.day.month


def table(year: Year, days: Sequence[Day]) -> str:
    """What the year came to, as Markdown."""
    names = tuple(days[0].sizes)
    lines = [
        "| month | days | run | validated | CPU s of a validated run, median "
        f"| {' | '.join(f'{name}, MB' for name in names)} |",
        f"|{'---|' * (5 + len(names))}",
    ]
    for month in sorted({_month(day) for day in days}):
        of_month = [day for day in days if _month(day) == month]
        ran = [day for day in of_month if day.run_seconds is not None]
        checked = sum(day.is_checked for day in ran)
        seconds = seconds_of(days, month)
        sizes = " | ".join(f"{of_month[-1].sizes[name] / _MEGABYTE:.1f}" for name in names)
        lines.append(
            f"| {month[0]}-{month[1]:02} | {len(of_month)} | {len(ran)} | {checked} "
            f"| {f'{seconds:.2f}' if seconds else ''} | {sizes} |"
        )
    weeks = mails(year)
    editions = [(each.week, edition, copies) for each in weeks for edition, copies in each.copies.items()]
    revised = ", ".join(f"{week.label} {edition}" for week, edition, _ in editions if edition != "r1")
    told = sum(recipient == OPERATOR for _, recipient in year.mails())
    lines += [
        "",
        f"Mails to finance: {sum(copies for *_, copies in editions)} about {len(weeks)} weeks, "
        f"the first {weeks[0].week.label if weeks else 'none'}; revisions: {revised or 'none'}. "
        f"To operators: {told}.",
    ]
    return "\n".join(lines)
