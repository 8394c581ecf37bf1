"""`modal function info APP/FUNC --json`: what is deployed for a function."""

import pyarrow as pa

from tieout.sources.fields import ParsedFile, Record, load_record
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.requested_resources import RESOURCES, Field, one_row, regions, resource_fields, within
from tieout.sources.tables import FILE_ID, Column, Table

TABLE = Table(
    "function_info",
    "One row per snapshot of a function's deployed configuration; app and function are in raw.files.",
    (
        FILE_ID,
        Column("name", "VARCHAR", "Function name as deployed"),
        Column("object_id", "VARCHAR", "Modal's id of the function"),
        Column("app_id", "VARCHAR", "Modal's id of the app"),
        *RESOURCES,
        Column("timeout_seconds", "INTEGER", "Longest execution of one input"),
        Column("startup_timeout_seconds", "INTEGER", "Longest start-up of a container; 0 or null for the timeout"),
        Column("scaledown_window_seconds", "INTEGER", "Longest idle time before a container stops"),
        Column("min_containers", "INTEGER", "Containers kept running without calls"),
        Column("max_containers", "INTEGER", "Most containers at once"),
        Column("buffer_containers", "INTEGER", "Containers kept waiting beside those at work"),
        Column("single_use_containers", "BOOLEAN", "Whether a container ends with its first input"),
        Column("cluster_size", "INTEGER", "Containers that serve one input together; null for one"),
        Column("max_concurrent_inputs", "INTEGER", "Inputs that share a container; null for one at a time"),
        Column("regions", "VARCHAR[]", "Regions that it is bound to; null for any"),
        Column("nonpreemptible", "BOOLEAN", "Whether it is billed as nonpreemptible"),
    ),
)


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one snapshot of a function's configuration into a single row.

    Raises:
        RejectionError: a field that cannot be read.
    """
    info = load_record(text)
    fields: list[Field] = [
        ("name", pa.string(), info.text("name")),
        ("object_id", pa.string(), info.text("object_id")),
        ("app_id", pa.string(), info.text("app_id")),
        *resource_fields(info),
        ("timeout_seconds", pa.int32(), info.integer("timeout")),
        ("startup_timeout_seconds", pa.int32(), info.optional_integer("startup_timeout")),
        ("scaledown_window_seconds", pa.int32(), info.optional_integer("scaledown_window")),
        ("min_containers", pa.int32(), info.optional_integer("min_containers")),
        ("max_containers", pa.int32(), info.optional_integer("max_containers")),
        ("buffer_containers", pa.int32(), info.optional_integer("buffer_containers")),
        ("single_use_containers", pa.bool_(), _single_use(info)),
        ("cluster_size", pa.int32(), within(info, "cluster_info", "size")),
        ("max_concurrent_inputs", pa.int32(), within(info, "concurrency_info", "max_inputs")),
        ("regions", pa.list_(pa.string()), regions(info, "regions")),
        ("nonpreemptible", pa.bool_(), info.flag("nonpreemptible")),
    ]
    return ParsedFile(one_row(fields))


def _single_use(info: Record) -> bool | None:
    return None if info.fields.get("single_use_containers") is None else info.flag("single_use_containers")
