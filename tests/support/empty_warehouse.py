"""A warehouse with every SQL table and the built-in catalog, but nothing landed."""

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import duckdb

from tieout.catalog.load import load_catalog
from tieout.core.periods import day_start
from tieout.core.resources import resource_path
from tieout.sources.raw_schema import create_raw_schema
from tieout.warehouse.build import learned_relation
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.models import code_versions, load_models
from tieout.warehouse.schema import migrate

NEVER = day_start(dt.date(2000, 1, 1))
_FOLDER = tempfile.TemporaryDirectory(prefix="empty-warehouse-")


@contextmanager
def open_empty_warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Make one in memory; it is gone afterwards."""
    with empty_warehouse() as con:
        yield con


def empty_warehouse() -> duckdb.DuckDBPyConnection:
    """Make one in memory, for as long as the connection is kept. What is built in it finds its tables there."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    con.execute(f"attach '{_first()}' as first (read_only)")
    con.execute("copy from database first to memory")
    con.execute("detach first")
    return con


@cache
def _first() -> Path:
    """The first one of a process, kept in a file: to make one of the models' SQL takes ten times as long as a copy."""
    path = Path(_FOLDER.name) / "warehouse.duckdb"
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        migrate(con)
        create_raw_schema(con)
        write_catalog(con, load_catalog(resource_path("catalog")))
        for model in load_models():
            kind = "view" if model.is_view else "table"
            with learned_relation(con, model, NEVER, NEVER):
                con.execute(f"create {kind} {model.name} as {model.sql}", dict.fromkeys(model.parameters, NEVER))
        con.executemany("insert into meta.models values (?, ?)", list(code_versions().items()))
        con.execute(f"attach '{path}' as first")
        con.execute("copy from database memory to first")
    return path
