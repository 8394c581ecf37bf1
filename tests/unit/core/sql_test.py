import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import duckdb
import pytest

import tieout
from tieout.core.sql import RIGHT_SUMS, SqlConnection, literal, transaction


@pytest.fixture(params=["duckdb", "sqlite"])
def con(request: pytest.FixtureRequest) -> Iterator[SqlConnection]:
    connect = duckdb.connect if request.param == "duckdb" else partial(sqlite3.connect, isolation_level=None)
    with closing(connect(":memory:")) as con:
        con.execute("create table bill (cost integer unique)")
        yield con


def costs(con: SqlConnection) -> list[tuple[int]]:
    found: list[tuple[int]] = con.execute("select cost from bill order by cost").fetchall()
    return found


def test_what_a_block_writes_is_kept_when_it_ends(con: SqlConnection) -> None:
    with transaction(con):
        con.execute("insert into bill values (1)")
        con.execute("insert into bill values (2)")
    assert costs(con) == [(1,), (2,)]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_takes_all_of_it_back_and_is_the_one_that_is_raised(
    con: SqlConnection, error: type[BaseException]
) -> None:
    with pytest.raises(error), transaction(con):
        con.execute("insert into bill values (1)")
        raise error
    assert costs(con) == []


def test_a_statement_that_fails_takes_the_ones_before_it_back(con: SqlConnection) -> None:
    with pytest.raises((duckdb.Error, sqlite3.Error), match=r"(?i)unique|duplicate"), transaction(con):
        con.execute("insert into bill values (1)")
        con.execute("insert into bill values (1)")
    assert costs(con) == []


def test_a_block_can_try_something_and_leave_no_trace(con: SqlConnection) -> None:
    with transaction(con) as changes:
        changes.is_kept = False
        con.execute("insert into bill values (1)")
        assert costs(con) == [(1,)]
    assert costs(con) == []


def test_the_next_transaction_opens_after_one_that_failed(con: SqlConnection) -> None:
    with pytest.raises(ValueError, match="no"), transaction(con):
        raise ValueError("no")
    with transaction(con):
        con.execute("insert into bill values (3)")
    assert costs(con) == [(3,)]


def test_an_error_is_not_hidden_by_a_rollback_that_has_nothing_to_undo(con: SqlConnection) -> None:
    with pytest.raises(ValueError, match="first"), transaction(con):
        con.execute("rollback")
        raise ValueError("first")


@pytest.mark.parametrize("text", ["plain", "finance's books; drop table x", "'", "''", "", "a\nb", "ä"])
def test_a_text_comes_back_from_its_literal_as_it_was(con: SqlConnection, text: str) -> None:
    assert con.execute(f"select {literal(text)}").fetchall() == [(text,)]


SUM_OVER_ONE_ROW = """
with newest as (select max(week) as week from weeks)
select sum(calls)::bigint as calls from counted join newest using (week) group by function order by calls
"""


@pytest.mark.parametrize(
    ("begins_with", "answer"),
    [(RIGHT_SUMS, [(200,)] * 5), ("select 1", [(-56,)] * 5)],
    ids=["ours", "without it: once this is 200, too, DuckDB is mended and the setting can go"],
)
def test_a_sum_over_what_is_joined_with_one_row_keeps_its_bits(begins_with: str, answer: list[tuple[int]]) -> None:
    with duckdb.connect() as con:
        con.execute(begins_with)
        con.execute("create table weeks as select unnest([0, 1, 2]) as week")
        con.execute(
            "create table counted as "
            "select i % 3 as week, i % 5 as function, 1::bigint as calls from range(3000) as r(i)"
        )
        assert con.execute(SUM_OVER_ONE_ROW).fetchall() == answer


def test_every_connection_of_the_package_begins_with_the_setting_that_keeps_sums_right() -> None:
    package = Path(tieout.__file__).parent
    sources = {f"{path.relative_to(package)}": path.read_text(encoding="utf-8") for path in package.rglob("*.py")}
    opening = {name: text for name, text in sources.items() if "duckdb.connect(" in text}
    only_parses = {"warehouse/models.py"}
    assert {name for name, text in opening.items() if "RIGHT_SUMS" not in text} == only_parses
    assert len(opening) > 5
