"""`modal container list --json`: which containers run at this moment, those of servers and without a call included.

A list speaks for the time from the first of their starts to when it was read.
"""

import datetime as dt

import pyarrow as pa

from tieout.sources.dialects import CONTAINER_LIST
from tieout.sources.fields import UTC_MICROSECONDS, ParsedFile, Record, load_records, row_numbers
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.tables import FILE_ID, ROW_NUMBER, Column, Table

_PENDING = "Pending"
TABLE = Table(
    "container_list",
    "One row per container that ran when the list was made.",
    (
        FILE_ID,
        ROW_NUMBER,
        Column("container_id", "VARCHAR", "Modal's id of the container"),
        Column("app_id", "VARCHAR", "Modal's id of the app"),
        Column("app_name", "VARCHAR", "Name of the app"),
        Column("started_at", "TIMESTAMP", "When it started, UTC; null while it is pending"),
    ),
)


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one list; the CLI prints times with the offset of the machine that asked.

    Raises:
        RejectionError: a row that cannot be read.
    """
    records = load_records(text, CONTAINER_LIST)
    rows = pa.table(
        {
            "row_number": row_numbers(len(records)),
            "container_id": pa.array([record.text("container_id") for record in records], pa.string()),
            "app_id": pa.array([record.text("app_id") for record in records], pa.string()),
            "app_name": pa.array([record.text("app_name") for record in records], pa.string()),
            "started_at": pa.array([_started_at(record) for record in records], UTC_MICROSECONDS),
        }
    )
    starts = [start for start in rows["started_at"].to_pylist() if start is not None]
    read_at = file.mtime if sidecar is None else sidecar.fetched_at
    return ParsedFile(rows, content_start=min([*starts, read_at]), content_end=read_at + dt.timedelta(microseconds=1))


def _started_at(record: Record) -> dt.datetime | None:
    return None if record.value("start_time") == _PENDING else record.time("start_time")
