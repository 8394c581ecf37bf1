"""Usage from what a cluster counted is, row for row, usage from the calls themselves.

The functions that a cluster runs run here, over logs with every trap in them; `make spark-test` runs them on Spark.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings

from tests.support.call_logs import DAY, FUNCTIONS, call_logs, count_here, write_logs
from tests.support.empty_warehouse import open_empty_warehouse
from tests.support.loading import load_at
from tests.support.usage import build_usage, configure, rows_with_container_ids
from tieout.catalog.load import load_catalog
from tieout.catalog.models import Catalog
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.warehouse.catalog_tables import write_catalog

NOW = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
CLUSTERED = FUNCTIONS[0]


@pytest.fixture(scope="module")
def empty_warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_empty_warehouse() as con:
        configure(con, "a b", {function: 2 if function == CLUSTERED else 1 for function in FUNCTIONS})
        yield con


def catalog_of(engine: str) -> Catalog:
    catalog = load_catalog(resource_path("catalog"))
    return catalog.model_copy(update={"settings": catalog.settings.model_copy(update={"usage_engine": engine})})


def usage(con: duckdb.DuckDBPyConnection, landing: Path, *, without: str, engine: str) -> dict[str, list[Any]]:
    """Load, build usage of two weeks, and return all rows, with the ids of containers for their numbers."""
    result = load_at(con, landing, now=NOW, without=without)
    assert not result.rejected
    write_catalog(con, catalog_of(engine))
    return build_usage(con, rows_with_container_ids)


def forget(con: duckdb.DuckDBPyConnection) -> None:
    for (table,) in con.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall():
        con.execute(f"delete from raw.{table}")


@settings(deadline=None, max_examples=12)
@given(call_logs())
def test_usage_counted_on_a_cluster_is_usage_from_calls(
    empty_warehouse: duckdb.DuckDBPyConnection, found: list[dict[str, Any]]
) -> None:
    con = empty_warehouse
    with TemporaryDirectory() as folder:
        here, there = Path(folder) / "here", Home(Path(folder) / "there")
        write_logs(here / "function_calls", found, as_json=True)
        forget(con)
        from_calls = usage(con, here, without="container_hours", engine="duckdb")
        write_logs(there.landing / "function_calls", found)
        now = NOW.replace(tzinfo=None)
        count_here(there, catalog_of("spark"), now=now)
        again = count_here(there, catalog_of("spark"), now=now + DAY)
        forget(con)
        from_hours = usage(con, there.landing, without="function_calls", engine="spark")
    assert again.written == 0
    assert from_hours == from_calls
