"""The answer to a question as a file: Parquet with exact decimals, or an Excel workbook."""

import datetime as dt
import io
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from tieout.report.formats.sheets import Book, Cell, Kind, SheetColumn, harmless, is_kept_exactly
from tieout.warehouse.queries import Answer

_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_TYPES: dict[str, Any] = {
    "BOOLEAN": pl.Boolean,
    "TINYINT": pl.Int8,
    "SMALLINT": pl.Int16,
    "INTEGER": pl.Int32,
    "BIGINT": pl.Int64,
    "UTINYINT": pl.UInt8,
    "USMALLINT": pl.UInt16,
    "UINTEGER": pl.UInt32,
    "UBIGINT": pl.UInt64,
    "HUGEINT": pl.Decimal(38, 0),
    "FLOAT": pl.Float32,
    "DOUBLE": pl.Float64,
    "DATE": pl.Date,
    "TIMESTAMP": pl.Datetime("us"),
}
_KINDS = {
    "DOUBLE": Kind.NUMBER,
    "FLOAT": Kind.NUMBER,
    "BOOLEAN": Kind.FLAG,
    "DATE": Kind.DAY,
    "TIMESTAMP": Kind.TIME,
}
_INTEGERS = frozenset(name for name in _TYPES if name.endswith("INT"))
_FIRST_YEAR = 1900  # a spreadsheet's calendar begins there
# A workbook names a time of its making; an answer has none, so that the same answer is the same file.
_NO_TIME = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - the document's properties are naive


def as_parquet(found: Answer) -> bytes:
    """Return the answer as Parquet: decimals, dates and times as such; lists, structs and the like as text."""
    names = _apart(found.columns)
    series = [
        _series(name, kind, column) for name, kind, column in zip(names, found.types, _columns(found), strict=True)
    ]
    file = io.BytesIO()
    pl.DataFrame(series).write_parquet(file)
    return file.getvalue()


def as_workbook(found: Answer, *, question: str, select: str) -> bytes:
    """Return the answer as a workbook: a sheet with the rows, and one with the question and its SQL.

    Where a spreadsheet would lose digits of an amount, a column beside the numbers has every digit as text.
    """
    book = Book({"title": f"Tieout · {question}", "author": "Tieout"}, created=_NO_TIME, footer="Tieout")
    columns: list[SheetColumn] = []
    cells: list[Sequence[object]] = []
    for name, kind, values in zip(found.columns, found.types, _columns(found), strict=True):
        shown = _kind(name, kind)
        columns.append(SheetColumn(name, shown))
        cells.append([_cell(value, shown) for value in values])
        if any(isinstance(value, Decimal) and not is_kept_exactly(value) for value in values):
            columns.append(SheetColumn(f"{name}, every digit", Kind.EXACT))
            cells.append(values)
    sheet = book.sheet("Answer", is_wide=True)
    sheet.browse(sheet.table(columns, list(zip(*cells, strict=True))), len(columns))
    asked = book.sheet("Question")
    asked.table((SheetColumn("Question"), SheetColumn(question)), [("SQL", line) for line in select.splitlines()])
    return book.content


def _columns(found: Answer) -> list[tuple[Any, ...]]:
    return [tuple(row[i] for row in found.rows) for i in range(len(found.columns))]


def _apart(names: Sequence[str]) -> list[str]:
    """Number names that occur again, because a file's columns need names of their own."""
    taken: list[str] = []
    for name in names:
        number, unique = 1, name
        while unique in taken:
            number += 1
            unique = f"{name}_{number}"
        taken.append(unique)
    return taken


def _series(name: str, kind: str, values: Sequence[Any]) -> pl.Series:
    decimal = _DECIMAL.fullmatch(kind)
    dtype = pl.Decimal(int(decimal[1]), int(decimal[2])) if decimal else _TYPES.get(kind)
    if dtype is None:
        return pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String)
    return pl.Series(name, values, dtype=dtype)


def _kind(name: str, kind: str) -> Kind:
    """Decide how a column looks: dollars where its name says so, else as its type has it."""
    if kind.startswith("DECIMAL"):
        return Kind.USD if "usd" in name else Kind.NUMBER
    if kind in _INTEGERS:
        return Kind.COUNT
    return _KINDS.get(kind, Kind.TEXT)


def _cell(value: Any, kind: Kind) -> object:
    """A value as it stands in the sheet; days before 1900 and times with an offset are text there."""
    if kind in (Kind.DAY, Kind.TIME) and value is not None and value.year < _FIRST_YEAR:
        return Cell(harmless(value), Kind.TEXT)
    return value
