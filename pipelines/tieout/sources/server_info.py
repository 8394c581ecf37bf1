"""`modal server info APP/SERVER --json`: what is deployed for a server."""

import pyarrow as pa

from tieout.sources.fields import ParsedFile, load_record
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.requested_resources import RESOURCES, Field, one_row, regions, resource_fields, within
from tieout.sources.tables import FILE_ID, Column, Table

TABLE = Table(
    "server_info",
    "One row per snapshot of a server's deployed configuration; app and server are in raw.files.",
    (
        FILE_ID,
        Column("name", "VARCHAR", "Server name as deployed"),
        Column("object_id", "VARCHAR", "Modal's id of the server"),
        Column("app_id", "VARCHAR", "Modal's id of the app"),
        *RESOURCES,
        Column("startup_timeout_seconds", "INTEGER", "Longest start-up of a container"),
        Column("scaledown_window_seconds", "INTEGER", "Longest idle time before a container stops"),
        Column("min_containers", "INTEGER", "Containers kept running without requests"),
        Column("max_containers", "INTEGER", "Most containers at once"),
        Column("buffer_containers", "INTEGER", "Containers kept waiting beside those at work"),
        Column("cluster_size", "INTEGER", "Containers that answer together; null for one"),
        Column("regions", "VARCHAR[]", "Regions that it is bound to; null for any"),
        Column("nonpreemptible", "BOOLEAN", "Whether it is billed as nonpreemptible"),
    ),
)


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one snapshot of a server's configuration into a single row.

    Raises:
        RejectionError: a field that cannot be read.
    """
    info = load_record(text)
    fields: list[Field] = [
        ("name", pa.string(), info.text("name")),
        ("object_id", pa.string(), info.text("object_id")),
        ("app_id", pa.string(), info.text("app_id")),
        *resource_fields(info),
        ("startup_timeout_seconds", pa.int32(), info.optional_integer("startup_timeout")),
        ("scaledown_window_seconds", pa.int32(), info.optional_integer("scaledown_window")),
        ("min_containers", pa.int32(), info.optional_integer("min_containers")),
        ("max_containers", pa.int32(), info.optional_integer("max_containers")),
        ("buffer_containers", pa.int32(), info.optional_integer("buffer_containers")),
        ("cluster_size", pa.int32(), within(info, "cluster_info", "size")),
        ("regions", pa.list_(pa.string()), regions(info, "compute_regions")),
        ("nonpreemptible", pa.bool_(), info.flag("nonpreemptible")),
    ]
    return ParsedFile(one_row(fields))
