"""`modal function variants APP/FUNC --limit 0 --json`: the variants of a function, with what each asks for otherwise.

Variants are the instances of a parameterized class, and what `.with_options()` makes. A setting that a variant does not
change is not printed, so it is null here: the function's own holds.
"""

import json

import pyarrow as pa

from tieout.sources.fields import ParsedFile, Record, as_record, load_json, not_a_list, row_numbers
from tieout.sources.landing import LandingFile, Sidecar
from tieout.sources.requested_resources import request
from tieout.sources.tables import FILE_ID, ROW_NUMBER, Column, Table

TABLE = Table(
    "function_variants",
    "One row per variant of a function as a snapshot saw it; app and function are in raw.files.",
    (
        FILE_ID,
        ROW_NUMBER,
        Column("variant_id", "VARCHAR", "Modal's id of the variant"),
        Column("parameters", "VARCHAR", "Parameters of the class, as JSON; null where it has none"),
        Column("gpu_type", "VARCHAR", "GPU type that it asks for; null for that of the function"),
        Column("gpu_count", "INTEGER", "GPUs per container; null for those of the function"),
        Column("cpu_request_millicores", "INTEGER", "CPU request in thousandths of a core; null for the function's"),
        Column("memory_request_mib", "INTEGER", "Memory request in MiB; null for the function's"),
        Column("max_containers", "INTEGER", "Most containers at once; null for the function's"),
        Column("buffer_containers", "INTEGER", "Containers kept waiting; null for the function's"),
        Column("scaledown_window_seconds", "INTEGER", "Longest idle time; null for the function's"),
        Column("timeout_seconds", "INTEGER", "Longest execution of one input; null for the function's"),
        Column("max_concurrent_inputs", "INTEGER", "Inputs that share a container; null for the function's"),
    ),
)
# The name that the client prints, by column.
_NUMBERS = {
    "max_containers": "max_containers",
    "buffer_containers": "buffer_containers",
    "scaledown_window_seconds": "scaledown_window",
    "timeout_seconds": "timeout",
    "max_concurrent_inputs": "max_inputs",
}


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one snapshot of a function's variants.

    Raises:
        RejectionError: a row that cannot be read.
    """
    listed = load_json(text)
    if not isinstance(listed, list):
        raise not_a_list(listed)
    variants = [as_record(f"row {number}", row) for number, row in enumerate(listed, start=1)]
    options = [as_record(f"{variant.place}: options", variant.value("options")) for variant in variants]
    gpus = [_gpu(each) for each in options]
    requests = {"cpu_request_millicores": ("cpu", 1000), "memory_request_mib": ("memory", 1)}
    rows = pa.table(
        {
            "row_number": row_numbers(len(variants)),
            "variant_id": pa.array([variant.text("function_id") for variant in variants], pa.string()),
            "parameters": pa.array([_parameters(variant) for variant in variants], pa.string()),
            "gpu_type": pa.array([kind for kind, _ in gpus], pa.string()),
            "gpu_count": pa.array([count for _, count in gpus], pa.int32()),
            **{
                column: pa.array([_asked(each, name, scale) for each in options], pa.int32())
                for column, (name, scale) in requests.items()
            },
            **{
                column: pa.array([each.optional_integer(name) for each in options], pa.int32())
                for column, name in _NUMBERS.items()
            },
        }
    )
    return ParsedFile(rows)


def _parameters(variant: Record) -> str | None:
    parameters = variant.fields.get("parameters")
    return None if parameters is None else json.dumps(parameters, ensure_ascii=False, sort_keys=True)


def _asked(options: Record, name: str, scale: int) -> int | None:
    return request(options, name, scale=scale) if name in options.fields else None


def _gpu(options: Record) -> tuple[str | None, int | None]:
    """Read `H100` or `H100:2`."""
    text = options.optional_text("gpu")
    if text is None:
        return None, None
    kind, colon, count = text.partition(":")
    if not kind or (colon and not (count.isascii() and count.isdigit() and 0 < len(count) < 4)):
        options.refuse("gpu", f"is {text[:60]!r}, not a GPU like H100 or H100:2")
    return kind, int(count) if colon else 1
