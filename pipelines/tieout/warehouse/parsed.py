"""SQL of the project's own files as DuckDB has parsed it.

The tables of a week are written by the same text as those of the week before, and to parse it takes a seventh of the
time that a small table takes. The same is true of what a report asks: to parse its questions took a tenth of its time.
"""

from collections.abc import Mapping
from typing import Any

import duckdb

_PARSED: dict[str, duckdb.Statement] = {}


def parsed(con: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """Return a statement to execute, on this connection or another, with any parameters; parsed once in a process.

    Args:
        con: an open connection.
        sql: one statement, of which a process has few texts: what changes with the data is a parameter of it.

    Raises:
        duckdb.ParserException: it is no SQL.
    """
    if sql not in _PARSED:
        [_PARSED[sql]] = con.extract_statements(sql)
    return _PARSED[sql]


def answers(
    con: duckdb.DuckDBPyConnection, question: str, parameters: Mapping[str, object] | None = None
) -> list[tuple[Any, ...]]:
    """Return all rows that answer one of the project's own questions, which is parsed once in a process.

    Args:
        con: an open connection.
        question: one statement, of which a process has few texts.
        parameters: its values, by their names.
    """
    return con.execute(parsed(con, question), parameters).fetchall()
