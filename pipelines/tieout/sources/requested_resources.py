"""What a function or a server is deployed with: the settings that `modal function info` and `server info` print alike.

`cpu` and `memory_mib` are null (Modal's default), a number, or [request, limit]: the request is kept, because billing
starts there. `gpus` lists [type, count]; several are choices in order of preference. A client that does not print a
setting yet leaves it null.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

import pyarrow as pa

from tieout.sources.fields import Record, as_record
from tieout.sources.tables import Column

_GPUS = "STRUCT(gpu_type VARCHAR, gpu_count INTEGER)[]"
IDENTITY = (
    Column("object_id", "VARCHAR", "Modal's id of it"),
    Column("app_id", "VARCHAR", "Modal's id of the app"),
)
RESOURCES = (
    Column("gpu_type", "VARCHAR", "GPU type; the first of several choices; null for none"),
    Column("gpu_count", "INTEGER", "GPUs per container; 0 for none"),
    Column("gpus", _GPUS, "All choices in order of preference; a container gets one of them"),
    Column("cpu_request_millicores", "INTEGER", "CPU request in thousandths of a core; null for the default"),
    Column("memory_request_mib", "INTEGER", "Memory request in MiB; null for the default"),
    Column("ephemeral_disk_mib", "INTEGER", "Disk request in MiB; null for the default"),
)

_LARGEST = 2**31
_GPU = pa.struct([("gpu_type", pa.string()), ("gpu_count", pa.int32())])
Field = tuple[str, pa.DataType, object]


def resource_fields(info: Record) -> list[Field]:
    """Read what is asked for: the columns `RESOURCES`, each with its type and value.

    Raises:
        RejectionError: a field that cannot be read.
    """
    gpus = _gpus(info)
    gpu_type, gpu_count = gpus[0] if gpus else (None, 0)
    return [
        ("gpu_type", pa.string(), gpu_type),
        ("gpu_count", pa.int32(), gpu_count),
        ("gpus", pa.list_(_GPU), [{"gpu_type": kind, "gpu_count": number} for kind, number in gpus]),
        ("cpu_request_millicores", pa.int32(), request(info, "cpu", scale=1000)),
        ("memory_request_mib", pa.int32(), request(info, "memory_mib", scale=1)),
        ("ephemeral_disk_mib", pa.int32(), info.optional_integer("ephemeral_disk_mib")),
    ]


def one_row(fields: Sequence[Field]) -> pa.Table:
    """Return a table of a single row."""
    return pa.table({name: pa.array([value], kind) for name, kind, value in fields})


def _gpus(info: Record) -> list[tuple[str, int]]:
    gpus = info.value("gpus")
    if gpus is None:
        return []
    if not isinstance(gpus, list) or not all(isinstance(choice, list) and len(choice) == 2 for choice in gpus):
        info.refuse("gpus", "is not a list of [type, count]")
    choices = [Record("gpus", {"type": kind, "count": number}) for kind, number in gpus]
    return [(choice.text("type"), choice.integer("count")) for choice in choices]


def request(info: Record, name: str, *, scale: int) -> int | None:
    """Read what is requested, in thousandths or as it is; null for the default.

    Raises:
        RejectionError: something that is neither null, nor a number, nor [request, limit].
    """
    value = info.value(name)
    if value is None:
        return None
    asked = value[0] if isinstance(value, Sequence) and len(value) == 2 else value
    if isinstance(asked, bool) or not isinstance(asked, int | float):
        info.refuse(name, "is not null, a number or [request, limit]")
    try:
        scaled = (Decimal(str(asked)) * scale).quantize(Decimal(1), ROUND_HALF_EVEN)
    except InvalidOperation:
        scaled = Decimal(-1)
    if not 0 <= scaled < _LARGEST:
        info.refuse(name, f"is {asked}, which no container has")
    return int(scaled)


def within(info: Record, name: str, setting: str) -> int | None:
    """Return a number out of a setting that is null or an object.

    Raises:
        RejectionError: something else.
    """
    if info.fields.get(name) is None:
        return None
    return as_record(name, info.fields[name]).optional_integer(setting)


def regions(info: Record, name: str) -> list[str] | None:
    """Return the regions that something is bound to; None for any.

    Raises:
        RejectionError: something that is neither null nor a list of names.
    """
    listed = info.fields.get(name)
    if listed is None:
        return None
    if not isinstance(listed, list):
        info.refuse(name, "is not a list of names")
    return [Record(f"{name}, item {number}", {"name": region}).text("name") for number, region in enumerate(listed, 1)]
