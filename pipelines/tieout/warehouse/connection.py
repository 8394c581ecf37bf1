"""The warehouse file: opening it for writing and for reading."""

import contextlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from tieout.core.errors import TieoutError
from tieout.warehouse.schema import NewerVersionError, migrate, refuse_newer

# What DuckDB says of a file that another process has open; not every system tells which.
_HOLDER = re.compile(r"Could not set lock on file.*?(?:held in (?P<program>.*?) ?\(PID (?P<pid>\d+)\)|$)", re.DOTALL)


class WarehouseError(TieoutError):
    """The warehouse, or finance's file, cannot be opened, built or published."""


class WarehouseBusyError(WarehouseError):
    """Another process is writing the warehouse."""


@contextmanager
def open_warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing, bring its bookkeeping up to date, and close it whatever happens.

    Raises:
        WarehouseError: another process holds the file, it is no DuckDB file, it lacks what this version reads, or
            a newer version wrote it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    con = _connect(path, read_only=False)
    try:
        con.execute("set timezone = 'UTC'")
        con.execute("set preserve_insertion_order = false")
        con.execute("set enable_progress_bar = false")
        migrate(con)
        yield con
    except NewerVersionError as error:
        raise WarehouseError(error.problem, place=path, remedy=error.remedy) from None
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        _explain_another_version(con, path, error)
        raise
    finally:
        con.close()


@contextmanager
def read_warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for reading.

    Raises:
        WarehouseError: there is none yet, another process is writing it, it is no DuckDB file, it lacks what this
            version reads, or a newer version wrote it.
    """
    if not path.exists():
        raise WarehouseError(f"{path} does not exist yet", remedy="`tieout run` builds it from the landed files.")
    con = _connect(path, read_only=True)
    try:
        con.execute("set timezone = 'UTC'")
        refuse_newer(con)
        yield con
    except NewerVersionError as error:
        raise WarehouseError(error.problem, place=path, remedy=error.remedy) from None
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
        if (holder := _HOLDER.search(str(error))) is not None:
            # Without its cause: Dagster's run shows the innermost error, and that one names no remedy.
            raise _busy(path, holder, read_only=read_only) from None
        raise WarehouseError(f"it cannot be opened: {error}", place=path) from None


def _busy(path: Path, holder: re.Match[str], *, read_only: bool) -> WarehouseBusyError:
    """Name the process that holds the file: only one that writes keeps others from reading it."""
    program = f"{Path(holder['program']).name}, process {holder['pid']}" if holder["pid"] else "another process"
    if read_only:
        return WarehouseBusyError(
            f"{path} is being written by {program}", remedy="Wait until that run ends, or stop it."
        )
    return WarehouseBusyError(f"{path} is open in {program}", remedy="Wait until it ends, or close it there.")
