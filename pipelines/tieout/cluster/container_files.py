"""Landing what a cluster counted: a Parquet file with a sidecar for every log, written where it is new."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tieout.cluster.knowledge import Knowledge, KnownLog
from tieout.cluster.logs import HOURS
from tieout.core.files import write_whole
from tieout.sources import digests
from tieout.sources.landing import SIDECAR_SUFFIX

_FOLDER = "container_hours"
_SUFFIX = ".parquet"
_COMMAND = "tieout run"


@dataclass(frozen=True)
class Landed:
    """What landing came to, in files: those that were written, those that were so already, and refused logs of them."""

    written: int
    unchanged: int
    refused: int


def packed_hours(hours: pa.Table) -> pa.Table:
    """Turn the hours of one log into the columns of its file: HOURS in; its name and its rows as Arrow bytes out."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, hours.schema) as stream:
        stream.write_table(hours)
    return pa.table(
        {"name": hours["name"][:1].cast(pa.string()), "hours": pa.array([sink.getvalue().to_pybytes()], pa.binary())}
    )


PACKED = pa.schema([pa.field("name", pa.string()), pa.field("hours", pa.binary())])


def land(landing: Path, knowledge: Knowledge, packed: Iterable[tuple[str, bytes]], *, now: dt.datetime) -> Landed:
    """Write the file of every log.

    Args:
        landing: the landing folder.
        knowledge: all logs.
        packed: the name and the hours of each log that has any, as `packed_hours` gives them.
        now: when they were counted, naive UTC.
    """
    logs = {log.name: log for log in knowledge.logs}
    outcomes: list[bool] = []
    without = dict(logs)
    for name, hours in packed:
        log = without.pop(name)
        outcomes.append(_write(landing, log, _rows(pa.ipc.open_stream(hours).read_all()), now))
    outcomes += [_write(landing, log, _rows(HOURS.empty_table()), now) for log in without.values()]
    for name, problem in knowledge.refused.items():
        outcomes.append(_replace(landing / _FOLDER / (name + _SUFFIX), digests.refused(problem)))
    return Landed(sum(outcomes), len(outcomes) - sum(outcomes), len(knowledge.refused))


def are_there(landing: Path, names: Iterable[str]) -> bool:
    """Tell whether the files of these logs are in the landing folder."""
    return all((landing / _FOLDER / (name + _SUFFIX)).exists() for name in names)


def _rows(hours: pa.Table) -> pa.Table:
    """Name and type the columns as the file has them."""
    columns = {}
    for field in digests.SCHEMA:
        is_time = pa.types.is_timestamp(field.type)
        column = hours[field.name.removesuffix("_at") + "_us" if is_time else field.name]
        columns[field.name] = column.cast(field.type)
    return pa.table(columns, schema=digests.SCHEMA)


def _write(landing: Path, log: KnownLog, rows: pa.Table, now: dt.datetime) -> bool:
    place = landing / _FOLDER / (log.name + _SUFFIX)
    content = digests.written(rows, log.content.content_start, log.content.content_end)
    sidecar = place.with_name(place.name + SIDECAR_SUFFIX)
    said = {
        "fetched_at": now,
        "range_start": log.delivery.range_start,
        "range_end": log.delivery.range_end,
        "client_version": log.delivery.client_version,
        "sha256": hashlib.sha256(content).hexdigest(),
        "command": _COMMAND,
    }
    lines = {name: _text(value) for name, value in said.items()}
    if place.exists() and place.read_bytes() == content and _same(sidecar, lines):
        return False
    _replace(place, content)
    write_whole(sidecar, json.dumps(lines, indent=2) + "\n")
    return True


def _text(value: object) -> object:
    return value.isoformat() + "Z" if isinstance(value, dt.datetime) else value


def _same(sidecar: Path, lines: Mapping[str, object]) -> bool:
    """Tell whether a sidecar says the same of the same content, whenever that was counted."""
    try:
        said = json.loads(sidecar.read_bytes())
        return {**said, "fetched_at": None} == {**lines, "fetched_at": None}
    except (OSError, ValueError, TypeError):
        return False


def _replace(place: Path, content: bytes) -> bool:
    if place.exists() and place.read_bytes() == content:
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    write_whole(place, content)
    return True
