import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import duckdb
import pytest

from tieout.core.sql import SqlConnection, literal, transaction


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
