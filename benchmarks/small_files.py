"""Small files: the first load of a year of call logs, a file for each function and day, and of one file more."""

import datetime as dt
import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ingest import printed_call
from tieout.workspace.facade import open_workspace

DAYS = 365
CALLS = 20
_FIRST = dt.datetime(2024, 11, 1, tzinfo=dt.UTC)
_DAY = dt.timedelta(days=1)
_CPU_SECONDS_A_FILE = 0.001
_CPU_SECONDS_OF_ONE_MORE = 2.0


@dataclass(frozen=True)
class SmallFilesResult:
    """CPU seconds of the first load of so many files, and the median of loads with one file more."""

    files: int
    first_cpu_seconds: float
    one_more_cpu_seconds: float

    @property
    def milliseconds_a_file(self) -> float:
        """What the first load took of the CPU for each file."""
        return self.first_cpu_seconds * 1000 / self.files

    @property
    def is_met(self) -> bool:
        """Whether both targets are met."""
        return (
            self.first_cpu_seconds <= _CPU_SECONDS_A_FILE * self.files
            and self.one_more_cpu_seconds <= _CPU_SECONDS_OF_ONE_MORE
        )


def measure(files: int, runs: int) -> SmallFilesResult:
    """Write so many logs, each with its sidecar, load them, and so many times one more."""
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        landing = Path(directory) / "landing"
        for number in range(files):
            _write_log(landing, function=number // DAYS, day=number % DAYS)
        first = _load(Path(directory), files)
        more = []
        for run in range(runs):
            _write_log(landing, function=run, day=DAYS)
            more.append(_load(Path(directory), 1))
    return SmallFilesResult(files, first, statistics.median(more))


def _write_log(landing: Path, *, function: int, day: int) -> None:
    start = _FIRST + day * _DAY
    file = landing / f"function_calls/app=app{function // 10}/function=f{function}/{start:%Y-%m-%d}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    calls = [
        printed_call(start + _DAY * place / CALLS, container=start, place=place, ending=(function * DAYS + day) * CALLS)
        for place in range(CALLS)
    ]
    file.write_text("[\n" + ",\n".join(calls) + "\n]\n", encoding="utf-8")
    sidecar = {
        "fetched_at": (start + _DAY * 2).isoformat(),
        "range_start": start.isoformat(),
        "range_end": (start + _DAY).isoformat(),
    }
    file.with_name(f"{file.name}.meta.json").write_text(json.dumps(sidecar), encoding="utf-8")


def _load(folder: Path, files: int) -> float:
    with open_workspace(folder) as workspace:
        started = time.process_time()
        result = workspace.load()
        workspace.con.execute("checkpoint")
        seconds = time.process_time() - started
    if result.loaded != files:
        raise RuntimeError(f"{result.loaded} of {files} files were loaded: {result.rejected[:1]}")
    return seconds


def table(result: SmallFilesResult) -> str:
    """The result as a Markdown table."""
    return "\n".join(
        [
            "| files | first load, CPU | for each file | one file more, median CPU |",
            "|---|---|---|---|",
            f"| {result.files:,} | {result.first_cpu_seconds:.1f} s | {result.milliseconds_a_file:.2f} ms "
            f"| {result.one_more_cpu_seconds:.2f} s |",
        ]
    )
