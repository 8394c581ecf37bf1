"""The warehouse file: opening it for writing and for reading."""

import contextlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from tieout.core.errors import TieoutError
from tieout.core.files import make_folder
from tieout.core.sql import RIGHT_SUMS
from tieout.warehouse.schema import NewerVersionError, migrate, refuse_newer

# What DuckDB says of a file that another process has open; not every system tells which.
_HOLDER = re.compile(r"Could not set lock on file.*?(?:held in (?P<program>.*?) ?\(PID (?P<pid>\d+)\)|$)", re.DOTALL)


# DuckDB compares the checksum of a block when it reads it; a damaged header is none of its files.
_DAMAGED = re.compile(r"Corrupt database file|is not a valid DuckDB database file")
_TABLES = "select schema_name, table_name from duckdb_tables() where database_name = current_database() order by all"
# A table that is not there is missing: DuckDB would else take a Python object of its name for it.
_BEGIN = f"{RIGHT_SUMS}; set timezone = 'UTC'; set python_enable_replacements = false"
_REBUILD = "Move it away and run `tieout run`, which builds it anew from `landing/` and `reports/`."


class WarehouseError(TieoutError):
    """The warehouse, or finance's file, cannot be opened, built or published."""


class WarehouseBusyError(WarehouseError):
    """Another process is writing the warehouse."""


class DamagedError(WarehouseError):
    """A database file is not what was written."""


@contextmanager
def damage_explained(path: Path, remedy: str = _REBUILD) -> Iterator[None]:
    """Word what DuckDB says of a block or a header that the disk has lost.

    Raises:
        DamagedError: naming the file and what to do.
    """
    try:
        yield
    except duckdb.Error as error:
        if _DAMAGED.search(str(error)) is None:
            raise
        said = str(error).splitlines()[0].rstrip(".")
        raise DamagedError(f"{path} is damaged: {said}", remedy=remedy) from None


def read_every_block(con: duckdb.DuckDBPyConnection) -> None:
    """Read all rows of all tables of a database, so that DuckDB compares the checksum of every block that holds some.

    Raises:
        duckdb.Error: a block is damaged.
    """
    for schema, table in con.execute(_TABLES).fetchall():
        con.execute(f'select bit_xor(hash(t)) from "{schema}"."{table}" as t').fetchall()  # noqa: S608 - its own names


@contextmanager
def open_warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing, bring its bookkeeping up to date, and close it whatever happens.

    Raises:
        WarehouseError: another process holds the file, it is no DuckDB file, it lacks what this version reads, or
            a newer version wrote it.
    """
    make_folder(path.parent)
    con = _connect(path, read_only=False)
    try:
        con.execute(_BEGIN)
        con.execute("set preserve_insertion_order = false")
        con.execute("set enable_progress_bar = false")
        with damage_explained(path):
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
        con.execute(_BEGIN)
        with damage_explained(path):
            refuse_newer(con)
            yield con
    except NewerVersionError as error:
        raise WarehouseError(error.problem, place=path, remedy=error.remedy) from None
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        _explain_another_version(con, path, error)
        raise
    finally:
        con.close()


def has_table(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Tell whether a warehouse has a table or view, by its qualified name; to list all of them takes ten times as long.

    Args:
        con: an open connection.
        name: one of the project's own, such as `savings.replays`.
    """
    try:
        con.table(name)  # where a question that fails would abort the transaction
    except duckdb.CatalogException:
        return False
    return True


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
        with damage_explained(path):
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
