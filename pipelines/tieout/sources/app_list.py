"""`modal app list --json`: the apps of an environment, with their state at that moment."""

import pyarrow as pa

from tieout.sources.dialects import APP_LIST
from tieout.sources.fields import UTC_MICROSECONDS, ParsedFile, Record, load_records, row_numbers
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.tables import FILE_ID, ROW_NUMBER, Column, Table

TABLE = Table(
    "app_list",
    "One row per app as a snapshot saw it.",
    (
        FILE_ID,
        ROW_NUMBER,
        Column("app_id", "VARCHAR", "Modal's id of the app"),
        Column("description", "VARCHAR", "Name of the app"),
        Column("state", "VARCHAR", "deployed, stopped, ephemeral and so on"),
        Column("tasks", "INTEGER", "Containers running at that moment"),
        Column("created_at", "TIMESTAMP", "When the app was created"),
        Column("stopped_at", "TIMESTAMP", "When it was stopped; null when it has not been"),
    ),
)


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one snapshot of the apps.

    The CLI prints `tasks` as a text and times with the offset of the machine that asked.

    Raises:
        RejectionError: a row that cannot be read.
    """
    records = load_records(text, APP_LIST)
    rows = pa.table(
        {
            "row_number": row_numbers(len(records)),
            "app_id": pa.array([record.text("app_id") for record in records], pa.string()),
            "description": pa.array([record.text("description") for record in records], pa.string()),
            "state": pa.array([record.text("state") for record in records], pa.string()),
            "tasks": pa.array([_tasks(record) for record in records], pa.int32()),
            "created_at": pa.array([record.optional_time("created_at") for record in records], UTC_MICROSECONDS),
            "stopped_at": pa.array([record.optional_time("stopped_at") for record in records], UTC_MICROSECONDS),
        }
    )
    return ParsedFile(rows)


def _tasks(record: Record) -> int:
    text = record.text("tasks")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        record.refuse("tasks", f"is {text[:60]!r}, not a whole number")
    return int(text)
