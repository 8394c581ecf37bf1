"""The warehouse file and its schemas."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from tieout.core.errors import TieoutError
from tieout.validation.quarantine import EVALUATIONS_DDL

SCHEMAS = (
    "raw",
    "catalog",
    "staging",
    "usage",
    "spend",
    "reconciliation",
    "savings",
    "finance",
    "focus",
    "meta",
    "quarantine",
)


class WarehouseError(TieoutError):
    """The warehouse, or finance's file, cannot be opened, built or published."""


class WarehouseBusyError(WarehouseError):
    """Another process is writing the warehouse."""


@contextmanager
def open_warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing, make its schemas, and close it whatever happens.

    Raises:
        WarehouseError: another process holds the file, it is no DuckDB file, or it lacks what this version reads.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    con = _connect(path, read_only=False)
    try:
        con.execute("set timezone = 'UTC'")
        con.execute("set preserve_insertion_order = false")
        con.execute("set enable_progress_bar = false")
        for schema in SCHEMAS:
            con.execute(f"create schema if not exists {schema}")
        con.execute(META_DDL)
        con.execute(EVALUATIONS_DDL)
        yield con
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        _explain_another_version(con, path, error)
        raise
    finally:
        con.close()


@contextmanager
def read_warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for reading.

    Raises:
        WarehouseError: there is none yet, another process is writing it, it is no DuckDB file, or it lacks what this
                version reads.
    """
    if not path.exists():
        raise WarehouseError(f"{path} does not exist yet", remedy="`tieout run` builds it from the landed files.")
    con = _connect(path, read_only=True)
    try:
        con.execute("set timezone = 'UTC'")
        yield con
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        _explain_another_version(con, path, error)
        raise
    finally:
        con.close()


def _explain_another_version(con: duckdb.DuckDBPyConnection, path: Path, error: duckdb.Error) -> None:
    """Word what a table or a column that is missing means, where another version of the SQL built the warehouse.

    Raises:
        WarehouseError: it did; a defect of ours is left to its traceback.
    """
    from tieout.warehouse.models import all_models

    with contextlib.suppress(duckdb.Error):
        con.rollback()
    try:
        built = dict(con.execute("select model, code_version from meta.models").fetchall())
    except duckdb.Error:
        return
    if any(built.get(model.name) != model.code_version for model in all_models()):
        problem = str(error).splitlines()[0]
        raise WarehouseError(
            f"{path} was built by another version of Tieout ({problem})", remedy="`tieout run` brings it up to date."
        ) from error


def _connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(path, read_only=read_only)
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            # Without its cause: Dagster's run shows the innermost error, and that one names no remedy.
            raise WarehouseBusyError(
                f"{path} is being written by another process", remedy="Wait until that run ends, or stop it."
            ) from None
        raise WarehouseError(f"it cannot be opened: {error}", place=path) from None


META_DDL = """
create table if not exists meta.models (
    model varchar primary key,
    code_version varchar not null
);
create table if not exists meta.week_inputs (
    week varchar primary key,
    input_hash varchar not null,
    built_at timestamp not null
);
create table if not exists meta.closings (
    week varchar not null,
    revision integer not null,
    closed_at timestamp not null,
    document varchar not null,
    primary key (week, revision)
);
comment on table meta.models is 'The SQL version that every table was built with';
comment on table meta.week_inputs is 'What every ISO week was last built from; a week with other inputs is built anew';
comment on table meta.closings is 'Every issue of a week: its figures, as in reports/<week>/revision-<n>/figures.json';
"""
