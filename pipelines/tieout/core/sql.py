"""The one way to open a transaction, to write a text into a statement, and to ask what tables there are."""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

Kind = Literal["table", "view"]

RIGHT_SUMS = "set disabled_optimizers = 'statistics_propagation'"
"""What every connection to DuckDB begins with.

DuckDB 2.0 takes what is joined with the one row of an aggregate for one row, and keeps a sum of whole numbers over it
in as few bits: once it is ordered or filtered, 200 becomes -56. Without statistics of what a join returns it is right.
"""

_RELATIONS = """
select schema_name || '.' || table_name, 'table' from duckdb_tables() where database_name = current_database()
union all
select schema_name || '.' || view_name, 'view' from duckdb_views() where database_name = current_database()
"""


class SqlConnection(Protocol):
    """What a transaction needs of a connection; those of DuckDB and SQLite have it."""

    def execute(self, query: str, /) -> Any:
        """Run a statement."""


@dataclass
class Transaction:
    """What becomes of the changes when the block ends without an error.

    Attributes:
        is_kept: whether they are committed; a block that sets it to False has them rolled back.
    """

    is_kept: bool = True


@contextlib.contextmanager
def transaction(con: SqlConnection, *, begin: str = "begin") -> Iterator[Transaction]:
    """Commit what the block does; roll it back when an error leaves the block, or when the block says so.

    Args:
        con: a connection with no transaction open.
        begin: the statement that opens one.
    """
    con.execute(begin)
    changes = Transaction()
    try:
        yield changes
        con.execute("commit" if changes.is_kept else "rollback")
    except BaseException:
        # A commit that fails has ended the transaction; what went wrong first is what the reader needs.
        with contextlib.suppress(Exception):
            con.execute("rollback")
        raise


def literal(text: str) -> str:
    """Return a text as an SQL literal, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def sqlite_damage(path: Path) -> str | None:
    """Read every page of a SQLite file, and return what is wrong with it; None when nothing is."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=10)) as con:
            [(found,)] = con.execute("pragma integrity_check(1)").fetchall()
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == "ok" else " ".join(str(found).split())


def relations(con: SqlConnection) -> dict[str, Kind]:
    """Return what every table and view of DuckDB's open database is, by its qualified name, such as `spend.hourly`."""
    return dict(con.execute(_RELATIONS).fetchall())


def is_any_filled(con: SqlConnection, tables: Iterable[str]) -> bool:
    """Tell whether one of these tables, at least one by its qualified name, has a row."""
    found = " or ".join(f"exists (from {table})" for table in sorted(tables))
    return bool(con.execute(f"select {found}").fetchall() == [(True,)])
