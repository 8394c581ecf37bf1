"""Container hours of a month's logs counted on Spark, two executors of which one is killed, against DuckDB.

The logs hold what makes counting hard: methods of a class that share containers, inputs over midnight and over a day,
inputs that ran when their log was read, containers that failed, late logs, and later readings of half a log.
"""

import contextlib
import os
import resource
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from tests.support.spark_session import spark_session
from tests.support.trusting import Trusting
from tests.support.usage import rows_with_container_ids
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.warehouse.build import Period, build_models
from tieout.warehouse.models import load_models
from tieout.workspace import Workspace

FUNCTIONS, DAYS = 10, 14
MOST_WORKER_MB = 1024
MASTER = "local-cluster[2,1,2048]"
TABLES = ("usage.container_days", "usage.containers", "usage.warm_hours", "usage.hourly", "spend.hourly")
_MONDAY = "timestamp '2026-11-02'"

# A container serves eight inputs at a time for some hours; 8 and 9 are methods of one class.
_CALLS = f"""
select
    'fc-' || $function || '-' || $day || '-' || i as function_call_id,
    null::varchar as service_method_name,
    strftime(enqueued, '%Y-%m-%dT%H:%M:%S.%fZ') as enqueued_at,
    case when not is_failed then strftime(started, '%Y-%m-%dT%H:%M:%S.%fZ') end as started_at,
    'ta-' || pool || '-' || container as container_id,
    case when i % 4000 = 0 and not is_failed then 12.5 end as startup_time_seconds,
    case when not is_running and not is_failed then execution_us / 1e6 end as execution_time_seconds,
    case
        when is_failed then 'init failure'
        when is_running then 'running'
        when i % 97 = 0 then 'failure'
        else 'success'
    end as status
from (
    select
        i,
        enqueued,
        enqueued + to_microseconds((hash(i, $function, 1) % 2000000)::bigint) as started,
        case
            when i % 10003 = 7 then 100000000000
            else 1 + (hash(i, $function, 2) % 40000000)::bigint
        end as execution_us,
        i % 5021 = 11 as is_failed,
        $is_last and enqueued > {_MONDAY} + to_days($day + 1) - interval 10 second as is_running,
        case when $function >= 8 then 8 else $function end as pool,
        (epoch_us(enqueued) // 14400000000) * 8 + hash(i, $function, 3) % 8 as container
    from (
        select
            i,
            {_MONDAY} + to_days($day) + to_microseconds((i * 86400000000 // $calls)::bigint) as enqueued
        from range($calls) as r (i)
    )
)
"""


@dataclass
class Peaks:
    """The most memory that processes of a kind have held, in MB."""

    python: float = 0
    executor: float = 0
    killed: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class SparkResult:
    """What both sides took, in CPU seconds of all their processes, and what Spark's workers held at most."""

    calls: int
    files: int
    log_mb: float
    hours: int
    different: int
    duckdb_cpu_seconds: float
    spark_cpu_seconds: float
    worker_mb: float
    executor_mb: float
    killed: int

    @property
    def is_met(self) -> bool:
        """Whether the targets are met."""
        return self.different == 0 and self.killed > 0 and self.worker_mb <= MOST_WORKER_MB


def measure(calls: int) -> SparkResult:
    """Write the logs, count them on both sides, and compare usage and spend row by row."""
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        folder = Path(directory)
        write_landing(folder / "json", calls, forms=(".json",))
        write_landing(folder / "forms", calls, forms=(".json", ".json.gz", ".parquet"))
        sizes = [path.stat().st_size for path in (folder / "forms/function_calls").rglob("*") if _is_log(path)]
        started = _cpu_seconds()
        with _workspace(folder / "duckdb", folder / "json", "duckdb") as workspace:
            expected = _built(workspace)
        duckdb_cpu = _cpu_seconds() - started
        peaks = Peaks()
        with _workspace(folder / "spark", folder / "forms", "spark") as workspace:
            with spark_session(MASTER) as session, _watched(workspace.home.root / ".digests", peaks):
                workspace.count()
                spark_cpu = _cpu_of_cluster(session)
            counted = _built(workspace)
            [(hours,)] = workspace.con.execute("select count(*) from raw.container_hours").fetchall()
        return SparkResult(
            calls=calls,
            files=len(sizes),
            log_mb=sum(sizes) / 1e6,
            hours=hours,
            different=sum(len(set(expected[name]) ^ set(counted[name])) for name in TABLES),
            duckdb_cpu_seconds=duckdb_cpu,
            spark_cpu_seconds=spark_cpu,
            worker_mb=peaks.python,
            executor_mb=peaks.executor,
            killed=len(peaks.killed),
        )


def write_landing(landing: Path, calls: int, forms: Sequence[str]) -> None:
    """Write logs of so many calls, a file for each function and day, in these forms, and a bill of every hour."""
    each = calls // (FUNCTIONS * DAYS)
    with duckdb.connect() as con:
        for function in range(FUNCTIONS):
            log = landing / f"function_calls/app=scale/function=f{function}"
            log.mkdir(parents=True)
            for day in range(DAYS):
                path = log / f"{day:02}{forms[(function + day) % len(forms)]}"
                given = {"function": function, "day": day, "calls": each, "is_last": day % 5 == 4}
                _write(con, path, _CALLS, given)
                _write_sidecar(path, f"{_day(day)}Z", f"{_day(day + 1)}Z", f"{_day(day + 1)[:-8]}03:00:00Z")
                if day % 5 == 4:
                    again = log / f"{day:02}-again.json"
                    later = f"{_CALLS} where enqueued >= {_MONDAY} + to_days($day) + interval 12 hour and i % 1009 > 0"
                    _write(con, again, later, given | {"is_last": False})
                    half = f"{_day(day)[:-8]}12:00:00Z"
                    _write_sidecar(again, half, f"{_day(day + 1)}Z", f"{_day(day + 2)[:-8]}04:00:00Z")
        _write_bill(con, landing)


def _day(day: int) -> str:
    return f"2026-11-{2 + day:02}T00:00:00"


def _write(con: duckdb.DuckDBPyConnection, path: Path, query: str, given: dict[str, Any]) -> None:
    form = "format parquet" if path.suffix == ".parquet" else "format json, array true"
    con.execute(f"copy ({query}) to '{path}' ({form}{', compression gzip' if path.suffix == '.gz' else ''})", given)


def _write_sidecar(path: Path, since: str, until: str, fetched_at: str) -> None:
    said = f'{{"fetched_at": "{fetched_at}", "range_start": "{since}", "range_end": "{until}"}}'
    Path(f"{path}.meta.json").write_text(said)


def _write_bill(con: duckdb.DuckDBPyConnection, landing: Path) -> None:
    path = landing / "billing_report/2026-11.json"
    path.parent.mkdir(parents=True)
    con.execute(
        f"""
        copy (
            select
                'ap-6Vw0cXq2mTzr1Yb9LkHn3S' as object_id,
                'scale' as description,
                'main' as environment,
                strftime({_MONDAY} + to_hours(h), '%Y-%m-%dT%H:%M:%S') as interval_start,
                r as resource,
                (1 + hash(h, r) % 900000)::varchar || '.' || (hash(h, r, 1) % 1000000)::varchar as cost
            from range({DAYS * 24}) as hours (h), unnest(['CPU', 'Memory']) as resources (r)
        ) to '{path}' (format json, array true)
        """
    )


def _is_log(path: Path) -> bool:
    return path.is_file() and not path.name.endswith(".meta.json")


def _workspace(home: Path, landing: Path, engine: str) -> Workspace:
    home.mkdir()
    landing.rename(home / "landing")
    shutil.copytree(resource_path("catalog"), home / "catalog")
    settings = home / "catalog/settings.yaml"
    settings.write_text(settings.read_text().replace("usage_engine: duckdb", f"usage_engine: {engine}"))
    return Workspace(Home(home), home / "catalog")


def _built(workspace: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    result = workspace.load()
    if result.rejected:
        raise ValueError(f"a file is refused: {result.rejected[0]}")
    weeks = workspace.known_weeks()
    models = [model for model in load_models() if model.schema in ("staging", "usage", "spend")]
    period = Period(weeks[0].start, weeks[-1].end)
    build_models(workspace.con, models, period, validator=Trusting(), run_id="bench")
    return {name: workspace.con.execute(rows_with_container_ids(name)).fetchall() for name in TABLES}


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _cpu_of_cluster(_session: Any) -> float:
    """The CPU seconds of Spark's processes, as long as they live, and of those that they have waited for."""
    ticks = os.sysconf("SC_CLK_TCK")
    return sum(sum(map(int, each[11:15])) / ticks for each in _descendants().values())


def _descendants() -> dict[int, list[str]]:
    """The processes that this one has started, each with the fields of its stat behind its name."""
    stats: dict[int, list[str]] = {}
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            stats[int(process.name)] = (process / "stat").read_text().rpartition(")")[2].split()
    found: dict[int, list[str]] = {}
    for pid in stats:
        above = pid
        while above in stats and above != os.getpid():
            above = int(stats[above][1])
        if above == os.getpid() and pid != above:
            found[pid] = stats[pid]
    return found


@contextmanager
def _watched(digests: Path, peaks: Peaks) -> Iterator[None]:
    """Note what Spark's processes hold, and kill an executor once a task has written what it read."""
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(digests, peaks, stop))
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def _watch(digests: Path, peaks: Peaks, stop: threading.Event) -> None:
    while not stop.wait(0.2):
        executors = []
        for pid in _descendants():
            with contextlib.suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                held = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
                if b"CoarseGrainedExecutorBackend" in command:
                    executors.append(pid)
                    peaks.executor = max(peaks.executor, held)
                elif b"pyspark" in command and b"java" not in command:
                    peaks.python = max(peaks.python, held)
        if executors and not peaks.killed and any(digests.rglob("part-*")):
            os.kill(executors[-1], signal.SIGKILL)
            peaks.killed.append(executors[-1])
            time.sleep(0.1)


def table(results: list[SparkResult]) -> str:
    """Lay results out as a Markdown table."""
    lines = [
        "| calls | logs | DuckDB, load and build | Spark, counting | rows of container hours | a worker held | "
        "an executor held | executors killed | rows that differ |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.calls:,} | {each.files} files, {each.log_mb:,.0f} MB | {each.duckdb_cpu_seconds:,.0f} CPU s | "
        f"{each.spark_cpu_seconds:,.0f} CPU s | {each.hours:,} | {each.worker_mb:,.0f} MB | "
        f"{each.executor_mb:,.0f} MB | {each.killed} | {each.different} |"
        for each in results
    ]
    return "\n".join(lines) + "\n"
