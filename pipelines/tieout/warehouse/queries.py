"""Questions to the warehouse: the canned ones in `sql/queries/`, and any other select, answered without changing it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from tieout.core.errors import TieoutError
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.warehouse.connection import WarehouseError, read_warehouse
from tieout.warehouse.models import ModelError, all_models, tables_read
from tieout.warehouse.publish import PUBLISHED_FLOORS, read_published

_HEAD = re.compile(r"\A\s*/\*(?P<question>.*?)\*/\s*(?P<select>.*)\Z", re.DOTALL)
_NAME = re.compile(r"[a-z][a-z0-9_-]*")


class QueryError(TieoutError):
    """A question that cannot be answered."""


@dataclass(frozen=True)
class CannedQuery:
    """A question that comes with Tieout.

    Attributes:
        name: what to call it by.
        question: what it answers, for people.
        select: the SQL.
    """

    name: str
    question: str
    select: str


@dataclass(frozen=True)
class Answer:
    """Column names, their DuckDB types, and rows of exact values (money as Decimal)."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def canned_queries() -> dict[str, CannedQuery]:
    """Read every canned question, by name in alphabetical order."""
    paths = sorted((resource_path("sql") / "queries").glob("*.sql"))
    return {path.stem: _read(path) for path in paths}


def _read(path: Path) -> CannedQuery:
    match = _HEAD.match(path.read_text(encoding="utf-8"))
    if match is None:
        raise QueryError(
            "the head is missing", place=path, remedy="Start with a /* comment that says which question it answers */."
        )
    return CannedQuery(path.stem, " ".join(match["question"].split()), match["select"].strip())


def select_of(text: str) -> str:
    """Return the SQL that a text stands for: a canned question's name, or SQL itself.

    Raises:
        QueryError: a single word that is no canned question.
    """
    wanted = text.strip()
    if not _NAME.fullmatch(wanted):
        return wanted
    queries = canned_queries()
    name = wanted.replace("-", "_")
    if name not in queries:
        raise QueryError(f"there is no query called {wanted!r}; there are: {', '.join(queries)}")
    return queries[name].select


def ask_workspace(home: Home, select: str) -> Answer:
    """Answer from finance's file when the select reads nothing else, so that no build is in its way; else `ask`.

    Raises:
        WarehouseError: what is asked for is not built yet, or another process is writing the warehouse.
        QueryError: DuckDB does not accept the SQL.
    """
    if home.finance.exists() and reads_published_only(select):
        with read_published(home.finance) as con:
            return _answer(con, select)
    return ask(home.warehouse, select)


def ask(warehouse: Path, select: str) -> Answer:
    """Run a select on the warehouse, which it can neither change nor leave: it sees no other file.

    Raises:
        WarehouseError: there is no warehouse, another process is writing it, or what is asked for is not built yet.
        QueryError: DuckDB does not accept the SQL.
    """
    with read_warehouse(warehouse) as con:
        if lacking := _tables_of(select) & {model.name for model in all_models()} - _built(con):
            raise WarehouseError(
                "not built yet", place=", ".join(sorted(lacking)), remedy="`tieout run` builds what is landed."
            )
        return _answer(con, select)


def reads_published_only(select: str) -> bool:
    """Tell whether every table that a select names is in finance's file; what is no select is not."""
    tables = _tables_of(select)
    return bool(tables) and all(table.partition(".")[0] in PUBLISHED_FLOORS for table in tables)


def _tables_of(select: str) -> frozenset[str]:
    """The tables that a select names; none of what is no select."""
    try:
        return tables_read(select)
    except ModelError:
        return frozenset()


def _built(con: duckdb.DuckDBPyConnection) -> set[str]:
    rows = con.execute("select table_schema || '.' || table_name from information_schema.tables").fetchall()
    return {name for (name,) in rows}


def _answer(con: duckdb.DuckDBPyConnection, select: str) -> Answer:
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
    try:
        cursor = con.execute(select)
        columns: Sequence[tuple[Any, ...]] = cursor.description or ()
        rows = cursor.fetchall() if columns else []
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    return Answer(
        columns=tuple(str(column[0]) for column in columns),
        types=tuple(str(column[1]) for column in columns),
        rows=tuple(rows),
    )
