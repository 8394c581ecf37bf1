"""The raw tables: rows as Modal wrote them, each with the file that it came from.

All times are naive UTC in microseconds; all money is DECIMAL(38, 12) US dollars, and text where that would round it.
"""

from collections.abc import Collection, Sequence

import duckdb
import pyarrow as pa

from tieout.core.sql import literal, transaction
from tieout.sources.registry import SOURCES
from tieout.sources.tables import Column, Table

LEDGER_TABLES = (
    Table(
        "files",
        "One row per distinct content that was ever landed. A copy of known content adds nothing.",
        (
            Column("file_id", "INTEGER", "Number of the file in this warehouse, from 1"),
            Column("source", "VARCHAR", "Modal export: the folder below landing/"),
            Column(
                "sha256",
                "VARCHAR",
                "Identity: hash of source, path keys, month, report kind, resolution and unpacked content",
            ),
            Column("path", "VARCHAR", "Path below landing/ where the content was first seen"),
            Column("bytes", "BIGINT", "Size of the file as landed"),
            Column("environment", "VARCHAR", "Modal environment named in the path, if any"),
            Column("app", "VARCHAR", "App named in the path, if any"),
            Column("function", "VARCHAR", "Function named in the path, if any"),
            Column("server", "VARCHAR", "Server named in the path, if any"),
            Column("month", "DATE", "First day of the UTC month that a billing summary is about"),
            Column("report_kind", "VARCHAR", "Billing report: plain, resources, or both in one (rows of the SDK)"),
            Column("resolution", "VARCHAR", "Billing report: h (hourly) or d (daily)"),
            Column("content_start", "TIMESTAMP", "Earliest time in the rows (bill interval, call enqueued)"),
            Column("content_end", "TIMESTAMP", "End (exclusive) of the latest interval or call in the rows"),
            Column("row_count", "BIGINT", "Rows loaded from the file"),
            Column("loaded_at", "TIMESTAMP", "When the content was first loaded"),
        ),
    ),
    Table(
        "deliveries",
        "One row per pull of a content, and per file by hand that brought it: a content that is pulled again, or comes "
        "back at its path, is again the newest snapshot. Other copies by hand add nothing.",
        (
            Column("file_id", "INTEGER", "Content that was delivered (raw.files)"),
            Column("path", "VARCHAR", "Path below landing/"),
            Column("fetched_at", "TIMESTAMP", "When it was fetched: from the sidecar, else the file's mtime"),
            Column(
                "range_start",
                "TIMESTAMP",
                "Start of the range that this snapshot covers: from the sidecar, else from the content, "
                "else the date in the file name",
            ),
            Column("range_end", "TIMESTAMP", "End (exclusive) of the covered range; null when it covers none"),
            Column("has_sidecar", "BOOLEAN", "Whether a sidecar said so; false for a file dropped by hand"),
            Column("client_version", "VARCHAR", "Version of the modal client that fetched it"),
        ),
    ),
    Table(
        "rejected_files",
        "Files in landing/ that were refused, each with what is wrong and what to do. Tried again on every run.",
        (
            Column("path", "VARCHAR", "Path below landing/"),
            Column("source", "VARCHAR", "Modal export: the folder below landing/"),
            Column("sha256", "VARCHAR", "Hash of the file as landed; null when it could not be read"),
            Column("reason", "VARCHAR", "What is wrong, with row, field and value"),
            Column("detail", "VARCHAR", "More about it, for the person who repairs the file"),
            Column("fix", "VARCHAR", "What to do next"),
            Column("seen_at", "TIMESTAMP", "When the file was last refused"),
        ),
    ),
    Table(
        "scanned_paths",
        "Files in landing/ that are loaded as they stand, so that unchanged files are not read again.",
        (
            Column("path", "VARCHAR", "Path below landing/"),
            Column("bytes", "BIGINT", "Size of the file"),
            Column("mtime_ns", "BIGINT", "Modification time of the file, nanoseconds since 1970"),
            Column("sidecar_bytes", "BIGINT", "Size of its sidecar, if any"),
            Column("sidecar_mtime_ns", "BIGINT", "Modification time of its sidecar, if any"),
        ),
    ),
)
# Two sources may fill the same table.
TABLES = (*LEDGER_TABLES, *dict.fromkeys(table for source in SOURCES.values() for table in source.tables))


_ARROW_TYPES = {
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "INTEGER": pa.int32(),
    "TIMESTAMP": pa.timestamp("us"),
    "VARCHAR": pa.string(),
}


def create_raw_schema(con: duckdb.DuckDBPyConnection) -> None:
    """Create the `raw` schema with its tables and comments where they are missing. Safe to call at any time."""
    stored = _stored_comments(con)
    if stored == _expected_comments():
        return
    there = {(table, column) for table, column, _ in stored}
    with transaction(con):
        con.execute(";\n".join(["create schema if not exists raw", *(_definition(table, there) for table in TABLES)]))


def _definition(table: Table, there: Collection[tuple[str, str]]) -> str:
    # Identifiers and comments are the constants above; DDL takes no parameters.
    columns = ", ".join(
        f'"{column.name}" {column.type}{f" using compression {column.compression}" if column.compression else ""}'
        for column in table.columns
    )
    # A table of an earlier version gets the columns that have been added since.
    added = [column for column in table.columns if (table.name, column.name) not in there]
    statements = [
        f'create table if not exists raw."{table.name}" ({columns})',
        *(
            f'alter table raw."{table.name}" add column "{column.name}" {column.type}'
            for column in added
            if (table.name, "") in there
        ),
        f'comment on table raw."{table.name}" is {literal(table.comment)}',
    ]
    statements += [
        f'comment on column raw."{table.name}"."{column.name}" is {literal(column.comment)}' for column in table.columns
    ]
    return ";\n".join(statements)


def append(con: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    """Append rows to a raw table, matching columns by name; columns that are not there become null."""
    if name not in {table.name for table in TABLES}:
        raise ValueError(f"there is no table raw.{name}")
    con.register("rows_to_append", rows)
    con.execute(f'insert into raw."{name}" by name select * from rows_to_append')  # noqa: S608 - name checked above
    con.unregister("rows_to_append")


def append_tuples(con: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Sequence[object]]) -> None:
    """Append rows given as tuples in the order of a raw table's columns, all in one statement."""
    if not rows:
        return
    columns = next(table.columns for table in TABLES if table.name == name)
    arrays = {
        column.name: pa.array([row[position] for row in rows], _ARROW_TYPES[column.type])
        for position, column in enumerate(columns)
    }
    append(con, name, pa.table(arrays))


def _expected_comments() -> set[tuple[str, str, str]]:
    tables = {(table.name, "", table.comment) for table in TABLES}
    return tables | {(table.name, column.name, column.comment) for table in TABLES for column in table.columns}


def _stored_comments(con: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str]]:
    rows = con.execute(
        """
        select table_name, '', comment from duckdb_tables()
        where database_name = current_database() and schema_name = 'raw'
        union all
        select table_name, column_name, comment from duckdb_columns()
        where database_name = current_database() and schema_name = 'raw'
        """
    ).fetchall()
    return {(str(table), str(column), str(comment)) for table, column, comment in rows}
