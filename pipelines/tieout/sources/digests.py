"""Container hours that a cluster computed of a call log (`tieout.cluster`), one Parquet file a log.

Such a file counts instead of the log: its hours hold what all logs say of a container together, so usage needs no call.
A log that the cluster refused lands as a file that says why, so that it is seen where other refused files are.
"""

import datetime as dt
import io
import json

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tieout.sources import containers
from tieout.sources.container_hours import TABLE
from tieout.sources.fields import ParsedFile
from tieout.sources.landing import RejectionError

AGAIN = "Delete the file; the next run with `usage_engine: spark` lands it anew."
_TYPES = {"VARCHAR": pa.string(), "INTEGER": pa.int32(), "BIGINT": pa.int64(), "TIMESTAMP": pa.timestamp("us")}
_OF_THE_WAREHOUSE = ("file_id", "container_key")
SCHEMA = pa.schema(
    [
        pa.field("container_id", pa.string()),
        *(pa.field(each.name, _TYPES[each.type]) for each in TABLE.columns if each.name not in _OF_THE_WAREHOUSE),
    ]
)
"""The columns of raw.container_hours, with the id of the container in the place of its number; times are naive UTC."""


def written(rows: pa.Table, content_start: dt.datetime | None, content_end: dt.datetime | None) -> bytes:
    """Return the file of a log: the same rows and times give the same bytes.

    Args:
        rows: of SCHEMA, in any order.
        content_start: when the first call of the log was enqueued, naive UTC.
        content_end: just after the last was.
    """
    said = {"content_start": content_start, "content_end": content_end}
    metadata = {name: moment.isoformat() for name, moment in said.items() if moment is not None}
    ordered = rows.select(SCHEMA.names).cast(SCHEMA).sort_by([("container_id", "ascending"), ("hour", "ascending")])
    sink = io.BytesIO()
    pq.write_table(ordered.replace_schema_metadata(metadata), sink, compression="zstd", store_schema=False)
    return sink.getvalue()


def refused(problem: RejectionError) -> bytes:
    """Return the file that says why a log is refused."""
    return json.dumps({"refused": problem.problem, "detail": problem.detail, "fix": problem.fix}).encode()


def parse(content: bytes) -> ParsedFile:
    """Read the file of a log.

    Raises:
        RejectionError: it is none, or the cluster refused the log.
    """
    if content.startswith(b"{"):
        raise _refusal(content)
    try:
        rows = pq.read_table(io.BytesIO(content))
        said = {name.decode(): value.decode() for name, value in (rows.schema.metadata or {}).items()}
        moments = [
            dt.datetime.fromisoformat(said[name]) if name in said else None for name in ("content_start", "content_end")
        ]
        return ParsedFile(rows.select(SCHEMA.names).cast(SCHEMA), content_start=moments[0], content_end=moments[1])
    except (pa.ArrowException, KeyError, ValueError) as error:
        problem = f"the file holds no container hours: {str(error)[:200]}"
        raise RejectionError(problem, fix=AGAIN) from None


def _refusal(content: bytes) -> RejectionError:
    try:
        said = json.loads(content)
        return RejectionError(str(said["refused"]), fix=str(said["fix"]), detail=str(said["detail"]))
    except (ValueError, KeyError, TypeError):
        return RejectionError("the file holds no container hours", fix=AGAIN)


def insert(con: duckdb.DuckDBPyConnection, rows: pa.Table) -> None:
    """Add rows of SCHEMA, each with its file_id, to raw.container_hours, and their containers to raw.containers.

    Args:
        con: a connection with a transaction open.
        rows: the rows of some files.
    """
    con.register("rows_of_digests", rows)
    containers.number(con, "select container_id from rows_of_digests")
    con.execute(
        "insert into raw.container_hours by name "
        "select r.* exclude (container_id), n.container_key "
        "from rows_of_digests as r inner join numbered_containers as n using (container_id)"
    )
    con.execute("drop table numbered_containers")
    con.unregister("rows_of_digests")
