"""`modal function info APP/FUNC --json`: what is deployed for a function.

`cpu` and `memory_mib` are null (Modal's default), a number, or [request, limit]: the request is kept, because billing
starts there. `gpus` lists [type, count]; several are fallbacks in order of preference, and the first is kept: which one
a container really got, the bill says.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

import pyarrow as pa

from tieout.sources.fields import ParsedFile, Record, as_record, load_record
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.tables import FILE_ID, Column, Table

TABLE = Table(
    "function_info",
    "One row per snapshot of a function's deployed configuration; app and function are in raw.files.",
    (
        FILE_ID,
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
)

_LARGEST = 2**31


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one snapshot of a function's configuration into a single row.

    Raises:
        RejectionError: a field that cannot be read.
    """
    info = load_record(text)
    gpu_type, gpu_count = _gpu(info)
    fields: list[tuple[str, pa.DataType, object]] = [
        ("name", pa.string(), info.text("name")),
        ("object_id", pa.string(), info.text("object_id")),
        ("app_id", pa.string(), info.text("app_id")),
        ("gpu_type", pa.string(), gpu_type),
        ("gpu_count", pa.int32(), gpu_count),
        ("cpu_request_millicores", pa.int32(), _request(info, "cpu", scale=1000)),
        ("memory_request_mib", pa.int32(), _request(info, "memory_mib", scale=1)),
        ("timeout_seconds", pa.int32(), info.integer("timeout")),
        ("scaledown_window_seconds", pa.int32(), info.optional_integer("scaledown_window")),
        ("min_containers", pa.int32(), info.optional_integer("min_containers")),
        ("max_containers", pa.int32(), info.optional_integer("max_containers")),
        ("max_concurrent_inputs", pa.int32(), _concurrency(info)),
        ("regions", pa.list_(pa.string()), _regions(info)),
        ("nonpreemptible", pa.bool_(), info.flag("nonpreemptible")),
    ]
    return ParsedFile(pa.table({name: pa.array([value], kind) for name, kind, value in fields}))


def _gpu(info: Record) -> tuple[str | None, int]:
    gpus = info.value("gpus")
    if gpus is None or gpus == []:
        return None, 0
    preferred = gpus[0] if isinstance(gpus, list) else None
    if not isinstance(preferred, list) or len(preferred) != 2:
        info.refuse("gpus", "is not a list of [type, count]")
    gpu = Record("gpus", {"type": preferred[0], "count": preferred[1]})
    return gpu.text("type"), gpu.integer("count")


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


def _concurrency(info: Record) -> int | None:
    if info.fields.get("concurrency_info") is None:
        return None
    return as_record("concurrency_info", info.fields["concurrency_info"]).optional_integer("max_inputs")


def _regions(info: Record) -> list[str] | None:
    regions = info.fields.get("regions")
    if regions is None:
        return None
    if not isinstance(regions, list):
        info.refuse("regions", "is not a list of names")
    return [
        Record(f"regions, item {number}", {"name": region}).text("name") for number, region in enumerate(regions, 1)
    ]
