"""Ingest: loading function calls against DuckDB's bare read of the same file, in the same run, in CPU seconds.

Both sides read one JSON file as the CLI prints it, into a file database, and end with a checkpoint. The bare side is
`create table as select … from read_json(…)` with the same columns: no identity, no checks, no dictionary of
containers, no hours of containers.
"""

import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from tests.support.loading import load_at
from tieout.core.ids import ALPHABET
from tieout.sources import create_raw_schema

MOST_RATIO = 1.35
CALLS_PER_CONTAINER = 50
_DAY_START = dt.datetime(2026, 11, 2, tzinfo=dt.UTC)
_CHUNK = 50_000
_COLUMNS = """{
    function_call_id: 'VARCHAR', service_method_name: 'VARCHAR', enqueued_at: 'TIMESTAMP', started_at: 'TIMESTAMP',
    container_id: 'VARCHAR', startup_time_seconds: 'DOUBLE', execution_time_seconds: 'DOUBLE', status: 'VARCHAR'
}"""


@dataclass(frozen=True)
class IngestResult:
    """Median CPU seconds of both sides over the runs, and the median of the ratios (ours ÷ bare) of the runs."""

    calls: int
    runs: int
    file_bytes: int
    bare_cpu_seconds: float
    ours_cpu_seconds: float
    ratio: float

    @property
    def is_met(self) -> bool:
        """Whether the target is met."""
        return self.ratio <= MOST_RATIO


def measure(calls: int, runs: int) -> IngestResult:
    """Write one file of so many calls and load it so many times on both sides, taking turns."""
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        folder = Path(directory)
        file = folder / "landing/function_calls/app=coral-x/function=evaluate_genome_modal/2026-11-02.json"
        file.parent.mkdir(parents=True)
        write_calls(file, calls)
        bare, ours = [], []
        for run in range(runs):
            bare.append(_timed(folder / f"bare-{run}.duckdb", lambda con: _load_bare(con, file)))
            ours.append(_timed(folder / f"ours-{run}.duckdb", lambda con: _load_ours(con, folder / "landing", calls)))
        return IngestResult(
            calls=calls,
            runs=runs,
            file_bytes=file.stat().st_size,
            bare_cpu_seconds=statistics.median(bare),
            ours_cpu_seconds=statistics.median(ours),
            ratio=statistics.median(our / base for our, base in zip(ours, bare, strict=True)),
        )


def write_calls(file: Path, calls: int) -> None:
    """Write calls of one day, evenly spread, as `modal function calls --json` prints them."""
    draws = np.random.default_rng(1)
    with file.open("w", encoding="utf-8") as out:
        out.write("[\n")
        for first in range(0, calls, _CHUNK):
            last = min(first + _CHUNK, calls)
            endings = draws.integers(0, 2**62, size=last - first).tolist()
            durations = draws.integers(1, 90_000_000, size=last - first).tolist()
            chunk = [
                printed_call(
                    _spread(number, calls),
                    container=_spread(number - number % CALLS_PER_CONTAINER, calls),
                    place=number % CALLS_PER_CONTAINER,
                    ending=ending,
                    duration_us=duration,
                )
                for number, ending, duration in zip(range(first, last), endings, durations, strict=True)
            ]
            out.write(",\n".join(chunk) + (",\n" if last < calls else "\n"))
        out.write("]\n")


def _spread(number: int, calls: int) -> dt.datetime:
    return _DAY_START + dt.timedelta(milliseconds=number * 86_400_000 // calls)


def printed_call(
    enqueued: dt.datetime, *, container: dt.datetime, place: int, ending: int, duration_us: int = 17_000_000
) -> str:
    """Print a call as the CLI does.

    Args:
        enqueued: when; it starts a quarter of a second later.
        container: when the container was created, which is in its id.
        place: the place of the call among those of its container, from 0.
        ending: what tells the ids of calls apart that were enqueued at once.
        duration_us: how long it ran.
    """
    started = enqueued + dt.timedelta(milliseconds=250)
    return f"""  {{
    "function_call_id": "fc-{_ulid(enqueued, ending)}",
    "service_method_name": null,
    "enqueued_at": "{enqueued:%Y-%m-%dT%H:%M:%S}.{enqueued.microsecond // 1000:03}Z",
    "started_at": "{started:%Y-%m-%dT%H:%M:%S}.{started.microsecond // 1000:03}Z",
    "container_id": "ta-{_ulid(container, int(container.timestamp()))}",
    "startup_time_seconds": {"null" if place else 12.5},
    "execution_time_seconds": {duration_us / 1_000_000},
    "status": "success"
  }}"""


def _ulid(moment: dt.datetime, ending: int) -> str:
    milliseconds = int(moment.timestamp() * 1000)
    time_part = "".join(ALPHABET[milliseconds >> shift & 31] for shift in range(45, -5, -5))
    return time_part + "".join(ALPHABET[ending >> shift & 31] for shift in range(75, -5, -5))


def _timed(database: Path, load: Callable[[duckdb.DuckDBPyConnection], None]) -> float:
    with duckdb.connect(str(database)) as con:
        create_raw_schema(con)
        started = time.process_time()
        load(con)
        con.execute("checkpoint")
        seconds = time.process_time() - started
    database.unlink()
    return seconds


def _load_bare(con: duckdb.DuckDBPyConnection, file: Path) -> None:
    con.execute(
        f"create table calls as select * from read_json($1, columns = {_COLUMNS}, format = 'array')", [str(file)]
    )


def _load_ours(con: duckdb.DuckDBPyConnection, landing: Path, calls: int) -> None:
    result = load_at(con, landing, now=_DAY_START)
    if result.rows != calls:
        raise RuntimeError(f"{result.rows} of {calls} calls were loaded: {result.rejected}")


def table(results: Sequence[IngestResult]) -> str:
    """The results as a Markdown table."""
    return "\n".join(
        [
            "| calls | file | bare, median CPU | ours, median CPU | ratio |",
            "|---|---|---|---|---|",
            *(
                f"| {result.calls:,} | {result.file_bytes / 1e9:.2f} GB | {result.bare_cpu_seconds:.2f} s "
                f"| {result.ours_cpu_seconds:.2f} s | {result.ratio:.2f}× |"
                for result in results
            ),
        ]
    )
