"""`tieout sql`: questions to the warehouse, answered digit for digit."""

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from pipelines.cli.messages import out, say
from pipelines.core.home import Home
from pipelines.warehouse.queries import Answer, ask, canned_queries, select_of

# A spreadsheet takes a text that starts like this for a formula, and runs it.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_WIDEST = 10_000
_NUMERIC = ("DECIMAL", "BIGINT", "INTEGER", "HUGEINT", "UBIGINT", "UINTEGER", "SMALLINT", "TINYINT", "DOUBLE", "FLOAT")


def list_questions() -> None:
    """Print the canned questions."""
    for name, query in canned_queries().items():
        say(f"{name:<20} {query.question}")
    say("")
    say('tieout sql NAME answers one; tieout sql "select …" anything else, read-only.')


def answer(home: Home, question: str, *, form: str) -> None:
    """Print the answer to a question as a table, as CSV or as JSON.

    Raises:
        QueryError: no such canned question, or SQL that DuckDB does not accept.
        WarehouseError: there is no warehouse yet, or it is being written.
    """
    _FORMS[form](ask(home.warehouse, select_of(question)))


def exact(value: Any) -> str:
    """Word a value: every digit of an amount, no exponent, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _print_csv(found: Answer) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([_inert(name) for name in found.columns])
    for row in found.rows:
        writer.writerow([_inert(value) if isinstance(value, str) else exact(value) for value in row])


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _print_json(found: Answer) -> None:
    lines = (json.dumps(_record(found.columns, row), ensure_ascii=False) for row in found.rows)
    sys.stdout.write("[" + ",\n ".join(lines) + "]\n")


def _record(columns: Sequence[str], row: Sequence[Any]) -> Mapping[str, Any]:
    return {name: _json_value(value) for name, value in zip(columns, row, strict=True)}


def _json_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    return exact(value)


def _print_table(found: Answer) -> None:
    if not found.columns:
        say("Done; there is nothing to show.")
    elif out.is_terminal:
        _print_boxed(found)
    else:
        _print_plain(found)


def _print_boxed(found: Answer) -> None:
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name, kind in zip(found.columns, found.types, strict=True):
        is_number = kind.startswith(_NUMERIC)
        table.add_column(
            Text(printable(name)), justify="right" if is_number else "left", no_wrap=is_number, overflow="fold"
        )
    for row in found.rows:
        table.add_row(*(Text(printable(exact(value))) for value in row))
    # A number is never cut: what does not fit beside each other stands below each other.
    if Measurement.get(out, out.options.update(max_width=_WIDEST), table).minimum <= out.width:
        out.print(table, soft_wrap=False)
    else:
        _print_records(found)
    say(f"{len(found.rows):,} rows" if len(found.rows) != 1 else "1 row")


def _print_records(found: Answer) -> None:
    width = max(len(name) for name in found.columns)
    for row in found.rows:
        for name, value in zip(found.columns, row, strict=True):
            out.print(Text.assemble((f"{printable(name):<{width}}", "bold"), "  ", printable(exact(value))))
        say("")


def _print_plain(found: Answer) -> None:
    cells = [[printable(exact(value)) for value in row] for row in (found.columns, *found.rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(found.columns))]
    numbers = [kind.startswith(_NUMERIC) for kind in found.types]
    for row in cells:
        aligned = (
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, numbers, strict=True)
        )
        sys.stdout.write("  ".join(aligned).rstrip() + "\n")


def printable(text: str) -> str:
    """Make control characters visible, so that a name cannot move the cursor or colour the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


_FORMS: Mapping[str, Callable[[Answer], None]] = {"csv": _print_csv, "json": _print_json, "table": _print_table}
