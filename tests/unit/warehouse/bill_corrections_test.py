"""Corrections of the bill, from the landed files to the report: what counts, what is named, and what was charged."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from tests.support.issued_weeks import APP, FIRST, OTHER_APP, SECOND, VOLUME, IssuedWeeks, after, usd
from tieout.report.contents import WeeklyReport
from tieout.report.inputs import DayState
from tieout.report.sections.tie_out import Gate, GateOutcome

pytestmark = pytest.mark.slow

EARLY, LATE = after(FIRST, days=2), after(FIRST, days=9)
CHANGED = (OTHER_APP, 2)
NOON = dt.datetime.combine(FIRST.start, dt.time(12, 5))

Line = tuple[str, dt.datetime, str]


@pytest.fixture
def weeks(tmp_path: Path) -> IssuedWeeks:
    """A workspace of which no bill is landed yet."""
    return IssuedWeeks(tmp_path)


def land(weeks: IssuedWeeks, name: str, lines: Iterable[Line], resolution: str, fetched_at: dt.datetime) -> str:
    """Land a plain report of the first week: name, start of the interval and amount of every line."""
    rows = [
        {
            "object_id": {APP: "ap-1", OTHER_APP: "ap-2", VOLUME: "vo-1"}[billed],
            "description": billed,
            "environment": "main",
            "interval_start": at.isoformat(),
            "cost": amount,
        }
        for billed, at, amount in lines
    ]
    path = weeks.home.landing / "billing_report" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows))
    sidecar = {
        "command": "modal billing report",
        "range_start": f"{FIRST.start}T00:00:00Z",
        "range_end": f"{FIRST.end}T00:00:00Z",
        "fetched_at": f"{fetched_at.isoformat()}Z",
        "client_version": "1.6.4",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "resolution": resolution,
    }
    path.with_name(f"{path.name}.meta.json").write_text(json.dumps(sidecar))
    return f"billing_report/{path.name}"


def hourly(days: Sequence[dt.date], amount: str, hours: int = 24) -> list[Line]:
    return [(APP, dt.datetime.combine(day, dt.time(hour)), amount) for day in days for hour in range(hours)]


def daily(days: Sequence[dt.date], amount: str, billed: str = APP) -> list[Line]:
    return [(billed, dt.datetime.combine(day, dt.time()), amount) for day in days]


def gate(report: WeeklyReport, code: str) -> Gate:
    return next(gate for gate in report.gates if gate.code == code)


# Hours and daily reports


def test_a_daily_report_after_complete_hours_corrects_the_week_and_is_named(weeks: IssuedWeeks) -> None:
    land(weeks, "hours", hourly(FIRST.days(), "1.00"), "h", EARLY)
    assert weeks.report()[FIRST].spend.total_usd == 168
    volume = daily(FIRST.days()[:1], "7.00", VOLUME)
    path = land(weeks, "days", [*daily(FIRST.days(), "30.00"), *volume], "d", LATE)
    report = weeks.report()[FIRST]
    assert report.spend.total_usd == 217
    assert report.revision.number == 2
    assert all(sentence.endswith(f"because of {path}.") for sentence in report.revision.moved)
    assert gate(report, "G1").outcome is GateOutcome.PASSED
    assert gate(report, "G7").details == (f"8 settled pools restated by +$49.00: {path}.",)


def test_a_settled_daily_report_replaces_what_was_said_too_early(weeks: IssuedWeeks) -> None:
    land(weeks, "hours", hourly(FIRST.days(), "1.00", hours=12), "h", NOON)
    land(weeks, "days", [*daily(FIRST.days()[:3], "30.00"), *daily(FIRST.days()[3:], "10.00")], "d", LATE)
    report = weeks.report()[FIRST]
    assert report.spend.total_usd == 130
    assert {day.state for day in report.days} == {DayState.SETTLED}
    assert weeks.ask("select distinct status from spend.hourly") == [("settled",)]
    assert gate(report, "G7").details == ()
    assert report.revision.issued_at is not None


def test_a_bill_of_the_next_week_is_not_the_cause_of_what_hours_have_moved(weeks: IssuedWeeks) -> None:
    land(weeks, "days", daily(FIRST.days(), "24.00"), "d", EARLY)
    weeks.report()
    path = land(weeks, "hours", hourly(FIRST.days(), "1.50"), "h", LATE)
    weeks.land_bill(SECOND)
    assert weeks.report()[FIRST].revision.moved[0].endswith(f"(+$84.00), because of {path}.")


# Charges of a month that is over


def test_a_charge_stays_as_it_was_however_often_its_month_is_corrected(weeks: IssuedWeeks) -> None:
    weeks.land_bill(FIRST)
    corrections = [("3.50", "2.50"), ("4.75", "3.75"), (None, "-1.00")]
    for late, (amount, moved) in enumerate(corrections):
        weeks.land_bill(FIRST, name=f"late{late}", fetched_at=after(FIRST, days=50 + late), changed={CHANGED: amount})
        weeks.report()
        assert weeks.ask(
            "select is_correction, amount_usd from reconciliation.charges "
            f"where app = '{OTHER_APP}' and hour = '{FIRST.days()[2]}' order by all"
        ) == [(False, usd("1.00")), (True, usd(moved))]
        [(charges, bill)] = weeks.ask(
            "select (select sum(amount_usd) from reconciliation.charges), sum(amount_usd) from staging.billing_items "
            "where reading = 'now'"
        )
        assert charges == bill
