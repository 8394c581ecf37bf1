"""`tieout sql`: questions to the warehouse and to finance's file, answered digit for digit."""

import csv
import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from tieout.cli.failures import CommandError
from tieout.cli.messages import out, say
from tieout.cli.stopping import stoppable
from tieout.core.home import Home
from tieout.warehouse.queries import (
    Answer,
    CannedQuery,
    ask_workspace,
    canned_queries,
    reads_published_only,
    select_of,
)

# A spreadsheet takes a text that starts like this for a formula, and runs it.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_WIDEST = 10_000
_NARROWEST = 60
_NAMES = 19
_NUMERIC = ("DECIMAL", "BIGINT", "INTEGER", "HUGEINT", "UBIGINT", "UINTEGER", "SMALLINT", "TINYINT", "DOUBLE", "FLOAT")


def list_questions() -> None:
    """Print the canned questions: those that finance's file answers, then those that need the warehouse."""
    queries = canned_queries().values()
    published = [query for query in queries if reads_published_only(query.select)]
    _print_questions("From finance.duckdb, at any time:", published)
    _print_questions("From the warehouse, while no run writes it:", [each for each in queries if each not in published])
    say('`tieout sql NAME` answers one; `tieout sql "select …"` anything else, read-only.')


def answer(home: Home, question: str, *, form: str, seconds: float | None = None) -> None:
    """Print the answer to a question as a table, as CSV (with or without a byte order mark) or as JSON.

    Raises:
        QueryError: no such canned question, or SQL that DuckDB does not accept.
        WarehouseError: there is no warehouse yet, or it is being written.
    """
    _FORMS[form](_ask(home, select_of(question), seconds))


def save(home: Home, question: str, path: Path, *, form: str, seconds: float | None = None) -> None:
    """Write the answer to a question to a file, as a workbook or as Parquet, whole or not at all.

    Raises:
        QueryError: no such canned question, or SQL that DuckDB does not accept.
        WarehouseError: there is no warehouse yet, or it is being written.
        CommandError: the statement gives no table.
    """
    from tieout.core.files import write_whole
    from tieout.report.query_export import as_parquet, as_workbook

    select = select_of(question)
    found = _ask(home, select, seconds)
    if not found.columns:
        raise CommandError("the statement gives no rows, so there is nothing to write", remedy="Ask with a select.")
    content = as_parquet(found) if form == "parquet" else as_workbook(found, question=question, select=select)
    write_whole(path, content)
    say(f"{len(found.rows):,} rows in {path}")


def _ask(home: Home, select: str, seconds: float | None) -> Answer:
    with stoppable("Stopped; nothing was asked to the end."):
        return ask_workspace(home, select, seconds=seconds)


def exact(value: Any) -> str:
    """Word a value: every digit of an amount, no exponent, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _print_questions(title: str, queries: Sequence[CannedQuery]) -> None:
    say(title, style="bold")
    for query in queries:
        lines = textwrap.wrap(query.question, max(out.width, _NARROWEST) - _NAMES - 3)
        say(f"  {query.name:<{_NAMES}} {lines[0]}")
        for line in lines[1:]:
            say(f"  {'':<{_NAMES}} {line}")
    say("")


def _print_csv(found: Answer) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([_inert(name) for name in found.columns])
    for row in found.rows:
        writer.writerow([_inert(value) if isinstance(value, str) else exact(value) for value in row])


def _print_csv_for_spreadsheets(found: Answer) -> None:
    """Begin with a byte order mark, by which a spreadsheet knows UTF-8."""
    sys.stdout.write("\ufeff")
    _print_csv(found)


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
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for name, kind in zip(found.columns, found.types, strict=True):
        is_number = kind.startswith(_NUMERIC)
        table.add_column(
            Text(printable(name)), justify="right" if is_number else "left", no_wrap=is_number, overflow="fold"
        )
    for cells in _shown(found):
        table.add_row(*map(Text, cells))
    # A number is never cut: what does not fit beside each other stands below each other.
    if Measurement.get(out, out.options.update(max_width=_WIDEST), table).minimum <= out.width:
        out.print(table, soft_wrap=False)
    else:
        _print_records(found)
    say(f"{len(found.rows):,} rows" if len(found.rows) != 1 else "1 row")


def _print_records(found: Answer) -> None:
    width = max(len(name) for name in found.columns)
    for cells in _shown(found):
        for name, cell in zip(found.columns, cells, strict=True):
            out.print(Text.assemble((f"{printable(name):<{width}}", "bold"), "  ", cell))
        say("")


def _print_plain(found: Answer) -> None:
    cells = [[printable(name) for name in found.columns], *_shown(found)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(found.columns))]
    numbers = [kind.startswith(_NUMERIC) for kind in found.types]
    for row in cells:
        aligned = (
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, numbers, strict=True)
        )
        sys.stdout.write("  ".join(aligned).rstrip() + "\n")


def _shown(found: Answer) -> list[list[str]]:
    """Word every value; a column of amounts ends with the last digit that any of them has, but not before the cents."""
    worded = [_worded([row[i] for row in found.rows]) for i in range(len(found.columns))]
    return [list(row) for row in zip(*worded, strict=True)]


def _worded(column: Sequence[Any]) -> Iterator[str]:
    places = max((_places(value) for value in column if isinstance(value, Decimal)), default=0)
    for value in column:
        whole, point, decimals = exact(value).partition(".")
        is_amount = isinstance(value, Decimal) and point
        yield printable(f"{whole}.{decimals[:places]}" if is_amount else exact(value))


def _places(value: Decimal) -> int:
    """Decimals up to the last digit that is not zero; of an amount with cents at least two."""
    decimals = exact(value).partition(".")[2]
    return max(len(decimals.rstrip("0")), min(2, len(decimals)))


def printable(text: str) -> str:
    """Make control characters visible, so that a name cannot move the cursor or colour the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


_FORMS: Mapping[str, Callable[[Answer], None]] = {
    "csv": _print_csv,
    "excel-csv": _print_csv_for_spreadsheets,
    "json": _print_json,
    "table": _print_table,
}
