"""`modal function stats APP/FUNC --since … --until … --all-variants --json`: Modal's own counts of a function's inputs.

A control total for the call log, of one window. Modal says that the counts may be delayed or incomplete; the
percentiles beside them are not kept.
"""

import pyarrow as pa

from tieout.sources.counted_window import window_within_a_day
from tieout.sources.fields import UTC_MICROSECONDS, ParsedFile, load_record
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.requested_resources import Field, one_row
from tieout.sources.tables import FILE_ID, Column, Table

TABLE = Table(
    "function_stats",
    "One row per window that Modal counted a function's inputs in; app and function are in raw.files.",
    (
        FILE_ID,
        Column("object_id", "VARCHAR", "Modal's id of the function"),
        Column("variant_count", "INTEGER", "Variants of the function whose inputs are counted with its own"),
        Column("since", "TIMESTAMP", "Start of the window, UTC"),
        Column("until", "TIMESTAMP", "End of the window, exclusive, UTC; on the same day"),
        Column("input_success_count", "INTEGER", "Inputs that succeeded in the window"),
        Column("input_failure_count", "INTEGER", "Inputs that failed in it"),
        Column("input_timeout_count", "INTEGER", "Inputs that ran out of time in it"),
        Column("input_running_at_end_count", "INTEGER", "Inputs that were running when it ended"),
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
        RejectionError: a field that cannot be read, a window that is not within one UTC day, or counts without the
            variants, which the call log has.
    """
    stats = load_record(text)
    since, until = window_within_a_day(stats)
    if not stats.flag("all_variants"):
        stats.refuse("all_variants", "is false, but a call log has all variants", fix="Export it with --all-variants.")
    fields: list[Field] = [
        ("object_id", pa.string(), stats.text("object_id")),
        ("since", UTC_MICROSECONDS, since),
        ("until", UTC_MICROSECONDS, until),
        *((name, pa.int32(), stats.integer(name)) for name in _COUNTS),
    ]
    return ParsedFile(one_row(fields), content_start=since, content_end=until)
