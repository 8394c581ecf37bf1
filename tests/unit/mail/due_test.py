"""Which weeks are mailed by themselves, and when."""

import datetime as dt
from collections.abc import Mapping

import duckdb
import pytest

from tieout.core.periods import IsoWeek
from tieout.mail.due import due_at, due_weeks, reports_made

W43, W44, W45, W46 = (IsoWeek(2026, number) for number in range(43, 47))
MADE = {W43: "a", W44: "b", W45: "c", W46: "d"}
MONDAY_AT_EIGHT = dt.datetime(2026, 11, 16, 8, tzinfo=dt.UTC)


def due(
    looked_at: Mapping[IsoWeek, str], *, made: Mapping[IsoWeek, str] = MADE, now: dt.datetime = MONDAY_AT_EIGHT
) -> tuple[IsoWeek, ...]:
    return due_weeks(made, looked_at, timezone="UTC", now=now)


@pytest.mark.parametrize(
    ("timezone", "week", "at"),
    [
        ("UTC", W46, "2026-11-16T08:00"),
        ("Europe/Vienna", W46, "2026-11-16T07:00"),
        ("Europe/Vienna", IsoWeek(2026, 12), "2026-03-23T07:00"),
        ("Europe/Vienna", IsoWeek(2026, 13), "2026-03-30T06:00"),  # summer time began on the Sunday
        ("America/Los_Angeles", W46, "2026-11-16T16:00"),
        ("Australia/Sydney", W46, "2026-11-16T00:00"),  # at eight there, the week goes on in UTC
        ("UTC", IsoWeek(2026, 53), "2027-01-04T08:00"),
    ],
)
def test_a_week_is_due_on_monday_at_eight_and_not_before_it_has_ended(timezone: str, week: IsoWeek, at: str) -> None:
    assert due_at(week, timezone) == dt.datetime.fromisoformat(f"{at}+00:00")


def test_the_first_time_it_is_the_newest_finished_week_and_not_the_past() -> None:
    assert due({}) == (W46,)
    assert due({}, now=MONDAY_AT_EIGHT - dt.timedelta(seconds=1)) == (W45,)
    assert due({}, made={}) == ()


def test_what_was_looked_at_is_not_due_again() -> None:
    assert due({W45: "c", W46: "d"}) == ()


def test_after_a_downtime_every_missed_week_is_due_once() -> None:
    assert due({W43: "a"}) == (W44, W45, W46)
    assert due({W43: "a", W44: "b"}) == (W45, W46)


def test_a_week_whose_report_was_made_anew_is_due_again() -> None:
    assert due({W44: "b", W45: "before the correction", W46: "d"}) == (W45,)


def test_weeks_before_the_first_one_stay_in_the_past() -> None:
    assert due({W45: "c", W46: "d"}, made={**MADE, W43: "made anew"}) == ()


def test_before_any_report_is_made_nothing_is_due() -> None:
    with duckdb.connect() as con:
        assert reports_made(con) == {}
