"""`modal app stats APP --since … --until … --json`: Modal's own counts of what all of an app did, by day.

One file has what `modal function stats` and `modal server stats` print for every function and server, without the
containers that came up, and how many sandboxes there were.
"""

import pyarrow as pa

from tieout.sources.counted_window import window_within_a_day
from tieout.sources.fields import UTC_MICROSECONDS, ParsedFile, Record, as_record, load_record, row_numbers
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.tables import FILE_ID, ROW_NUMBER, Column, Table

TABLE = Table(
    "app_stats",
    "One row per function, server and all sandboxes of an app in a window that Modal counted; the app is in raw.files.",
    (
        FILE_ID,
        ROW_NUMBER,
        Column("app_id", "VARCHAR", "Modal's id of the app"),
        Column("since", "TIMESTAMP", "Start of the window, UTC"),
        Column("until", "TIMESTAMP", "End of the window, exclusive, UTC; on the same day"),
        Column("kind", "VARCHAR", "function, server or sandboxes"),
        Column("name", "VARCHAR", "Name of the function or server; null for the sandboxes"),
        Column("total_count", "INTEGER", "Calls that ended, requests, or sandboxes that lived in the window"),
        Column("succeeded_count", "INTEGER", "Calls or requests that succeeded; null for the sandboxes"),
        Column("failed_count", "INTEGER", "Calls or requests that failed; null for the sandboxes"),
        Column("container_total_count", "INTEGER", "Containers that were active; null for the sandboxes"),
        Column("container_error_count", "INTEGER", "Containers that failed; null for the sandboxes"),
    ),
)
_Counts = tuple[str, str | None, int, int | None, int | None, int | None, int | None]
_NAMES = tuple(column.name for column in TABLE.columns[5:])


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read the counts of one window: functions, servers, and one row for the sandboxes.

    Raises:
        RejectionError: a field that cannot be read, or a window that is not within one UTC day.
    """
    stats = load_record(text)
    since, until = window_within_a_day(stats)
    app_id = stats.text("app_id")
    sandboxes = as_record("sandboxes", stats.value("sandboxes")).integer("total")
    counts: list[_Counts] = [
        *_counts(stats, "function", "calls", "succeeded"),
        *_counts(stats, "server", "requests", "ok"),
        ("sandboxes", None, sandboxes, None, None, None, None),
    ]
    kinds = dict.fromkeys(_NAMES, pa.int32()) | {"kind": pa.string(), "name": pa.string()}
    columns = {name: pa.array([row[position] for row in counts], kinds[name]) for position, name in enumerate(_NAMES)}
    rows = pa.table(
        {
            "row_number": row_numbers(len(counts)),
            "app_id": pa.array([app_id] * len(counts), pa.string()),
            "since": pa.array([since] * len(counts), UTC_MICROSECONDS),
            "until": pa.array([until] * len(counts), UTC_MICROSECONDS),
            **columns,
        }
    )
    return ParsedFile(rows, content_start=since, content_end=until)


def _counts(stats: Record, kind: str, counted: str, good: str) -> list[_Counts]:
    group = as_record(f"{kind}s", stats.value(f"{kind}s"))
    by_name = as_record(f"{kind}s: by_name", group.value("by_name"))
    found: list[_Counts] = []
    for name in by_name.names():
        counts = as_record(f"{kind} {name}: counts", as_record(f"{kind} {name}", by_name.value(name)).value("counts"))
        work = as_record(f"{kind} {name}: {counted}", counts.value(counted))
        containers = as_record(f"{kind} {name}: containers", counts.value("containers"))
        found.append(
            (
                *(kind, name),
                *(work.integer("total"), work.integer(good), work.integer("failed")),
                *(containers.integer("total"), containers.integer("errors")),
            )
        )
    return found
