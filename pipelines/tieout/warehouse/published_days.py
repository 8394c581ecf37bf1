"""Which days of finance's file are out of date.

Every published table is read from tables of the warehouse. What these hold is hashed row by row, summed up by day, and
kept in `meta.published_days` beside what the file looked like when it was made. Days before the first that has changed
need not be written again. What a table says of a month counts for its days, and a table without a time for all days.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from tieout.core.sql import transaction
from tieout.warehouse.models import Model, all_models

Contents = Mapping[tuple[str, dt.date | None], str]
"""A hash for each table and day, of a month its first; the day is None for rows that have no time."""

_MONTH_COLUMN = "month"


def read_contents(con: duckdb.DuckDBPyConnection, published: Iterable[Model]) -> Contents:
    """Sum up what the published tables are read from, by table and day."""
    return {
        (table, day): f"{rows} {digest}"
        for table in sorted(_tables_behind(published))
        for day, rows, digest in con.execute(_summed_up(con, table)).fetchall()
    }


def first_changed_day(con: duckdb.DuckDBPyConnection, path: Path, contents: Contents, code: str) -> dt.date | None:
    """Return from which day on the file is out of date; None when all of it has to be written.

    Args:
        con: the open warehouse.
        path: where the file is.
        contents: what it would be made from now.
        code: what else it depends on: the SQL, settings and versions.
    """
    if not path.exists() or _recorded_file(con) != (*_looks(path), code):
        return None
    rows = con.execute("select table_name, day, digest from meta.published_days").fetchall()
    made: Contents = {(table, day): digest for table, day, digest in rows}
    changed = [key for key in {*made, *contents} if made.get(key) != contents.get(key)]
    days = [day for _, day in changed if day is not None]
    newest = max((day for _, day in made if day is not None), default=dt.date.min)
    # With a new month the file is written whole, which leaves no gaps in it.
    is_new_month = max(days, default=newest).replace(day=1) > newest.replace(day=1)
    if len(days) < len(changed) or is_new_month or newest == dt.date.min:
        return None
    return min(days, default=newest)


def record(con: duckdb.DuckDBPyConnection, path: Path, contents: Contents, code: str) -> None:
    """Remember what the file was made from, and what it looks like."""
    keys = list(contents)
    with transaction(con):
        con.execute("delete from meta.published_file")
        con.execute("delete from meta.published_days")
        con.execute("insert into meta.published_file values (?, ?, ?)", [*_looks(path), code])
        con.execute(
            "insert into meta.published_days select unnest($1::varchar[]), unnest($2::date[]), unnest($3::varchar[])",
            [[table for table, _ in keys], [day for _, day in keys], list(contents.values())],
        )


def code_of(published: Sequence[Model], *more: str) -> str:
    """Hash the SQL behind the published tables, and what else they depend on."""
    by_name = {model.name: model for model in all_models()}
    behind = {*(model.name for model in published), *_tables_behind(published)}
    versions = (f"{name} {by_name[name].code_version}" for name in sorted(behind) if name in by_name)
    return hashlib.sha256("\n".join([*versions, *more]).encode()).hexdigest()


def _looks(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _recorded_file(con: duckdb.DuckDBPyConnection) -> tuple[int, int, str] | None:
    rows = con.execute("select bytes, mtime_ns, code from meta.published_file").fetchall()
    return rows[0] if rows else None


def _tables_behind(published: Iterable[Model]) -> set[str]:
    """The tables that published tables and views are read from, down to the first that is no view."""
    by_name = {model.name: model for model in all_models()}
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [model.name for model in published]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        model = by_name.get(name)
        if model is None or not model.is_view:
            found.add(name)
        else:
            waiting += model.depends_on
    return found


def _summed_up(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """Return the query for day, rows and hash of a table; the sum does not depend on the order of rows."""
    columns = [name for name, *_ in con.execute(f"describe {table}").fetchall()]
    by_name = {model.name: model for model in all_models()}
    time = by_name[table].partition if table in by_name else None
    time = time or (_MONTH_COLUMN if _MONTH_COLUMN in columns else None)
    day = f"{time}::date" if time else "null::date"
    return (
        f"select {day} as first_day, count(*), sum(hash(rows_of_table))::varchar "  # noqa: S608 - our own names
        f"from {table} as rows_of_table group by first_day"
    )
