"""Periods of the report: UTC days as Modal bills them, and ISO weeks."""

import datetime as dt
import re
from dataclasses import dataclass

HOURS_PER_DAY = 24
SECONDS_PER_HOUR = 3600

_LABEL = re.compile(r"(\d{4})-?[Ww](\d{2})", re.ASCII)


@dataclass(frozen=True, order=True)
class IsoWeek:
    """An ISO 8601 week, Monday to Sunday in UTC; the year is the ISO year, which may differ from the calendar's."""

    year: int
    week: int

    def __post_init__(self) -> None:
        """Refuse weeks that the ISO calendar does not have (week 53 of most years).

        Raises:
            ValueError: no such week.
        """
        dt.date.fromisocalendar(self.year, self.week, 1)

    @classmethod
    def parse(cls, text: str) -> "IsoWeek":
        """Read `2026-W46`.

        Raises:
            ValueError: not in that form, or a week that the year does not have.
        """
        match = _LABEL.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not an ISO week; write it as 2026-W46")
        try:
            return cls(int(match[1]), int(match[2]))
        except ValueError:
            raise ValueError(f"the ISO year {match[1]} has no week {match[2]}") from None

    @classmethod
    def of(cls, day: dt.date) -> "IsoWeek":
        """Return the week that a day lies in."""
        year, week, _ = day.isocalendar()
        return cls(year, week)

    @property
    def label(self) -> str:
        """The week as `2026-W46`."""
        return f"{self.year:04d}-W{self.week:02d}"

    @property
    def start(self) -> dt.date:
        """The week's Monday."""
        return dt.date.fromisocalendar(self.year, self.week, 1)

    @property
    def end(self) -> dt.date:
        """The Monday after the week (exclusive end)."""
        return self.start + dt.timedelta(days=7)

    def days(self) -> list[dt.date]:
        """The week's seven days."""
        return [self.start + dt.timedelta(days=i) for i in range(7)]

    def next(self) -> "IsoWeek":
        """The week after."""
        return IsoWeek.of(self.end)

    def previous(self) -> "IsoWeek":
        """The week before."""
        return IsoWeek.of(self.start - dt.timedelta(days=1))


def day_start(day: dt.date) -> dt.datetime:
    """The first instant of a UTC day, as the naive UTC datetime that the warehouse keeps."""
    return dt.datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the warehouse keeps naive UTC


def days_between(start: dt.date, end: dt.date) -> list[dt.date]:
    """The days from start to end, end exclusive."""
    return [start + dt.timedelta(days=i) for i in range((end - start).days)]
