"""How the soak of a year judges, what lands on its days, and the clock that it is run by."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from dagster._time import get_current_datetime

from benchmarks.soak.clock import Clock, telling
from benchmarks.soak.year.days import FROZEN_ON, READER, Day, Year
from benchmarks.soak.year.exports import FIRST, LATE_BILLS, LOST_LOGS, RESTATED, Exports, invoice, moments
from benchmarks.soak.year.findings import findings, table
from tieout.core.periods import IsoWeek
from tieout.defs import mail as defs_mail
from tieout.mail.messages import Rendered
from tieout.mail.outbox import open_outbox
from tieout.sources.landing import Fingerprint, LandingFile, Sidecar, scan
from tieout.workspace import facade

DAY = dt.timedelta(days=1)
WEEKS = tuple(IsoWeek.parse(f"2026-W{number:02}") for number in range(1, 54))
EDITION = "r1"


@pytest.fixture
def year(tmp_path: Path) -> Year:
    return Year(tmp_path)


def days(*, december: float = 5.0, record: int = 100) -> list[Day]:
    """Validated days of a whole year: what a run costs in December, and the record's bytes in the end."""
    found = []
    for number in range(371):
        day = FIRST + number * DAY
        seconds = december if (day.year, day.month) == (2026, 12) else 5.0
        sizes = {"warehouse": 1, "dagster": 100}
        found.append(Day(day, seconds, True, number == 0, (), (), None, day - DAY, sizes))
    return [*found[:-1], replace(found[-1], sizes={"warehouse": 1, "dagster": record})]


def mailed(year: Year, weeks: Sequence[IsoWeek], *, copies: int = 1, editions: Sequence[str] = (EDITION,)) -> None:
    """Keep messages about weeks, which the server has taken so many times."""
    lines = []
    with open_outbox(year.home.outbox) as outbox:
        for week in weeks:
            for edition in editions:
                name = f"<{week.label}-{edition}@example.com>"
                now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
                outbox.keep(Rendered(week, edition, "finance", name, "from@example.com", "a week", now, b""), [READER])
                lines += [json.dumps([name, READER])] * copies
    with (year.folder / "delivered.jsonl").open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


def test_a_year_in_which_every_week_is_mailed_once_and_december_costs_what_january_does_is_fine(year: Year) -> None:
    mailed(year, WEEKS)
    assert list(findings(year, days(december=6.0))) == []
    assert "53 about 53 weeks, the first 2026-W01; revisions: none" in table(year, days())


def test_a_week_without_a_mail_is_found(year: Year) -> None:
    mailed(year, [week for week in WEEKS if week.label not in ("2026-W20", "2026-W53")])
    assert list(findings(year, days())) == [
        "2026-W20: the first edition was mailed 0 times",
        "2026-W53: the first edition was mailed 0 times",
    ]


def test_a_mail_that_came_twice_is_found(year: Year) -> None:
    mailed(year, WEEKS[1:])
    mailed(year, WEEKS[:1], copies=2)
    assert "2026-W01: the first edition was mailed 2 times" in list(findings(year, days()))


def test_a_revision_is_no_second_mail_and_goes_out_once_itself(year: Year) -> None:
    mailed(year, WEEKS)
    mailed(year, WEEKS[:1], editions=["r2"])
    assert list(findings(year, days())) == []
    mailed(year, WEEKS[4:5], editions=["r2"], copies=0)
    assert list(findings(year, days())) == ["2026-W05 r2: mailed 0 times"]


def test_a_december_that_costs_more_than_january_is_found(year: Year) -> None:
    mailed(year, WEEKS)
    assert list(findings(year, days(december=6.1))) == ["a run takes 6.10 CPU s in December, 1.22× January's 5.00"]


def test_a_run_that_measures_nothing_yet_is_no_measure_of_december(year: Year) -> None:
    mailed(year, WEEKS)
    ran = [replace(day, run_seconds=1.0) if day.day <= FROZEN_ON else day for day in days()]
    assert list(findings(year, ran)) == []
    assert "| 2026-01 | 31 | 31 | 31 | 5.00 |" in table(year, ran)


def test_a_record_that_grows_although_its_days_are_full_is_found(year: Year) -> None:
    mailed(year, WEEKS)
    assert list(findings(year, days(record=121))) == ["Dagster's record has 121 bytes, more than 120"]


def test_a_record_of_a_month_that_is_too_large_is_found(year: Year) -> None:
    mailed(year, WEEKS)
    ran = [replace(day, sizes={"warehouse": 1, "dagster": 60_000_001}) for day in days()]
    assert list(findings(year, ran)) == ["Dagster's record has 60,000,001 bytes after a month, more than 60,000,000"]


def test_what_lands_on_a_day_speaks_of_the_oldest_day_of_its_bills_and_logs(tmp_path: Path) -> None:
    exports = Exports(tmp_path)
    day, start = dt.date(2026, 3, 4), dt.datetime(2026, 3, 4, 6)  # noqa: DTZ001 - naive UTC
    for name in ("billing_report/2026-02-27.plain.json", "billing_summary/2026-02.json"):
        file = LandingFile(name.partition("/")[0], name, Fingerprint(0, 0, None, None))
        exports._by_day[day].append((file, start, ""))
    assert exports.oldest_day_of(day) == dt.date(2026, 2, 27)
    exports._by_day[day].pop(0)
    assert exports.oldest_day_of(day) == day


def test_a_week_that_is_built_again_although_nothing_of_it_landed_is_found(year: Year) -> None:
    mailed(year, WEEKS)
    ran = days()
    for week, landed, found in (
        ("2026-W09", dt.date(2026, 3, 3), []),  # the day before its logs, and a day beside the week
        ("2026-W08", dt.date(2026, 3, 3), ["2026-03-04: 2026-W08 was built again, of which nothing had landed"]),
        ("2026-W08", dt.date(2026, 2, 22), []),
    ):
        ran[62] = replace(ran[62], oldest_built=IsoWeek.parse(week), oldest_landed=landed)
        assert list(findings(year, ran)) == found


def test_a_file_that_is_refused_is_found(year: Year) -> None:
    mailed(year, WEEKS)
    ran = days()
    ran[40] = replace(ran[40], refused=("invoices/2026-01.json",))
    assert list(findings(year, ran)) == ["2026-02-10: invoices/2026-01.json was refused"]


def test_an_invoice_is_of_its_day_and_has_cents_half_even(tmp_path: Path) -> None:
    moment = dt.datetime(2026, 2, 6, 6)  # noqa: DTZ001 - naive UTC
    for billed, total in (("4612.36500000", "4612.36"), ("4612.37500001", "4612.38"), ("7", "7.00")):
        arrival = invoice([{"billed_cost": billed}], "2026-01", moment)
        assert json.loads(arrival.content)["total"] == total
        arrival.land(tmp_path)
    [file] = scan(tmp_path)
    assert (file.name, file.mtime) == ("invoices/2026-01.json", moment)


def landed(source: str, day: dt.date, *, fetch: str = "", fetched_at: dt.datetime | None = None) -> list[str]:
    """When an export of a day lands, and as what."""
    name = f"{source}/{day}.plain{fetch}.json"
    start = dt.datetime.combine(day, dt.time())
    sidecar = Sidecar(fetched_at or start + DAY + dt.timedelta(hours=2), start, start + DAY, None, None, None, "")
    file = LandingFile(name, name, Fingerprint(0, 0, None, None))
    return [f"{moment:%m-%d %H:%M} {kind}".strip() for moment, kind in moments(file, sidecar)]


def test_a_pull_at_seven_brings_the_bill_of_the_day_before_as_it_is_in_the_end() -> None:
    day = dt.date(2026, 3, 2)
    assert landed("billing_report", day) == []
    assert landed("billing_report", day, fetch=".r2") == ["03-03 06:50"]
    assert landed("function_calls", day) == ["03-03 02:00"]


def test_a_late_bill_lands_twice_and_a_corrected_one_once_more_after_its_week_was_mailed() -> None:
    late, corrected = min(LATE_BILLS), min(RESTATED)
    assert landed("billing_report", late) == ["02-16 02:00"]
    assert landed("billing_report", late, fetch=".r2") == ["02-19 06:50"]
    assert landed("billing_report", corrected, fetch=".r2") == ["02-05 06:50", "02-15 06:50 restated"]


def test_logs_of_an_outage_never_land() -> None:
    assert [landed("function_calls", day) for day in sorted(LOST_LOGS)] == [[], []]


def test_a_month_is_invoiced_on_its_third_day_and_its_running_summary_is_not() -> None:
    month = dt.date(2026, 5, 1)
    running, whole = dt.datetime(2026, 5, 1, 12), dt.datetime(2026, 5, 3, 2)  # noqa: DTZ001 - naive UTC
    assert landed("billing_summary", month, fetched_at=running) == ["05-01 12:00"]
    assert landed("billing_summary", month, fetched_at=whole) == ["05-03 02:00", "05-06 06:00 invoice"]


def test_the_clock_tells_tieout_and_dagster_and_is_the_machines_again_afterwards() -> None:
    now = dt.datetime(2027, 1, 3, 23, 59, tzinfo=dt.UTC)
    clock = Clock(now)
    with telling(clock):
        assert (facade._now(), defs_mail._now(), get_current_datetime()) == (now, now, now)
        assert defs_mail.mail_week.__globals__["dt"].datetime(2027, 1, 3, tzinfo=dt.UTC) < now
        clock.now += DAY
        assert facade._now() == now + DAY
    assert abs(facade._now() - dt.datetime.now(dt.UTC)) < DAY
