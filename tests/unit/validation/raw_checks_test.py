"""A load whose rows break a critical expectation is undone, and its files are looked at again."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.support.landing_folder import NOW, REPORT_LINE, LandingFolder
from tieout.core.findings import Severity
from tieout.validation.raw_checks import check_raw, unchecked_files
from tieout.validation.results import ExpectationOutcome, ValidationResult
from tieout.validation.runner import Validator
from tieout.validation.suites import Expectation, Suite
from tieout.warehouse.connection import open_warehouse

BILL = "billing_report/2026-11-02.json"
DEAR = Expectation("No line costs over $100", Severity.CRITICAL, None, {}, None, 1)


class Thrifty(Validator):
    """Knows one rule, about one table; nothing is read by Great Expectations."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._of = con

    def validate(self, suite: Suite, *, rows: str, **_: object) -> ValidationResult:
        if suite.table != "raw.billing_report":
            return ValidationResult(suite, 0, ())
        [(checked, dear)] = self._of.execute(
            f"select count(*), count(*) filter (where cost_usd > 100) from ({rows})"
        ).fetchall()
        return ValidationResult(suite, checked, (ExpectationOutcome(DEAR, not dear, checked, dear),))


class Counting(Validator):
    """Knows the containers that it was shown; nothing is read by Great Expectations."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._of = con
        self.shown: list[tuple[int, str]] = []

    def validate(self, suite: Suite, *, rows: str, **_: object) -> ValidationResult:
        if suite.table == "raw.containers":
            self.shown = sorted(self._of.execute(f"select container_key, container_id from ({rows})").fetchall())
        return ValidationResult(suite, 0, ())


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        yield LandingFolder(tmp_path, con)


def land(folder: LandingFolder, cost: str, *, mtime: dt.datetime = NOW) -> int:
    """Land the day's bill at its path, and load what is new."""
    folder.put(BILL, [REPORT_LINE | {"cost": cost}], mtime=mtime)
    return folder.load().loaded


def check(folder: LandingFolder) -> bool:
    return all(result.success for result in check_raw(folder.con, lambda: Thrifty(folder.con), run_id="run").values())


def costs(folder: LandingFolder) -> list[str]:
    return [str(cost.normalize()) for (cost,) in folder.rows("select cost_usd from raw.billing_report")]


def test_rows_that_break_a_critical_expectation_do_not_stay(folder: LandingFolder) -> None:
    assert land(folder, "1.5") == 1
    assert check(folder)
    folder.put("billing_report/2026-11-03.json", [REPORT_LINE | {"cost": "250"}])
    assert folder.load().loaded == 1
    assert not check(folder)
    assert costs(folder) == ["1.5"]
    assert unchecked_files(folder.con) == 0


def test_a_file_whose_load_was_undone_is_checked_again_in_every_run(folder: LandingFolder) -> None:
    for _ in range(2):
        assert land(folder, "250") == 1
        assert not check(folder)


def test_what_replaced_a_good_file_at_its_path_is_checked_again_too(folder: LandingFolder) -> None:
    land(folder, "1.5", mtime=NOW - dt.timedelta(days=1))
    assert check(folder)
    for _ in range(2):
        assert land(folder, "250") == 1
        assert not check(folder)
    assert costs(folder) == ["1.5"]


def test_a_copy_of_what_was_undone_is_checked_again_when_only_it_is_left(folder: LandingFolder) -> None:
    land(folder, "250")
    copy = folder.put("billing_report/copy.json", (folder.landing / BILL).read_bytes())
    folder.load()
    assert not check(folder)
    (folder.landing / BILL).unlink()
    assert copy.exists()
    assert folder.load().loaded == 1


def shown_containers(con: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    counting = Counting(con)
    check_raw(con, lambda: counting, run_id="run")
    return counting.shown


def test_containers_that_passed_are_looked_at_again_where_new_ones_touch_them(folder: LandingFolder) -> None:
    con = folder.con
    con.execute("insert into raw.containers values (1, 'ta-a', null), (2, 'ta-b', null)")
    assert shown_containers(con) == [(1, "ta-a"), (2, "ta-b")]
    assert shown_containers(con) == []
    con.execute("insert into raw.containers values (3, 'ta-c', null)")
    assert shown_containers(con) == [(3, "ta-c")]
    con.execute("insert into raw.containers values (4, 'ta-a', null)")  # an id with a second number
    assert shown_containers(con) == [(1, "ta-a"), (4, "ta-a")]
    con.execute("insert into raw.containers values (2, 'ta-d', null)")  # a number with a second id
    assert shown_containers(con) == [(1, "ta-a"), (2, "ta-b"), (2, "ta-d"), (3, "ta-c"), (4, "ta-a")]
