"""`modal server stats APP/SERVER --since … --until … --json`: Modal's own counts of a server's requests, by day."""

import pyarrow as pa

from tieout.sources.counted_window import window_within_a_day
from tieout.sources.fields import UTC_MICROSECONDS, ParsedFile, load_record
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.requested_resources import Field, one_row
from tieout.sources.tables import FILE_ID, Column, Table

TABLE = Table(
    "server_stats",
    "One row per window that Modal counted a server's requests in; app and server are in raw.files.",
    (
        FILE_ID,
        Column("object_id", "VARCHAR", "Modal's id of the server"),
        Column("since", "TIMESTAMP", "Start of the window, UTC"),
        Column("until", "TIMESTAMP", "End of the window, exclusive, UTC; on the same day"),
        Column("request_count", "INTEGER", "Requests in the window"),
        Column("container_total_count", "INTEGER", "Containers that lived in the window"),
        Column("container_started_count", "INTEGER", "Containers that came up in it"),
        Column("container_error_count", "INTEGER", "Containers that failed in it"),
        Column("container_creating_at_end_count", "INTEGER", "Containers that were coming up when it ended"),
    ),
)
_COUNTS = tuple(column.name for column in TABLE.columns if column.name.endswith("_count"))


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read the counts of one window into a single row.

    Raises:
        RejectionError: a field that cannot be read, or a window that is not within one UTC day.
    """
    stats = load_record(text)
    since, until = window_within_a_day(stats)
    fields: list[Field] = [
        ("object_id", pa.string(), stats.text("object_id")),
        ("since", UTC_MICROSECONDS, since),
        ("until", UTC_MICROSECONDS, until),
        *((name, pa.int32(), stats.integer(name)) for name in _COUNTS),
    ]
    return ParsedFile(one_row(fields), content_start=since, content_end=until)
