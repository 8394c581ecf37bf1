"""The passes over call logs on any cluster that can run a function on many parts, such as a Modal app.

`spark.py` does the same with what Spark offers; the functions that the parts run are the same ones.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tieout.catalog.models import Catalog
from tieout.cluster import container_files, containers, logs
from tieout.cluster.container_files import Landed
from tieout.cluster.knowledge import know
from tieout.cluster.state import Log
from tieout.core.home import Home

Each = Callable[[str, Sequence[pa.Table]], Iterable[pa.Table]]
"""Runs the pass of that name (a key of PASSES) on every part; results may come in any order."""

_FILES_OF_A_PART = 20


def digests_of_logs(files: pa.Table) -> pa.Table:
    """Sum up logs, each for itself: FILES in, DIGESTS out."""
    return pa.Table.from_batches(logs.digests_of_logs(iter(files.to_batches())), logs.DIGESTS)


def calls_of_logs(files: pa.Table) -> pa.Table:
    """Read the calls of logs that still count: FILES in, CALLS out."""
    return pa.Table.from_batches(logs.calls_of_logs(iter(files.to_batches())), logs.CALLS)


PASSES: Mapping[str, Callable[[pa.Table], pa.Table]] = {
    "digests_of_logs": digests_of_logs,
    "entangled_containers": containers.entangled_containers,
    "calls_of_logs": calls_of_logs,
    "settled_hours": containers.settled_hours,
}

READS_LOGS = frozenset({"digests_of_logs", "calls_of_logs"})
"""The passes whose parts are logs."""


def with_contents(files: pa.Table, folder: Path) -> pa.Table:
    """Give logs that were listed the content of their files: FILES without content in, FILES out."""
    contents = [(folder / name).read_bytes() for name in files["name"].to_pylist()]
    return files.append_column(logs.FILES.field("content"), pa.array(contents, pa.binary())).cast(logs.FILES)


def count(home: Home, catalog: Catalog, found: Mapping[str, Log], each: Each, *, now: dt.datetime) -> Landed:
    """Count container hours of logs, and land what has changed.

    Args:
        home: the workspace.
        catalog: says which environment a path without one means.
        found: the logs.
        each: runs a pass; the parts of passes over logs are FILES without content (`with_contents`).
        now: the time to record, naive UTC.
    """
    digests = _joined(each("digests_of_logs", _files(found, dict.fromkeys(found))), logs.DIGESTS)
    said = digests.filter(pc.field("log").is_valid()).select(["name", "log"]).to_pylist()
    knowledge = know([(row["name"], row["log"]) for row in said], catalog)
    counting = {log.name: log for log in knowledge.logs if log.counts}
    names = pa.array(list(counting), pa.string())
    hours = digests.filter(pc.field("log").is_null() & pc.field("name").isin(names)).drop_columns(["log"])
    replaced = pa.array([name for name, log in counting.items() if log.is_replaced], pa.string())
    is_unsettled = pc.or_(hours["busy_us"].is_null(), pc.is_in(hours["name"], value_set=replaced))
    spans = hours.append_column("is_unsettled", is_unsettled).select(containers.SPANS.names)
    found_entangled = _joined(each("entangled_containers", _parts(spans, ["container_id"])), containers.ENTANGLED)
    entangled = found_entangled["container_id"].combine_chunks()
    is_of_them = pc.field("container_id").isin(entangled)
    again = {name: counting[name].known for name in hours.filter(is_of_them)["name"].unique().to_pylist()}
    calls = _joined(each("calls_of_logs", _files(found, again)), logs.CALLS).filter(is_of_them)
    settled = each("settled_hours", _parts(calls, ["day_us", "container_id"]))
    told = _joined([hours.filter(~is_of_them), *settled], logs.HOURS)
    packed = (container_files.packed_hours(part).to_pylist()[0] for part in _parts(told, ["name"], most_parts=None))
    return container_files.land(home.landing, knowledge, ((row["name"], row["hours"]) for row in packed), now=now)


def _files(found: Mapping[str, Log], known: Mapping[str, str | None]) -> list[pa.Table]:
    rows = [
        {"name": name, "mtime_ns": found[name].mtime_ns, "sidecar": found[name].sidecar, "known": said}
        for name, said in known.items()
    ]
    schema = logs.FILES.remove(logs.FILES.get_field_index("content"))
    starts = range(0, len(rows), _FILES_OF_A_PART)
    return [pa.Table.from_pylist(rows[start : start + _FILES_OF_A_PART], schema) for start in starts]


def _parts(rows: pa.Table, keys: list[str], most_parts: int | None = 64) -> list[pa.Table]:
    """Part rows so that those of one key stay together."""
    if not rows.num_rows:
        return []
    numbers = rows.select(keys).group_by(keys).aggregate([])
    part = pa.array([i if most_parts is None else i % most_parts for i in range(numbers.num_rows)], pa.int64())
    numbered = rows.join(numbers.append_column("part", part), keys)
    ordered = numbered.sort_by("part")
    found = pc.run_end_encode(ordered["part"].combine_chunks())
    ends = found.run_ends.to_pylist()
    starts = [0, *ends[:-1]]
    return [
        ordered.slice(start, end - start).select(rows.column_names) for start, end in zip(starts, ends, strict=True)
    ]


def _joined(parts: Iterable[pa.Table], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables([schema.empty_table(), *(part.select(schema.names).cast(schema) for part in parts)])
