import datetime as dt
import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.issued_weeks import CATALOG, FIRST, OTHER_APP, SECOND, IssuedWeeks, after
from tieout.cli.failures import CommandError
from tieout.cli.report import moment_of
from tieout.core.periods import IsoWeek
from tieout.report.as_of import ReportAsOf, report_as_of
from tieout.report.contents import WeeklyReport
from tieout.warehouse.connection import WarehouseError

pytestmark = pytest.mark.slow

ISSUED_AT = after(SECOND, days=2)
RESTATED_AT = after(SECOND, days=5)


@pytest.fixture(scope="module")
def issued(issued_reports: Mapping[IsoWeek, WeeklyReport]) -> dict[int, WeeklyReport]:
    """The report of each revision of the first week, as far as it was issued."""
    return {1: issued_reports[FIRST]}


@pytest.fixture(scope="module")
def weeks(issued: dict[int, WeeklyReport], issued_weeks: Path, tmp_path_factory: pytest.TempPathFactory) -> IssuedWeeks:
    """Two weeks, issued; then a bill of the first one was pulled again, and it was issued again."""
    weeks = IssuedWeeks(shutil.copytree(issued_weeks, tmp_path_factory.mktemp("as-of") / "weeks"))
    weeks.land_bill(FIRST, name="late", fetched_at=RESTATED_AT, changed={(OTHER_APP, 2): "3.50"})
    issued[2] = weeks.report()[FIRST]
    return weeks


def stood(weeks: IssuedWeeks, moment: dt.datetime, week: IsoWeek = FIRST) -> ReportAsOf:
    return report_as_of(weeks.home.warehouse, week, moment, CATALOG, lock=None)


def content_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_was_issued_comes_back_to_the_cent_and_with_its_input_hash(
    weeks: IssuedWeeks, issued: dict[int, WeeklyReport]
) -> None:
    before = content_of(weeks.home.root)
    then = stood(weeks, RESTATED_AT - dt.timedelta(microseconds=1))
    assert then.is_issued
    assert then.report.inputs.sha256 == issued[1].inputs.sha256
    assert then.report == issued[1]
    [remark] = then.remarks
    assert remark.startswith("These are the figures of revision 1, issued 2027-01-05 09:00 UTC; the input hash is")
    assert content_of(weeks.home.root) == before, "nothing in the workspace is touched"


def test_after_the_restatement_was_fetched_it_is_the_second_revision(
    weeks: IssuedWeeks, issued: dict[int, WeeklyReport]
) -> None:
    then = stood(weeks, RESTATED_AT)
    assert then.is_issued
    assert then.report == issued[2]
    assert then.remarks[0].startswith("These are the figures of revision 2")


def test_the_week_after_carries_no_restatement_that_nobody_could_know_of(weeks: IssuedWeeks) -> None:
    assert weeks.ask("select count(*) from reconciliation.restatements") == [(1,)]
    assert stood(weeks, ISSUED_AT, SECOND).report.restatements.lines == ()


def test_a_file_that_was_fetched_before_the_issue_and_landed_after_it_is_named(
    weeks: IssuedWeeks, tmp_path: Path
) -> None:
    shutil.copytree(weeks.home.root, tmp_path / "weeks")
    late = IssuedWeeks(tmp_path / "weeks")
    fetched_at = ISSUED_AT - dt.timedelta(days=1)
    path = late.land_bill(FIRST, name="lost", fetched_at=fetched_at, changed={(OTHER_APP, 2): "9.00"})
    late.report()
    then = stood(late, ISSUED_AT)
    assert not then.is_issued
    assert then.remarks[0].startswith("These are not the inputs of revision 1, issued 2027-01-05 09:00 UTC")
    assert then.remarks[1] == f"Fetched by then, but landed after the issue: {path}."


def test_a_summary_that_was_landed_after_the_issue_is_named_as_what_differs(weeks: IssuedWeeks, tmp_path: Path) -> None:
    shutil.copytree(weeks.home.root, tmp_path / "weeks")
    late = IssuedWeeks(tmp_path / "weeks")
    late.land_summary("2026-10", "100.00")
    late.report()
    then = stood(late, RESTATED_AT + dt.timedelta(days=400))
    assert not then.is_issued
    assert then.remarks[0].startswith("No printed figure differs, but these are not the inputs of revision 2")
    assert then.remarks[1].startswith("What differs is no bill or call log, but a summary, an invoice,")


def test_before_everything_was_fetched_there_is_no_issue_to_compare_with(weeks: IssuedWeeks) -> None:
    then = stood(weeks, after(FIRST, days=2), SECOND)
    assert not then.is_issued
    assert then.remarks == (f"No issue of {SECOND.label} was made from what had been fetched by then.",)
    assert stood(weeks, after(FIRST, days=2), FIRST).is_issued


def test_before_anything_was_fetched_there_is_nothing_to_report(weeks: IssuedWeeks) -> None:
    with pytest.raises(WarehouseError, match="no bill or call log had been fetched by 2026-01-01"):
        stood(weeks, dt.datetime(2026, 1, 1))  # noqa: DTZ001 - naive UTC, as everywhere


def test_a_date_means_its_end_and_a_time_is_utc_unless_it_says_otherwise() -> None:
    assert moment_of("2026-11-17").isoformat() == "2026-11-17T23:59:59.999999"
    assert moment_of("2026-11-17T09:30").isoformat() == "2026-11-17T09:30:00"
    assert moment_of("2026-11-17T09:30+02:00").isoformat() == "2026-11-17T07:30:00"
    with pytest.raises(CommandError, match=r"--as-of: 'yesterday' is neither a date"):
        moment_of("yesterday")
