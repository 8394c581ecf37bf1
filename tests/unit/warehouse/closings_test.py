import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path

import duckdb
import pytest

from tieout.core.periods import IsoWeek
from tieout.warehouse.closings import carried_by
from tieout.warehouse.connection import open_warehouse

W42, W43, W44, W45 = (IsoWeek.parse(f"2026-W{number}") for number in (42, 43, 44, 45))
START = dt.datetime(2026, 11, 10)  # noqa: DTZ001 - naive UTC, as everywhere


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in which four weeks are built, and none is issued."""
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        for week in (W42, W43, W44, W45):
            con.execute("insert into meta.week_inputs values (?, 'as built', ?)", [week.label, START])
        yield con


def issue(con: duckdb.DuckDBPyConnection, weeks: Sequence[IsoWeek]) -> None:
    """Issue weeks, one a day; one that was issued before is its next revision."""
    con.execute("delete from meta.closings")
    for day, week in enumerate(weeks):
        con.execute(
            "insert into meta.closings values (?, ?, ?, '{}')",
            [week.label, list(weeks[: day + 1]).count(week), START + dt.timedelta(days=day)],
        )


def test_a_revision_stands_in_the_report_that_is_issued_next_whichever_week_it_is_of(
    con: duckdb.DuckDBPyConnection,
) -> None:
    issue(con, (W42, W44, W42, W43, W45))
    assert carried_by(con, (W43, W44, W45)) == {W43: ((W42, 2),), W44: (), W45: ()}


def test_every_revision_stands_once_in_the_reports_of_all_weeks_in_whatever_order_they_are_issued(
    con: duckdb.DuckDBPyConnection,
) -> None:
    for order in sorted(set(permutations((W42, W42, W43, W43, W44)))):
        issue(con, (*order, W45))
        carried = sorted(revision for each in carried_by(con, (W42, W43, W44, W45)).values() for revision in each)
        assert carried == [(W42, 2), (W43, 2)], order


def test_what_no_report_was_issued_after_stands_in_the_newest_and_in_those_that_are_not_issued(
    con: duckdb.DuckDBPyConnection,
) -> None:
    issue(con, (W42, W43, W45, W42))
    assert [week for week, each in carried_by(con, (W43, W44, W45)).items() if each] == [W44, W45]
