"""Call logs with every trap in them, as files, and the functions of `tieout.cluster` run over them in this process."""

import datetime as dt
import gzip
import json
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from tests.support.usage import MONDAY
from tieout.catalog.models import Catalog
from tieout.cluster.container_files import Landed
from tieout.cluster.found import find
from tieout.cluster.passes import PASSES, READS_LOGS, count, with_contents
from tieout.core.home import Home

DAY, MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)
FUNCTIONS = ("f", "g", "h/✓")
_CONTAINERS = [f"ta-01KB1MNAPSD9XH8T7E4VQZ2C{i}{j}" for i in "AB" for j in "0123"]


@st.composite
def call_logs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Logs of a day or two, which may overlap, come late, come twice, or be read while an input runs."""
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 6))):
        first, days = draw(st.integers(-2, 6)), draw(st.integers(1, 3))
        calls = [_call(draw, first, days, number, i) for i in range(draw(st.integers(0, 8)))]
        read = MONDAY + (first + days) * DAY + draw(st.integers(0, 30)) * 60 * MINUTE
        form = draw(st.sampled_from(["json", "json.gz", "parquet"]))
        sidecar = draw(st.integers(0, 5)) > 0
        log = {"function": draw(st.sampled_from(FUNCTIONS)), "form": form, "read": read, "calls": calls}
        found.append(log | {"range": (MONDAY + first * DAY, MONDAY + (first + days) * DAY) if sidecar else None})
    if draw(st.booleans()):
        found.append(found[0] | {"read": found[0]["read"] + draw(st.integers(0, 1)) * DAY})
    return found


def _call(draw: st.DrawFn, first: int, days: int, log: int, number: int) -> dict[str, Any]:
    enqueued = MONDAY + first * DAY + draw(st.integers(0, days * 96 - 1)) * 15 * MINUTE
    started = enqueued + draw(st.sampled_from([0, 0, 1, 30, 600])) * MINUTE
    minutes = draw(st.sampled_from([0, 1, 15, 15, 59, 60, 200, 1439, 1440, 2000]))
    status = draw(st.sampled_from(["success", "success", "failure", "running", "init failure", "pending"]))
    has_started = draw(st.integers(0, 7)) > 0
    is_over = status not in ("running", "pending") and has_started
    return {
        # a preempted input keeps its id, and members of a cluster share one
        "function_call_id": f"fc-{log}-{draw(st.sampled_from([number, 0]))}",
        "service_method_name": None,
        "enqueued_at": enqueued.isoformat(timespec="microseconds") + "Z",
        "started_at": started.isoformat(timespec="microseconds") + "Z" if has_started else None,
        "container_id": draw(st.sampled_from(_CONTAINERS)) if draw(st.integers(0, 9)) > 0 else None,
        "startup_time_seconds": draw(st.sampled_from([None, None, 5.25])),
        "execution_time_seconds": minutes * 60.0 + 0.000001 if is_over else None,
        "status": status,
    }


def write_logs(folder: Path, found: Sequence[dict[str, Any]], *, as_json: bool = False) -> None:
    """Write logs below a folder, each in its form or all as JSON, with their sidecars."""
    for number, log in enumerate(found):
        form = "json" if as_json else log["form"]
        # the name is the same in every form: it decides between files of one time
        name = f"app=a%20b/function={log['function'].replace('/', '%2F')}/{number:02}.{form}"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_content(log["calls"], form))
        moment = log["read"].replace(tzinfo=dt.UTC).timestamp()
        _touch(path, moment)
        if log["range"] is not None:
            said = dict(zip(("range_start", "range_end"), (each.isoformat() for each in log["range"]), strict=True))
            sidecar = path.with_name(path.name + ".meta.json")
            sidecar.write_text(json.dumps({"fetched_at": log["read"].isoformat() + "Z"} | said))


def _touch(path: Path, moment: float) -> None:
    os.utime(path, (moment, moment))


def _content(calls: list[dict[str, Any]], form: str) -> bytes:
    if form == "parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(_table(calls), sink)
        return bytes(sink.getvalue())
    text = (json.dumps(calls, indent=2) + "\n").encode()
    return gzip.compress(text) if form == "json.gz" else text


def _table(calls: list[dict[str, Any]]) -> pa.Table:
    text, number = pa.string(), pa.float64()
    kinds = dict.fromkeys(("function_call_id", "service_method_name", "container_id", "status"), text)
    kinds |= dict.fromkeys(("startup_time_seconds", "execution_time_seconds"), number)
    columns = {name: pa.array([call[name] for call in calls], kind) for name, kind in kinds.items()}
    for name in ("enqueued_at", "started_at"):
        times = [call[name] and dt.datetime.fromisoformat(call[name]) for call in calls]
        columns[name] = pa.array(times, pa.timestamp("us", "UTC"))
    return pa.table(columns)


def count_here(home: Home, catalog: Catalog, *, now: dt.datetime) -> Landed:
    """Do what a cluster does in this process, one part after the other."""
    folder = home.landing / "function_calls"
    return count(home, catalog, find(folder), partial(run_here, folder), now=now)


def run_here(folder: Path, name: str, parts: Sequence[pa.Table]) -> list[pa.Table]:
    """Run a pass on every part."""
    return [PASSES[name](with_contents(part, folder) if name in READS_LOGS else part) for part in parts]
