"""Attribution: usage and spend of a month of calls against DuckDB's bare `group by function, hour` over them.

The first version of Tieout is taken from the repository and measured in the same run. The hours of containers are
summed up before: that is work of the load, and `benchmarks/ingest.py` measures it.
"""

import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.first_version import first_version
from tieout.catalog.load import load_catalog
from tieout.core.resources import resource_path
from tieout.sources import container_hours, create_raw_schema
from tieout.warehouse.build import Period
from tieout.warehouse.catalog_tables import write_catalog

ROOT = Path(__file__).parent.parent
MOST_AGAINST_FIRST, MOST_AGAINST_BARE, MOST_GB = 1.2, 9, 4
MANY_CALLS = 100_000_000
FUNCTIONS = 500
FUNCTIONS_OF_AN_APP = 10
DAYS = 30
CALLS_PER_CONTAINER = 100
MONTH = Period(dt.date(2026, 10, 1), dt.date(2026, 11, 1))
# As a run builds it, from Monday to Monday.
WEEKS = Period(
    MONTH.since - dt.timedelta(days=MONTH.since.weekday()), MONTH.until + dt.timedelta(days=-MONTH.until.weekday() % 7)
)
_GROUP_BY = """
create or replace temp table grouped as
select file_id, date_trunc('hour', started_at) as hour, count(*) as calls, sum(execution_us) as execution_us
from raw.function_calls group by all
"""

# Every container serves a hundred calls, one every 20 s for about 17 s.
_FILES = """
insert into raw.files (file_id, source, sha256, path, app, function, row_count)
select f * $days + d + 1, 'function_calls', (f * $days + d)::varchar, 'p',
    'app' || (f // $functions_of_an_app), 'f' || f, $calls // ($functions * $days)
from range($functions) as t (f), range($days) as s (d)
"""
_DELIVERIES = """
insert into raw.deliveries (file_id, path, fetched_at, range_start, range_end, has_sidecar)
select f * $days + d + 1, 'p', timestamp '2026-12-01', timestamp '2026-10-01' + to_days(d::int),
    timestamp '2026-10-01' + to_days(d::int + 1), true
from range($functions) as t (f), range($days) as s (d)
"""
_CONTAINERS = """
insert into raw.containers
select k, 'ta-' || k, timestamp '2026-10-01' + to_microseconds(k * (($days - 1) * 86400000000 // $containers))
from range($containers) as t (k)
"""
_CALLS = """
insert into raw.function_calls
select
    (c.container_key % $functions) * $days + date_diff('day', timestamp '2026-10-01', c.created_at) + 1,
    i, 'fc-' || c.container_key || '-' || i, null,
    c.created_at + to_microseconds(i * 20000000), c.created_at + to_microseconds(5000000 + i * 20000000),
    c.container_key, case when i = 0 then 5000000 end,
    12000000 + (hash(c.container_key, i) % 10000000)::bigint, 'success'
from raw.containers as c, range($per_container) as t (i)
"""

# Every app is billed for a GPU and some memory in every hour of the month, in one report.
_BILL = """
insert into raw.files (file_id, source, sha256, path, report_kind, resolution, content_start, content_end)
values (1000000, 'billing_report', 'bill', 'bill', 'resources', 'h', $since, $until)
"""
_BILL_DELIVERY = """
insert into raw.deliveries (file_id, path, fetched_at, range_start, range_end, has_sidecar)
values (1000000, 'bill', timestamp '2026-12-01', $since, $until, true)
"""
_BILL_LINES = """
insert into raw.billing_report (
    file_id, row_number, object_id, description, environment, interval_start, resource, cost_usd
)
select
    1000000, row_number() over (), 'ap-' || a, 'app' || a, 'main', hour,
    ['A100-40GB', 'Memory'][r + 1], [2.01234567, 0.31234567][r + 1]
from range($apps) as a (a), range($since::timestamp, $until::timestamp, interval 1 hour) as h (hour), range(2) as r (r)
"""


@dataclass(frozen=True)
class Side:
    """Median CPU seconds of the bare group by, and of each table and the commit of one version; its peak memory."""

    bare_seconds: float
    by_table: Mapping[str, float]
    peak_bytes: int

    @property
    def seconds(self) -> float:
        """What all of it took."""
        return sum(self.by_table.values())


@dataclass(frozen=True)
class AttributionResult:
    """Both versions with a month of so many calls and functions; the first one is None where it was not asked for."""

    calls: int
    functions: int
    ours: Side
    first: Side | None

    def missed(self) -> list[str]:
        """The targets that were missed, in words."""
        bare, most = self.ours.seconds / self.ours.bare_seconds, self.ours.peak_bytes / 1e9
        missed = []
        if self.first is not None and self.ours.seconds > MOST_AGAINST_FIRST * self.first.seconds:
            missed.append(f"usage and spend against the first version: {self.ours.seconds / self.first.seconds:.2f}×")
        if self.calls >= MANY_CALLS and bare > MOST_AGAINST_BARE:
            missed.append(f"usage and spend of {self.calls:,} calls against a bare group by: {bare:.1f}×")
        if most > MOST_GB:
            missed.append(f"memory of usage and spend of {self.calls:,} calls: {most:.1f} GB")
        return missed


def measure(calls: int, runs: int = 3, *, functions: int = FUNCTIONS, with_first: bool = True) -> AttributionResult:
    """Measure a month of so many calls, each side in a process of its own, so that its peak memory is nobody else's.

    Args:
        calls: how many there are.
        runs: how often each side runs.
        functions: among which the calls are spread evenly; the first version has always `FUNCTIONS`.
        with_first: measure the first version, too.
    """
    ours = _side(ROOT, calls, functions, runs)
    if not with_first:
        return AttributionResult(calls, functions, ours, None)
    with first_version() as first:
        return AttributionResult(calls, functions, ours, _side(first, calls, functions, runs))


def _side(tree: Path, calls: int, functions: int, runs: int) -> Side:
    """Measure the version of Tieout in a folder."""
    paths = os.pathsep.join([str(tree), str(tree / "pipelines")])
    script = str(Path(__file__).with_name("attribution_side.py"))
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        warehouse = f"{directory}/warehouse.duckdb"
        for step, *numbers in (("fill", calls, functions), ("measure", runs)):
            ran = subprocess.run(
                [sys.executable, script, step, warehouse, *map(str, numbers)],
                cwd=tree,
                env=os.environ | {"PYTHONPATH": paths},
                capture_output=True,
                check=False,
            )
            if ran.returncode:
                raise RuntimeError(f"the attribution of {tree} failed: {ran.stderr.decode()[-2000:]}")
    said = json.loads(ran.stdout)
    by_table = {name: statistics.median(run[name] for run in said["built"]) for name in said["built"][0]}
    return Side(statistics.median(said["bare"]), by_table, said["peak_bytes"])


def fill_month(con: duckdb.DuckDBPyConnection, calls: int, functions: int = FUNCTIONS) -> None:
    """Fill the raw tables of a new warehouse with a month of so many calls, and the catalog's; without a bill."""
    create_raw_schema(con)
    write_catalog(con, load_catalog(resource_path("catalog")))
    files = {"days": DAYS, "functions": functions, "functions_of_an_app": FUNCTIONS_OF_AN_APP, "calls": calls}
    con.execute(_FILES, files)
    con.execute(_DELIVERIES, {"days": DAYS, "functions": functions})
    con.execute(_CONTAINERS, {"days": DAYS, "containers": calls // CALLS_PER_CONTAINER})
    con.execute(_CALLS, {"days": DAYS, "functions": functions, "per_container": CALLS_PER_CONTAINER})
    container_hours.fill_in(con)
    con.execute("checkpoint")


def bill_month(con: duckdb.DuckDBPyConnection, functions: int = FUNCTIONS) -> None:
    """Bill every app of the month for a GPU and some memory."""
    days = {"since": MONTH.since, "until": MONTH.until}
    con.execute(_BILL, days)
    con.execute(_BILL_DELIVERY, days)
    con.execute(_BILL_LINES, days | {"apps": functions // FUNCTIONS_OF_AN_APP})
    con.execute("checkpoint")


def table(results: Sequence[AttributionResult]) -> str:
    """The results as Markdown tables."""
    return "\n\n".join(map(_table, results))


def _table(result: AttributionResult) -> str:
    ours, first = result.ours, result.first
    rows = [
        *((name, seconds, first.by_table.get(name) if first else None) for name, seconds in ours.by_table.items()),
        ("usage and spend", ours.seconds, first.seconds if first else None),
        ("bare `group by function, hour`", ours.bare_seconds, first.bare_seconds if first else None),
    ]
    lines = [f"| {name} | {seconds:.2f} s | {_seconds(other)} |" for name, seconds, other in rows]
    return "\n".join(
        [
            f"| {result.calls:,} calls, {result.functions:,} functions, {DAYS} days | CPU, median | first version |",
            "|---|---|---|",
            *lines,
            f"| against the bare group by | {_ratio(ours)} | {_ratio(first) if first else ''} |",
            *([f"| against the first version | {ours.seconds / first.seconds:.2f}× | |"] if first else []),
            f"| peak memory of the process | {ours.peak_bytes / 1e9:.2f} GB | {_gigabytes(first) if first else ''} |",
        ]
    )


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f} s"


def _ratio(side: Side) -> str:
    return f"{side.seconds / side.bare_seconds:.1f}×"


def _gigabytes(side: Side) -> str:
    return f"{side.peak_bytes / 1e9:.2f} GB"
