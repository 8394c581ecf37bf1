import datetime as dt
from pathlib import Path

import dagster as dg
import pytest

from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.defs import calendar
from tieout.defs.calendar import Calendar, period_of, read_calendar, week_key, write_calendar

CATALOG = resource_path("catalog")


def test_a_week_is_named_by_its_monday() -> None:
    assert week_key(IsoWeek.parse("2026-W46")) == "2026-W46-1"
    assert week_key(IsoWeek.parse("2026-W53")) == "2026-W53-1"
    assert week_key(IsoWeek.parse("2027-W01")) == "2027-W01-1"


def test_before_anything_is_landed_the_calendar_starts_with_the_longest_baseline(tmp_path: Path) -> None:
    assert read_calendar(Home(tmp_path), CATALOG).first == IsoWeek.parse("2026-W35")


def test_the_calendar_spans_what_was_landed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    write_calendar(home, [IsoWeek.parse("2026-W46"), IsoWeek.parse("2026-W39")])
    assert read_calendar(home, CATALOG) == Calendar(IsoWeek.parse("2026-W39"), IsoWeek.parse("2026-W46"))


def test_a_calendar_that_cannot_be_read_is_made_from_the_catalog(tmp_path: Path) -> None:
    home = Home(tmp_path)
    write_calendar(home, [IsoWeek.parse("2026-W46")])
    (home.dagster / "weeks.json").write_text("{")
    assert read_calendar(home, CATALOG).first == IsoWeek.parse("2026-W35")


@pytest.mark.parametrize("today", [dt.date(2026, 1, 15), dt.date(2026, 10, 7), dt.date(2026, 11, 23)])
def test_landed_weeks_are_there_whatever_the_clock_says(monkeypatch: pytest.MonkeyPatch, today: dt.date) -> None:
    monkeypatch.setattr(calendar, "_today", lambda: today)
    span = Calendar(IsoWeek.parse("2026-W39"), IsoWeek.parse("2026-W46"))
    noon = dt.datetime(today.year, today.month, today.day, 12, tzinfo=dt.UTC)
    with dg.instance_for_test():
        weeks = span.weekly.get_partition_keys(current_time=noon)
        days = span.daily.get_partition_keys(current_time=noon)
    assert (weeks[0], days[0]) == ("2026-W39-1", "2026-09-21")
    assert "2026-W46-1" in weeks
    assert "2026-11-15" in days


def test_the_running_week_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    today = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)
    monkeypatch.setattr(calendar, "_today", today.date)
    span = Calendar(IsoWeek.parse("2026-W39"), IsoWeek.parse("2026-W46"))
    assert span.weekly.get_partition_keys(current_time=today)[-1] == "2026-W48-1"
    assert span.daily.get_partition_keys(current_time=today)[-1] == "2026-11-25"


def test_a_partition_is_the_seven_days_of_its_week() -> None:
    weekly = Calendar(IsoWeek.parse("2026-W39"), IsoWeek.parse("2026-W46")).weekly
    period = period_of(weekly.time_window_for_partition_key("2026-W44-1"))
    assert (period.since, period.until) == (dt.date(2026, 10, 26), dt.date(2026, 11, 2))
    assert period.weeks() == [IsoWeek.parse("2026-W44")]
