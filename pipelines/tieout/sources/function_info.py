"""`modal function info APP/FUNC --json`: what is deployed for a function.

`cpu` and `memory_mib` are null (Modal's default), a number, or [request, limit]: the request is kept, because billing
starts there. `gpus` lists [type, count]; several are choices in order of preference: which one a container really got,
the bill says. A client that does not print a setting yet leaves it null.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

import pyarrow as pa

from tieout.sources.fields import ParsedFile, Record, as_record, load_record
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.tables import FILE_ID, Column, Table

_GPUS = "STRUCT(gpu_type VARCHAR, gpu_count INTEGER)[]"

TABLE = Table(
    "function_info",
    "One row per snapshot of a function's deployed configuration; app and function are in raw.files.",
    (
        FILE_ID,
        Column("name", "VARCHAR", "Function name as deployed"),
        Column("object_id", "VARCHAR", "Modal's id of the function"),
        Column("app_id", "VARCHAR", "Modal's id of the app"),
        Column("gpu_type", "VARCHAR", "GPU type; the first of several choices; null for none"),
        Column("gpu_count", "INTEGER", "GPUs per container; 0 for none"),
        Column("gpus", _GPUS, "All choices in order of preference; a container gets one of them"),
        Column("cpu_request_millicores", "INTEGER", "CPU request in thousandths of a core; null for the default"),
        Column("memory_request_mib", "INTEGER", "Memory request in MiB; null for the default"),
        Column("ephemeral_disk_mib", "INTEGER", "Disk request in MiB; null for the default"),
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

_LARGEST = 2**31
_GPU = pa.struct([("gpu_type", pa.string()), ("gpu_count", pa.int32())])


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one snapshot of a function's configuration into a single row.

    Raises:
        RejectionError: a field that cannot be read.
    """
    info = load_record(text)
    gpus = _gpus(info)
    gpu_type, gpu_count = gpus[0] if gpus else (None, 0)
    fields: list[tuple[str, pa.DataType, object]] = [
        ("name", pa.string(), info.text("name")),
        ("object_id", pa.string(), info.text("object_id")),
        ("app_id", pa.string(), info.text("app_id")),
        ("gpu_type", pa.string(), gpu_type),
        ("gpu_count", pa.int32(), gpu_count),
        ("gpus", pa.list_(_GPU), [{"gpu_type": kind, "gpu_count": number} for kind, number in gpus]),
        ("cpu_request_millicores", pa.int32(), _request(info, "cpu", scale=1000)),
        ("memory_request_mib", pa.int32(), _request(info, "memory_mib", scale=1)),
        ("ephemeral_disk_mib", pa.int32(), info.optional_integer("ephemeral_disk_mib")),
        ("timeout_seconds", pa.int32(), info.integer("timeout")),
        ("startup_timeout_seconds", pa.int32(), info.optional_integer("startup_timeout")),
        ("scaledown_window_seconds", pa.int32(), info.optional_integer("scaledown_window")),
        ("min_containers", pa.int32(), info.optional_integer("min_containers")),
        ("max_containers", pa.int32(), info.optional_integer("max_containers")),
        ("buffer_containers", pa.int32(), info.optional_integer("buffer_containers")),
        ("single_use_containers", pa.bool_(), _single_use(info)),
        ("cluster_size", pa.int32(), _within(info, "cluster_info", "size")),
        ("max_concurrent_inputs", pa.int32(), _within(info, "concurrency_info", "max_inputs")),
        ("regions", pa.list_(pa.string()), _regions(info)),
        ("nonpreemptible", pa.bool_(), info.flag("nonpreemptible")),
    ]
    return ParsedFile(pa.table({name: pa.array([value], kind) for name, kind, value in fields}))


def _gpus(info: Record) -> list[tuple[str, int]]:
    gpus = info.value("gpus")
    if gpus is None:
        return []
    if not isinstance(gpus, list) or not all(isinstance(choice, list) and len(choice) == 2 for choice in gpus):
        info.refuse("gpus", "is not a list of [type, count]")
    choices = [Record("gpus", {"type": kind, "count": number}) for kind, number in gpus]
    return [(choice.text("type"), choice.integer("count")) for choice in choices]


def _request(info: Record, name: str, *, scale: int) -> int | None:
    value = info.value(name)
    if value is None:
        return None
    request = value[0] if isinstance(value, Sequence) and len(value) == 2 else value
    if isinstance(request, bool) or not isinstance(request, int | float):
        info.refuse(name, "is not null, a number or [request, limit]")
    try:
        scaled = (Decimal(str(request)) * scale).quantize(Decimal(1), ROUND_HALF_EVEN)
    except InvalidOperation:
        scaled = Decimal(-1)
    if not 0 <= scaled < _LARGEST:
        info.refuse(name, f"is {request}, which no container has")
    return int(scaled)


def _single_use(info: Record) -> bool | None:
    return None if info.fields.get("single_use_containers") is None else info.flag("single_use_containers")


def _within(info: Record, name: str, setting: str) -> int | None:
    """Return a number out of a setting that is null or an object."""
    if info.fields.get(name) is None:
        return None
    return as_record(name, info.fields[name]).optional_integer(setting)


def _regions(info: Record) -> list[str] | None:
    regions = info.fields.get("regions")
    if regions is None:
        return None
    if not isinstance(regions, list):
        info.refuse("regions", "is not a list of names")
    return [
        Record(f"regions, item {number}", {"name": region}).text("name") for number, region in enumerate(regions, 1)
    ]
