"""A call log inside a task of a cluster: read by the loader itself, into a DuckDB in memory, one log at a time.

So a log is accepted, refused and summed up as on one machine. Both functions take batches of files, with the columns
of FILES, and give batches; how many files a batch holds makes no difference to the result.
"""

import datetime as dt
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tieout.core.sql import RIGHT_SUMS
from tieout.sources import create_raw_schema
from tieout.sources.contents import GZIP_MAGIC
from tieout.sources.landing import SIDECAR_SUFFIX, Fingerprint, LandingFile
from tieout.sources.load import LoadedFile, load_batch
from tieout.sources.reading import Refused
from tieout.warehouse.models import model_named

LARGEST_LOG = 256 << 20
"""Of a file, as it is stored: a task holds one whole."""
_MEMORY = "384MB"
_PARQUET_MAGIC = b"PAR1"
_HIDDEN = ".parquet.json"
_TABLES = (
    *("files", "deliveries", "rejected_files", "scanned_paths"),
    *("containers", "container_hours", "function_calls"),
)

FILES = pa.schema(
    [
        pa.field("name", pa.string()),  # below the folder of the logs
        pa.field("mtime_ns", pa.int64()),
        pa.field("sidecar", pa.binary()),
        pa.field("known", pa.string()),  # of calls_of_logs: what `knowledge` says of the log, as JSON
        pa.field("content", pa.binary()),
    ]
)
_LONG = ("hour", "first_started", "last_ended", "startup_began", "placed", "failing_since")
_HOUR = {
    "container_id": pa.string(),
    **{f"{name}_us": pa.int64() for name in _LONG},
    "inputs": pa.int32(),
    "failures": pa.int32(),
    "busy_us": pa.int64(),
    "cluster_members": pa.int32(),
}
HOURS = pa.schema([pa.field("name", pa.string()), *(pa.field(name, kind) for name, kind in _HOUR.items())])
"""Hours of containers: the columns of raw.container_hours, times as microseconds since 1970 UTC, and the log's name."""

DIGESTS = pa.schema([*HOURS, pa.field("log", pa.string())])
"""Hours, and for each log one row that has only its name and, as JSON, what the ledger keeps of it."""

CALLS = pa.schema(
    [
        pa.field("name", pa.string()),
        pa.field("container_id", pa.string()),
        pa.field("day_us", pa.int64()),
        pa.field("began_us", pa.int64()),
        pa.field("until_us", pa.int64()),
        pa.field("is_start", pa.bool_()),
        pa.field("ended_us", pa.int64()),
        pa.field("placed_us", pa.int64()),
        pa.field("failing_since_us", pa.int64()),
        pa.field("cluster_members", pa.int32()),
    ]
)
"""What calls are to their containers, cut where a UTC day ends; a call that never started has only its enqueueing."""

_MEMBERS = """
inputs_of_clusters as (
    select
        function_call_id,
        enqueued_at,
        date_trunc('week', started_at) as week,
        list(distinct container_key) as container_keys
    from {calls}
    where started_at is not null and container_key is not null
    group by all
    having len(container_keys) > 1
),

seen_together as (
    select unnest(container_keys) as container_key, week, len(container_keys) as members
    from inputs_of_clusters
),

members as (
    select container_key, week, max(members)::integer as cluster_members
    from seen_together
    group by all
)
"""

_HOURS_OF_LOG = f"""
with {_MEMBERS.format(calls="raw.function_calls")}
select
    c.container_id,
    epoch_us(h.hour) as hour_us,
    epoch_us(h.first_started_at) as first_started_us,
    epoch_us(h.last_ended_at) as last_ended_us,
    epoch_us(h.startup_began_at) as startup_began_us,
    epoch_us(h.placed_at) as placed_us,
    epoch_us(h.failing_since) as failing_since_us,
    h.inputs,
    h.failures,
    h.busy_us,
    m.cluster_members
from raw.container_hours as h
inner join raw.containers as c using (container_key)
left join members as m on h.container_key = m.container_key and date_trunc('week', h.hour) = m.week
"""  # noqa: S608 - constants

# A week counts an input of another week only if it started at most a day before, as sql/usage/hours.sql does.
_CALLS_OF_LOG = f"""
with {_MEMBERS.format(calls="staging.function_calls")},

days as (
    select
        container_key,
        started_at,
        ended_at,
        startup_us,
        unnest(
            range(
                date_trunc('day', started_at), greatest(ended_at, started_at + interval 1 microsecond), interval 1 day
            )
        ) as day
    from staging.function_calls
    where started_at is not null and container_key is not null
)

select
    c.container_id,
    epoch_us(d.day) as day_us,
    epoch_us(greatest(d.started_at, d.day)) as began_us,
    epoch_us(least(d.ended_at, d.day + interval 1 day)) as until_us,
    d.started_at >= d.day as is_start,
    epoch_us(d.ended_at) as ended_us,
    epoch_us(d.started_at) - d.startup_us as placed_us,
    null::bigint as failing_since_us,
    m.cluster_members
from days as d
inner join raw.containers as c using (container_key)
left join members as m on d.container_key = m.container_key and date_trunc('week', d.started_at) = m.week
where d.started_at >= date_trunc('week', d.day) - interval 1 day
union all by name
select
    c.container_id,
    epoch_us(date_trunc('day', f.enqueued_at)) as day_us,
    false as is_start,
    epoch_us(f.enqueued_at) as failing_since_us
from staging.function_calls as f
inner join raw.containers as c using (container_key)
where f.started_at is null and f.status = 'init failure'
"""  # noqa: S608 - constants


def digests_of_logs(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Sum up logs, each for itself: FILES in, DIGESTS out."""
    with _Reader() as reader:
        for file in _rows(batches):
            read = reader.read(file)
            said = refusal(read) if isinstance(read, Refused) else facts(read)
            yield from _batches(_named(pa.table({"log": pa.array([json.dumps(said)])}), file["name"], DIGESTS))
            if not isinstance(read, Refused):
                hours = reader.con.sql(_HOURS_OF_LOG).to_arrow_table()
                yield from _batches(_named(hours, file["name"], DIGESTS))


def calls_of_logs(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Read the calls that still count of logs of which all logs together are known: FILES in, CALLS out."""
    with _Reader() as reader:
        for file in _rows(batches):
            if not isinstance(reader.read(file), Refused):
                reader.know(json.loads(file["known"]))
                calls = reader.con.sql(_CALLS_OF_LOG).to_arrow_table()
                yield from _batches(_named(calls, file["name"], CALLS))


def facts(read: LoadedFile) -> dict[str, Any]:
    """What the ledger keeps of a log, for JSON."""
    delivery = read.deliveries[0]
    return {"content": _plain(vars(read.content)), "delivery": _plain(vars(delivery))}


def refusal(read: Refused) -> dict[str, Any]:
    """Why a log is refused, for JSON."""
    return {"refused": [read.problem.problem, read.problem.fix, read.problem.detail]}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each.isoformat() if isinstance(each, dt.date) else each for name, each in values.items()}


def _rows(batches: Iterator[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    for batch in batches:
        for i in range(batch.num_rows):
            file = {field.name: batch.column(field.name)[i].as_py() for field in FILES if field.name != "content"}
            yield {**file, "content": batch.column("content")[i].as_buffer()}


def _named(rows: pa.Table, name: str, schema: pa.Schema) -> pa.Table:
    columns = {field.name: rows[field.name] for field in schema if field.name in rows.column_names}
    columns["name"] = pa.array([name] * rows.num_rows, pa.string())
    missing = {field.name: pa.nulls(rows.num_rows, field.type) for field in schema if field.name not in columns}
    return pa.table({**columns, **missing}).select(schema.names).cast(schema)


def _batches(rows: pa.Table) -> list[pa.RecordBatch]:
    return list(rows.to_batches(max_chunksize=100_000))


class _Reader:
    """A folder and a DuckDB in memory that hold one log at a time."""

    def __enter__(self) -> "_Reader":
        self._folder = tempfile.TemporaryDirectory(prefix="tieout-")
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _MEMORY,
            "threads": 1,
            "temp_directory": self._folder.name,
        }
        self.con = duckdb.connect(config=settings)
        self.con.execute(f"{RIGHT_SUMS}; set TimeZone = 'UTC'; create schema staging")
        create_raw_schema(self.con)
        return self

    def __exit__(self, *_: object) -> None:
        self.con.close()
        self._folder.cleanup()

    def read(self, file: Mapping[str, Any]) -> LoadedFile | Refused:
        """Read a log into the raw tables, which hold nothing else then."""
        for table in _TABLES:
            self.con.execute(f"truncate raw.{table}")
        with self._landed(file) as landed:
            loaded, refused = load_batch(self.con, [landed], dt.datetime.now(dt.UTC).replace(tzinfo=None))
        return refused[0] if refused else loaded[0]

    @contextmanager
    def _landed(self, file: Mapping[str, Any]) -> Iterator[LandingFile]:
        content, name = file["content"], f"function_calls/{file['name']}"
        is_parquet = memoryview(content)[:4] == _PARQUET_MAGIC
        suffix = _HIDDEN if is_parquet else ".json.gz" if memoryview(content)[:2] == GZIP_MAGIC else ".json"
        place = Path(self._folder.name) / f"log{suffix}"
        if is_parquet:
            self._write_as_json(content, place)
            name += ".json"
        else:
            place.write_bytes(content)
        os.utime(place, ns=(file["mtime_ns"], file["mtime_ns"]))
        sidecar = place.with_name(place.name + SIDECAR_SUFFIX)
        if file["sidecar"] is not None:
            sidecar.write_bytes(_without_hash(file["sidecar"]) if is_parquet else file["sidecar"])
        size = len(file["sidecar"]) if file["sidecar"] is not None else None
        mtime_ns = None if size is None else file["mtime_ns"]
        fingerprint = Fingerprint(place.stat().st_size, place.stat().st_mtime_ns, size, mtime_ns)
        yield LandingFile(str(place), name, fingerprint)
        place.unlink()
        sidecar.unlink(missing_ok=True)

    def _write_as_json(self, content: pa.Buffer, place: Path) -> None:
        """Write a log in Parquet as the CLI would have printed it; times may be texts or timestamps, in UTC."""
        parquet = place.with_suffix(".parquet")
        parquet.write_bytes(content)
        described = self.con.execute("describe from read_parquet($1)", [str(parquet)]).fetchall()
        columns = ", ".join(
            f'strftime(cast("{name}" as timestamp), \'%Y-%m-%dT%H:%M:%S.%fZ\') as "{name}"'
            if str(kind).startswith("TIMESTAMP")
            else f'"{name}"'
            for name, kind, *_ in described
        )
        self.con.execute(
            f"copy (select {columns} from read_parquet($1)) to '{place}' (format json, array true)",  # noqa: S608
            [str(parquet)],
        )
        parquet.unlink()

    def know(self, known: Mapping[str, Any]) -> None:
        """Let `staging.function_calls` show what counts of the log, by what is known of all logs."""
        self.con.execute(
            "create or replace table staging.call_logs as "
            "select f.file_id, $environment as environment, f.app, f.function, $fetched_at::timestamp as fetched_at, "
            "len($replaced::timestamp[][]) > 0 as is_replaced, "
            "false as is_replaced_whole from raw.files as f",
            {"environment": known["environment"], "fetched_at": known["fetched_at"], "replaced": known["replaced"]},
        )
        self.con.execute(
            "create or replace table staging.superseded_calls as "
            "select f.file_id, r[1] as range_start, r[2] as range_end "
            "from raw.files as f, unnest($replaced::timestamp[][]) as u (r)",
            {"replaced": known["replaced"]},
        )
        self.con.execute(
            f"create or replace view staging.function_calls as {model_named('staging.function_calls').sql}"
        )


def _without_hash(sidecar: bytes) -> bytes:
    """A sidecar without the hash, which is that of the Parquet file and not of what is read."""
    try:
        said = json.loads(sidecar)
        return json.dumps({name: value for name, value in said.items() if name != "sha256"}).encode()
    except (ValueError, AttributeError):
        return sidecar
