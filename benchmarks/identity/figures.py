"""The figures of a workspace: a digest of every table and column that is compared, and the text of the report."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.identity import IdentityError

# The values differ from run to run or from version to version although no figure does. What is compared is whether
# there is one. `published` is finance.duckdb, `warehouse` is warehouse.duckdb.
NORMALISED = {
    "published.main.about": ("built_at", "tieout_version", "inputs_sha256", "catalog_sha256"),
    "published.main.weeks": ("built_at", "inputs_sha256"),
}
NORMALISED_IN_REPORT = {
    r"issued\s+\d{4}-\d\d-\d\d\s+\d\d:\d\d\s+UTC": "issued <time> UTC",
    r"\b[0-9a-f]{64}\b": "<sha256>",
}

_COLUMNS = """
select database_name || '.' || schema_name || '.' || table_name, column_name, data_type
from duckdb_columns()
where
    database_name = 'published' and not internal
    or database_name = 'warehouse' and (schema_name = 'savings' or schema_name = 'spend' and table_name = 'hourly')
order by 1, column_index
"""


@dataclass(frozen=True)
class Column:
    """A column's type, and a digest of its values in any order."""

    type: str
    digest: str


@dataclass(frozen=True)
class Table:
    """A table's rows, a digest of them in any order, and its columns by name, in order."""

    rows: int
    digest: str
    columns: Mapping[str, Column]


@dataclass(frozen=True)
class Report:
    """The text of a week's report: its number of lines, and its hash."""

    week: str
    lines: int
    sha256: str


@dataclass(frozen=True)
class Figures:
    """All that is compared of a workspace; tables by database, schema and name."""

    commit: str
    tables: Mapping[str, Table]
    report: Report


def read_figures(folder: Path, *, commit: str, like: Figures | None = None) -> Figures:
    """Read the figures of a workspace.

    Args:
        folder: the workspace.
        commit: of the version that built it.
        like: where it is given, a table's digest covers only the columns that the same table has there.
    """
    with opened(folder) as con:
        known = {} if like is None else like.tables
        tables = {name: _read_table(con, name, columns, known.get(name)) for name, columns in columns_of(con).items()}
    week, lines = read_report(folder)
    return Figures(commit, tables, Report(week, len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest()))


@contextmanager
def opened(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the two databases of a workspace for reading, as `published` and `warehouse`."""
    with duckdb.connect() as con:
        for alias, file in (("published", "finance.duckdb"), ("warehouse", "warehouse.duckdb")):
            con.execute(f"attach '{str(folder / file).replace(chr(39), chr(39) * 2)}' as {alias} (read_only)")
        con.execute("set timezone = 'UTC'")
        yield con


def columns_of(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Return the type of every column of every table that is compared."""
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in con.execute(_COLUMNS).fetchall():
        tables.setdefault(table, {})[column] = kind
    return tables


def read_report(folder: Path) -> tuple[str, list[str]]:
    """Return the newest week with a report, and the lines of its text with times and hashes normalised.

    Raises:
        IdentityError: there is no report.
    """
    reports = sorted((folder / "reports").glob("*/report.txt"))
    if not reports:
        raise IdentityError(f"{folder / 'reports'} holds no report")
    text = reports[-1].read_text(encoding="utf-8")
    for pattern, replacement in NORMALISED_IN_REPORT.items():
        text = re.sub(pattern, replacement, text)
    return reports[-1].parent.name, text.splitlines()


def _read_table(con: duckdb.DuckDBPyConnection, name: str, types: Mapping[str, str], like: Table | None) -> Table:
    compared = list(types) if like is None else [column for column in like.columns if column in types]
    digests = ", ".join(_digest(_quoted(column)) for column in types)
    [(rows, whole, *each)] = con.execute(
        f"select count(*), {_digest(_row(compared))}, {digests} from ({select_of(name, types)})"
    ).fetchall()
    columns = {column: Column(kind, digest) for (column, kind), digest in zip(types.items(), each, strict=True)}
    return Table(rows, whole, columns)


def select_of(table: str, columns: Iterable[str]) -> str:
    """Return the query for a table's values as text: all digits of a decimal, the shortest exact form of a double."""
    values = ", ".join(f"{_value(table, column)} as {_quoted(column)}" for column in columns)
    return f"select {values} from {'.'.join(map(_quoted, table.split('.')))}"


def _value(table: str, column: str) -> str:
    kept = "''" if column in NORMALISED.get(table, ()) else f"{_quoted(column)}::varchar"
    return f"case when {_quoted(column)} is not null then {kept} end"


def _row(columns: Sequence[str]) -> str:
    return f"to_json([{', '.join(map(_quoted, columns))}])::varchar"


def _digest(text: str) -> str:
    """Return the expression for a digest that does not depend on the order of rows: a sum of hashes, in hex."""
    hashed = f"md5_number_lower(coalesce('=' || {text}, ''))"
    return f"printf('%016x', (coalesce(sum({hashed}), 0) % 18446744073709551616)::ubigint)"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
