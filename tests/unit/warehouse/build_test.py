"""How one model is written into a warehouse that an earlier version has built."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest

from tests.support.empty_warehouse import open_empty_warehouse
from tieout.warehouse.build import Period, write_model
from tieout.warehouse.models import model_named

DAYS = Period(dt.date(2026, 11, 2), dt.date(2026, 11, 9))
NAME = "staging.closed_items"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_empty_warehouse() as opened:
        yield opened


def kind_of(con: duckdb.DuckDBPyConnection, name: str) -> str:
    schema, table = name.split(".")
    [(kind,)] = con.execute(
        "select table_type from information_schema.tables where table_schema = ? and table_name = ?", [schema, table]
    ).fetchall()
    return str(kind)


def test_what_was_kept_as_a_table_is_a_view_after_an_upgrade(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"drop view {NAME}")
    con.execute(f"create table {NAME} (environment varchar)")
    write_model(con, model_named(NAME), DAYS)
    assert kind_of(con, NAME) == "VIEW"
    assert con.execute(f"select amount_usd from {NAME}").fetchall() == []


def test_what_was_kept_as_a_view_is_a_table_after_an_upgrade(con: duckdb.DuckDBPyConnection) -> None:
    as_table = replace(model_named(NAME), is_view=False, code_version="another")
    assert write_model(con, as_table, DAYS) == DAYS
    assert kind_of(con, NAME) == "BASE TABLE"


def test_a_table_of_other_sql_is_built_anew_for_the_whole_weeks_that_it_holds(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("insert into spend.inferred_time (interval_start) values ('2026-11-04 05:00'), ('2026-11-25')")
    con.execute("insert or replace into meta.models values ('spend.inferred_time', 'another')")
    built = write_model(con, model_named("spend.inferred_time"), Period(dt.date(2026, 11, 9), dt.date(2026, 11, 16)))
    # from a Monday to a Monday, so that every stretch that is built together is a week that factors are learned from
    assert built == Period(dt.date(2026, 11, 2), dt.date(2026, 11, 30))


def test_rows_go_with_what_a_table_is_empty_without(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("insert into spend.sandbox_claims (hour) values ('2026-11-04 05:00'), ('2026-11-25')")
    write_model(con, model_named("spend.sandbox_claims"), DAYS)
    assert con.execute("select hour::varchar from spend.sandbox_claims").fetchall() == [("2026-11-25 00:00:00",)]


@pytest.mark.parametrize(
    "row",
    ["raw.function_stats by name select 1 as file_id", "raw.app_stats by name select 1 as file_id, 'function' as kind"],
)
def test_one_row_of_all_that_a_table_is_empty_without_is_enough(con: duckdb.DuckDBPyConnection, row: str) -> None:
    con.execute("insert into raw.files (file_id, source, app, sha256) values (1, 'function_stats', 'a', '')")
    con.execute("insert into raw.deliveries (file_id, fetched_at, range_start) values (1, '2026-11-10', '2026-11-02')")
    con.execute(f"insert into {row}, timestamp '2026-11-03' as since")
    write_model(con, model_named("reconciliation.completeness"), DAYS)
    assert con.execute("select day::varchar from reconciliation.completeness").fetchall() == [("2026-11-03 00:00:00",)]
