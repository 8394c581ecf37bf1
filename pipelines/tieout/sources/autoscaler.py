"""`modal function autoscaler settings APP/FUNC --json`: what the autoscaler goes by now, also without a deployment."""

import pyarrow as pa

from tieout.sources.fields import ParsedFile, as_record, load_record
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.requested_resources import Field, one_row
from tieout.sources.tables import FILE_ID, Column, Table

_SETTINGS = {
    "min_containers": "min_containers",
    "max_containers": "max_containers",
    "buffer_containers": "buffer_containers",
    "scaledown_window_seconds": "scaledown_window",
}
TABLE = Table(
    "autoscaler",
    "One row per snapshot of a function's autoscaler settings; app and function are in raw.files.",
    (
        FILE_ID,
        Column("min_containers", "INTEGER", "Containers kept running without calls; null for the default"),
        Column("max_containers", "INTEGER", "Most containers at once; null for no limit"),
        Column("buffer_containers", "INTEGER", "Containers kept waiting beside those at work; null for none"),
        Column("scaledown_window_seconds", "INTEGER", "Longest idle time of a container; null for the default"),
        Column("overridden", "VARCHAR[]", "The settings that were changed without a deployment"),
    ),
)


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one snapshot into a single row.

    Raises:
        RejectionError: a field that cannot be read.
    """
    printed = load_record(text)
    settings = as_record("current_settings", printed.value("current_settings"))
    events = printed.value("override_events")
    if not isinstance(events, list):
        printed.refuse("override_events", "is not a list")
    overridden = [as_record(f"override {number}", each).text("setting") for number, each in enumerate(events, start=1)]
    fields: list[Field] = [
        *((column, pa.int32(), settings.optional_integer(name)) for column, name in _SETTINGS.items()),
        ("overridden", pa.list_(pa.string()), overridden),
    ]
    return ParsedFile(one_row(fields))
