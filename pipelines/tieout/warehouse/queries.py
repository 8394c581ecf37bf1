"""Questions to the warehouse: the canned ones in `sql/queries/`, and any other select, answered without changing it."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import duckdb

from tieout.core.errors import TieoutError
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.core.sql import relations
from tieout.core.suggestions import did_you_mean
from tieout.warehouse.connection import WarehouseError, read_warehouse
from tieout.warehouse.models import ModelError, all_models, names_read
from tieout.warehouse.publish import PUBLISHED_FLOORS, published_tables, read_published

_HEAD = re.compile(r"\A\s*/\*(?P<question>.*?)\*/\s*(?P<select>.*)\Z", re.DOTALL)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
Description: TypeAlias = Sequence[tuple[Any, ...]]
"""The columns of an answer as DuckDB describes them: name, type and more."""
_QUESTIONS = frozenset({"SELECT", "EXPLAIN", "PRAGMA", "CALL"})
# DuckDB runs a pivot as several statements, whatever the pivot stands in (docs/decisions/0021).
_PIVOT = "MULTI"
_FIRST_WORD = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(?P<word>\w*)", re.DOTALL)
_ASKING = frozenset({"select", "from", "with", "pivot", "pivot_wider", "explain", "describe", "summarize"})


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
        QueryError: nothing at all, or a single word that is no canned question.
    """
    wanted = text.strip()
    if not wanted:
        raise QueryError("the question is empty", remedy="`tieout sql` lists those that come with Tieout.")
    if not _NAME.fullmatch(wanted):
        return wanted
    queries = canned_queries()
    name = wanted.replace("-", "_").lower()
    if name not in queries:
        raise _unknown(wanted, name, list(queries))
    return queries[name].select


def _unknown(wanted: str, name: str, known: Sequence[str]) -> QueryError:
    problem = f"there is no question called {wanted!r}"
    if name in published_tables():
        return QueryError(problem, remedy=f'It is a table: `tieout sql "from {name}"`.')
    if meant := did_you_mean(name, known):
        return QueryError(f"{problem}{meant}", remedy="`tieout sql` lists all.")
    return QueryError(
        f"{problem}; there are: {', '.join(known)}", remedy='SQL goes in quotes: `tieout sql "select …"`.'
    )


def ask_workspace(home: Home, select: str, *, seconds: float | None = None) -> Answer:
    """Answer from finance's file when the select reads nothing else, so that no build is in its way; else `ask`.

    Args:
        home: the workspace.
        select: the question.
        seconds: how long it may take; None for as long as it takes.

    Raises:
        WarehouseError: what is asked for is not built yet, or another process is writing the warehouse.
        QueryError: DuckDB does not accept the SQL.
    """
    if home.finance.exists() and reads_published_only(select):
        with read_published(home.finance) as con:
            return _answer(con, select, seconds)
    return ask(home.warehouse, select, seconds=seconds)


def ask(warehouse: Path, select: str, *, seconds: float | None = None) -> Answer:
    """Run a select on the warehouse, which it can neither change nor leave: it sees no other file.

    Raises:
        WarehouseError: there is no warehouse, another process is writing it, or what is asked for is not built yet.
        QueryError: DuckDB does not accept the SQL.
    """
    with read_warehouse(warehouse) as con:
        built = relations(con).keys()
        if lacking := _names_in(select) & {model.name for model in all_models()} - built:
            raise WarehouseError(
                "not built yet", place=", ".join(sorted(lacking)), remedy="`tieout run` builds what is landed."
            )
        if any(name.startswith("finance.") for name in built):
            con.execute("set search_path = 'main,finance'")  # as in finance's file, its tables need no qualifier
        return _answer(con, select, seconds)


def reads_published_only(select: str) -> bool:
    """Tell whether every table that a select names is in finance's file; what is no select is not."""
    names = _names_in(select)
    qualified = {name for name in names if "." in name}
    # In finance's file its tables lie in the schema main.
    own = {f"main.{name}" for name in published_tables()}
    is_published = all(name in own or name.partition(".")[0] in PUBLISHED_FLOORS for name in qualified)
    return is_published and bool(qualified or names & published_tables())


def _names_in(select: str) -> frozenset[str]:
    """The tables that a select names, in lower case; none of what is no select."""
    try:
        return frozenset(name.lower() for name in names_read(select))
    except ModelError:
        return frozenset()


def _answer(con: duckdb.DuckDBPyConnection, select: str, seconds: float | None) -> Answer:
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
    _require_question(select)
    columns, rows = _run(con, select, seconds)
    return Answer(
        columns=tuple(str(column[0]) for column in columns),
        types=tuple(str(column[1]) for column in columns),
        rows=tuple(rows),
    )


def _require_question(select: str) -> None:
    """Refuse what asks nothing.

    Raises:
        QueryError: no statement, several, or one that changes something.
    """
    try:
        kinds = [statement.type.name for statement in duckdb.extract_statements(select)]
    except duckdb.Error as error:
        raise QueryError(str(error), remedy=_remedy(error)) from error
    if not kinds:
        raise QueryError("the question holds nothing but a comment", remedy="`tieout sql` lists what can be asked.")
    if len(kinds) > 1:
        raise QueryError(f"these are {len(kinds)} statements", remedy="Ask one at a time.")
    kind = kinds[0]
    if kind == _PIVOT and (found := _FIRST_WORD.match(select)) is not None:
        kind = "SELECT" if found["word"].lower() in _ASKING else found["word"].upper()
    if kind not in _QUESTIONS:
        raise QueryError(
            f"this is no question but {kind}, and `tieout sql` changes nothing",
            remedy="Ask with select, from, pivot, describe or summarize.",
        )


def _run(con: duckdb.DuckDBPyConnection, select: str, seconds: float | None) -> tuple[Description, list[Any]]:
    """Execute beside this thread, which Ctrl-C reaches at any moment; what is stopped is interrupted first."""

    def execute() -> tuple[Description, list[Any]]:
        cursor = con.execute(select)
        columns: Description = cursor.description or ()
        return columns, cursor.fetchall() if columns else []

    with ThreadPoolExecutor(max_workers=1) as beside:
        found = beside.submit(execute)
        try:
            return found.result(seconds)
        except TimeoutError:
            con.interrupt()
            raise QueryError(
                f"stopped after {seconds:g} s", remedy="Ask for less, or give it more time with --timeout."
            ) from None
        except KeyboardInterrupt:
            con.interrupt()
            raise
        except duckdb.Error as error:
            raise QueryError(str(error), remedy=_remedy(error)) from error


def _remedy(error: duckdb.Error) -> str | None:
    """Say where the right names are; None where DuckDB's message says all there is to say."""
    if isinstance(error, duckdb.ParserException):
        return "`tieout sql` lists what can be asked without SQL."
    if isinstance(error, duckdb.CatalogException) and "Table with name" in str(error):
        return '`tieout sql "show tables"` lists the tables.'
    if isinstance(error, duckdb.BinderException) and "column" in str(error):
        return '`tieout sql "describe TABLE"` lists the columns of a table.'
    return None
