"""The raw tables: rows as Modal wrote them, each with the file that it came from.

All times are naive UTC in microseconds; all money is DECIMAL(38, 12) US dollars.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from tieout.core.sql import literal, transaction


@dataclass(frozen=True)
class Column:
    """One column: its name, its DuckDB type and what it means."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Table:
    """One raw table: its name, what one row is, and its columns in order."""

    name: str
    comment: str
    columns: tuple[Column, ...]


_FILE_ID = Column("file_id", "INTEGER", "File that the row came from (raw.files)")
_ROW_NUMBER = Column("row_number", "BIGINT", "Position of the row in its file, from 1")

TABLES: tuple[Table, ...] = (
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
            Column("month", "DATE", "First day of the UTC month that a billing summary is about"),
            Column("report_kind", "VARCHAR", "Billing report: plain or resources"),
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
    Table(
        "billing_report",
        "One row per line of a billing report: object × interval, by resource where the report shows them.",
        (
            _FILE_ID,
            _ROW_NUMBER,
            Column("object_id", "VARCHAR", "What was billed: ap- app, vo- volume, sb- sandbox and others"),
            Column("description", "VARCHAR", "Name of the object"),
            Column("environment", "VARCHAR", "Modal environment of the object"),
            Column("interval_start", "TIMESTAMP", "Start of the billed hour or day, UTC"),
            Column("resource", "VARCHAR", "Resource label as Modal writes it; null in a plain report"),
            Column("cost_usd", "DECIMAL(38, 12)", "Cost before credits, exactly as printed"),
            Column("tags", "VARCHAR", "Tags as JSON text; null when the report has none"),
        ),
    ),
    Table(
        "billing_summary",
        "One row per amount in a month's billing summary.",
        (
            _FILE_ID,
            _ROW_NUMBER,
            Column("month", "DATE", "First day of the UTC month"),
            Column("kind", "VARCHAR", "metered, billed, adjustment or breakdown"),
            Column("name", "VARCHAR", "Name of the amount as Modal writes it"),
            Column("amount_usd", "DECIMAL(38, 12)", "The amount, exactly as printed"),
        ),
    ),
    Table(
        "invoices",
        "One row per invoice, as somebody landed it.",
        (
            _FILE_ID,
            _ROW_NUMBER,
            Column("month", "DATE", "First day of the UTC month"),
            Column("number", "VARCHAR", "Number of the invoice"),
            Column("total", "DECIMAL(38, 12)", "What it comes to before tax, in its currency, exactly as written"),
            Column("currency", "VARCHAR", "Code of three letters; USD when the file does not say"),
            Column("issued_on", "DATE", "Date of the invoice; null when the file does not say"),
        ),
    ),
    Table(
        "billing_rates",
        "One row per list price in a snapshot of Modal's rates.",
        (
            _FILE_ID,
            _ROW_NUMBER,
            Column("rate_name", "VARCHAR", "Name of the rate as Modal writes it"),
            Column("usd_per_hour", "DECIMAL(38, 12)", "Price per hour (volumes: per GiB and month)"),
        ),
    ),
    Table(
        "containers",
        "Dictionary of container ids, so that calls carry a small number instead of a long text.",
        (
            Column("container_key", "INTEGER", "Number of the container in this warehouse, from 1"),
            Column("container_id", "VARCHAR", "Modal's id"),
            Column("created_at", "TIMESTAMP", "Creation time inside the id; null for ids that carry none"),
        ),
    ),
    Table(
        "function_calls",
        "One row per input of a function as a pull saw it; app and function are in raw.files.",
        (
            _FILE_ID,
            _ROW_NUMBER,
            Column("function_call_id", "VARCHAR", "Modal's id; the same one may run on several containers"),
            Column("service_method_name", "VARCHAR", "Method of a class, if any"),
            Column("enqueued_at", "TIMESTAMP", "When the input was enqueued"),
            Column("started_at", "TIMESTAMP", "When it started; null when it has not"),
            Column("container_key", "INTEGER", "Container that ran it (raw.containers); null when none did"),
            Column("startup_us", "BIGINT", "Cold start in microseconds, on a container's first input only"),
            Column("execution_us", "BIGINT", "Execution time in microseconds; null when not finished"),
            Column("status", "VARCHAR", "Status as Modal writes it"),
        ),
    ),
    Table(
        "function_info",
        "One row per snapshot of a function's deployed configuration; app and function are in raw.files.",
        (
            _FILE_ID,
            Column("name", "VARCHAR", "Function name as deployed"),
            Column("object_id", "VARCHAR", "Modal's id of the function"),
            Column("app_id", "VARCHAR", "Modal's id of the app"),
            Column("gpu_type", "VARCHAR", "GPU type; the first of several fallbacks; null for none"),
            Column("gpu_count", "INTEGER", "GPUs per container; 0 for none"),
            Column("cpu_request_millicores", "INTEGER", "CPU request in thousandths of a core; null for the default"),
            Column("memory_request_mib", "INTEGER", "Memory request in MiB; null for the default"),
            Column("timeout_seconds", "INTEGER", "Longest execution of one input"),
            Column("scaledown_window_seconds", "INTEGER", "Longest idle time before a container stops"),
            Column("min_containers", "INTEGER", "Containers kept running without calls"),
            Column("max_containers", "INTEGER", "Most containers at once"),
            Column("max_concurrent_inputs", "INTEGER", "Inputs that share a container; null for one at a time"),
            Column("regions", "VARCHAR[]", "Regions that it is bound to; null for any"),
            Column("nonpreemptible", "BOOLEAN", "Whether it is billed as nonpreemptible"),
        ),
    ),
    Table(
        "app_history",
        "One row per deployment of an app as a snapshot saw it; the app is in raw.files.",
        (
            _FILE_ID,
            _ROW_NUMBER,
            Column("version", "VARCHAR", "Deployment version, like v3"),
            Column("deployed_at", "TIMESTAMP", "When it was deployed"),
            Column("client_version", "VARCHAR", "Version of the modal client that deployed it"),
            Column("deployed_by", "VARCHAR", "Who deployed it"),
            Column("commit_hash", "VARCHAR", "Short commit; * marks uncommitted changes"),
            Column("tag", "VARCHAR", "Deployment tag, if any"),
        ),
    ),
    Table(
        "app_list",
        "One row per app as a snapshot saw it.",
        (
            _FILE_ID,
            _ROW_NUMBER,
            Column("app_id", "VARCHAR", "Modal's id of the app"),
            Column("description", "VARCHAR", "Name of the app"),
            Column("state", "VARCHAR", "deployed, stopped, ephemeral and so on"),
            Column("tasks", "INTEGER", "Containers running at that moment"),
            Column("created_at", "TIMESTAMP", "When the app was created"),
            Column("stopped_at", "TIMESTAMP", "When it was stopped; null when it has not been"),
        ),
    ),
)


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
    if _stored_comments(con) == _expected_comments():
        return
    with transaction(con):
        con.execute(";\n".join(["create schema if not exists raw", *map(_definition, TABLES)]))


def _definition(table: Table) -> str:
    # Identifiers and comments are the constants above; DDL takes no parameters.
    columns = ", ".join(f'"{column.name}" {column.type}' for column in table.columns)
    statements = [
        f'create table if not exists raw."{table.name}" ({columns})',
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
