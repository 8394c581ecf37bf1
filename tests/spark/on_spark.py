"""Usage and spend counted on Apache Spark, two executors of which one is killed: identical to what DuckDB counts.

`make spark-test` runs this, with pyspark from its own lock file; the default suite needs neither pyspark nor Java.
"""

import contextlib
import datetime as dt
import gzip
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

from tests.support.spark_session import spark_session
from tests.support.trusting import Trusting
from tests.support.usage import rows_with_container_ids
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.simulator import SCENARIOS, simulate
from tieout.warehouse.build import Period, build_models
from tieout.warehouse.models import load_models
from tieout.workspace import Workspace

_TABLES = (
    "usage.container_days",
    "usage.containers",
    "usage.warm_hours",
    "usage.hourly",
    "spend.hourly",
    "spend.weekly",
)
_EXECUTOR = b"CoarseGrainedExecutorBackend"


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A week of a workspace where pulls overlap and come late, and a log that a later one replaces in part."""
    out = tmp_path_factory.mktemp("world")
    simulate(SCENARIOS["field"], seed=3, weeks=1, out=out)
    logs = _logs(out / "landing")
    for log in logs[::4]:
        _replace_in_part(log)
    return out / "landing"


def _logs(landing: Path) -> list[Path]:
    return sorted(path for path in (landing / "function_calls").rglob("*.json") if ".meta." not in path.name)


def _replace_in_part(log: Path) -> None:
    """Land a later reading of the second half of a log, in which calls have come to an end and one is missing."""
    calls, said = json.loads(log.read_bytes()), json.loads(Path(f"{log}.meta.json").read_bytes())
    if len(calls) < 4:
        return
    ordered = sorted(calls, key=lambda call: call["enqueued_at"])
    half = ordered[len(ordered) // 2]["enqueued_at"]
    later = [call for call in ordered if call["enqueued_at"] >= half][:-1]
    for call in later:
        if call["status"] == "running":
            call["status"], call["execution_time_seconds"] = "success", 12.345678
    said |= {"range_start": half, "fetched_at": _later(said["fetched_at"])}
    again = log.with_name(f"{log.stem}-again.json")
    again.write_text(json.dumps(later, indent=2) + "\n")
    Path(f"{again}.meta.json").write_text(json.dumps({name: said[name] for name in said if name != "sha256"}))


def _later(moment: str) -> str:
    return (dt.datetime.fromisoformat(moment) + dt.timedelta(minutes=7)).isoformat()


def _in_other_forms(landing: Path) -> None:
    """Every third log becomes gzip, every third Parquet."""
    for number, log in enumerate(_logs(landing)):
        sidecar = Path(f"{log}.meta.json")
        if number % 3 == 0:
            Path(f"{log}.gz").write_bytes(gzip.compress(log.read_bytes()))
            target = Path(f"{log}.gz")
        elif number % 3 == 1:
            target = log.with_suffix(".parquet")
            _to_parquet(log, target)
        else:
            continue
        said = json.loads(sidecar.read_bytes())
        Path(f"{target}.meta.json").write_text(json.dumps({name: said[name] for name in said if name != "sha256"}))
        log.unlink()
        sidecar.unlink()


def _to_parquet(log: Path, target: Path) -> None:
    text = ["function_call_id", "service_method_name", "enqueued_at", "started_at", "container_id", "status"]
    columns: dict[str, str] = dict.fromkeys(text, "VARCHAR")
    columns |= dict.fromkeys(("startup_time_seconds", "execution_time_seconds"), "DOUBLE")
    kinds = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
    duckdb.execute(
        f"copy (from read_json('{log}', columns = {{{kinds}}}, format = 'array')) to '{target}' (format parquet)"
    )


def _workspace(home: Path, landing: Path, engine: str) -> Workspace:
    shutil.copytree(landing, home / "landing")
    catalog = home / "catalog"
    shutil.copytree(resource_path("catalog"), catalog)
    settings = catalog / "settings.yaml"
    settings.write_text(settings.read_text().replace("usage_engine: duckdb", f"usage_engine: {engine}"))
    return Workspace(Home(home), catalog)


def _built(workspace: Workspace) -> dict[str, list[Any]]:
    """Load, build usage and spend of every week, and return all rows, with ids of containers for their numbers."""
    result = workspace.load()
    assert not result.rejected
    weeks = workspace.known_weeks()
    models = [model for model in load_models() if model.schema in ("staging", "usage", "spend")]
    build_models(workspace.con, models, Period(weeks[0].start, weeks[-1].end), validator=Trusting(), run_id="test")
    return {name: workspace.con.execute(rows_with_container_ids(name)).fetchall() for name in _TABLES}


@pytest.fixture(scope="module")
def expected(landing: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    with _workspace(tmp_path_factory.mktemp("duckdb") / "home", landing, "duckdb") as workspace:
        return _built(workspace)


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    master = os.environ.get("SPARK_TEST_MASTER", "local-cluster[2,1,1024]")
    with spark_session(master) as session:
        yield session


def _executors() -> list[int]:
    """The executors that this process has started."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            pid = int(process.name)
            if _EXECUTOR in (process / "cmdline").read_bytes() and _is_descendant(pid):
                found.append(pid)
    return found


def _is_descendant(pid: int) -> bool:
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return False


def _kill_one(digests: Path, killed: list[int], stop: threading.Event) -> None:
    """Kill an executor while a pass is under way: what a task has read is written, and the rest is not."""
    while not stop.is_set():
        is_under_way = any(digests.rglob("part-*")) and not any(digests.rglob("_SUCCESS"))
        if is_under_way and (victims := _executors()):
            os.kill(victims[-1], signal.SIGKILL)
            killed.append(victims[-1])
            return
        time.sleep(0.01)


def test_spark_counts_the_same_though_an_executor_is_killed(
    spark: SparkSession, landing: Path, expected: dict[str, list[Any]], tmp_path: Path
) -> None:
    killed: list[int] = []
    stop = threading.Event()
    with _workspace(tmp_path / "home", landing, "spark") as workspace:
        _in_other_forms(workspace.home.landing)
        watcher = threading.Thread(target=_kill_one, args=(workspace.home.root / ".digests", killed, stop))
        watcher.start()
        landed = workspace.count()
        stop.set()
        watcher.join()
        counted = _built(workspace)
        calls = workspace.con.execute("select count(*) from raw.function_calls").fetchall()
        states = {
            path: path.stat().st_mtime_ns for path in (workspace.home.landing / "container_hours").rglob("*.parquet")
        }
        nothing = workspace.count()
        shutil.rmtree(workspace.home.root / ".digests")
        again = workspace.count()
    assert killed, "no executor was killed"
    assert landed is not None and landed.written == len(states) and not landed.refused
    assert {name: len(rows) for name, rows in counted.items()} == {name: len(rows) for name, rows in expected.items()}
    assert counted == expected
    assert all(expected.values())
    assert calls == [(0,)]
    # A rerun changes nothing, whether it knows of the first count or not.
    assert nothing is None
    assert again is not None and (again.written, again.unchanged) == (0, len(states))
    assert all(path.stat().st_mtime_ns == before for path, before in states.items())
