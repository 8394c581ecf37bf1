"""Attribution: usage and spend of a month of calls against DuckDB's bare `group by function, hour` over them.

The hours of containers are summed up before: that is work of the load, and `benchmarks/ingest.py` measures it.
"""

import datetime as dt
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from tieout.catalog.load import load_catalog
from tieout.core.resources import resource_path
from tieout.sources import container_hours, create_raw_schema
from tieout.warehouse.build import Period, write_model
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import load_models

FUNCTIONS = 500
FUNCTIONS_OF_AN_APP = 10
DAYS = 30
CALLS_PER_CONTAINER = 100
MONTH = Period(dt.date(2026, 10, 1), dt.date(2026, 11, 1))
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
class Cost:
    """Seconds from start to end, and seconds of CPU on all cores: the latter say more on a busy machine."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class AttributionResult:
    """Median cost of the bare group by and of each table of ours, and the peak memory of the process in bytes."""

    calls: int
    bare: Cost
    by_table: dict[str, Cost]
    peak_bytes: int

    @property
    def ours(self) -> Cost:
        """The cost of all tables."""
        costs = self.by_table.values()
        return Cost(sum(cost.seconds for cost in costs), sum(cost.cpu_seconds for cost in costs))


def measure(calls: int, runs: int = 3) -> AttributionResult:
    """Measure a month of so many calls in a process of its own, so that its peak memory is nobody else's."""
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measure, calls, runs).result()


def _measure(calls: int, runs: int) -> AttributionResult:
    with (
        tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory,
        open_warehouse(Path(directory) / "warehouse.duckdb") as con,
    ):
        fill_month(con, calls)
        _bill_month(con)
        bare = _median([_cost(partial(con.execute, _GROUP_BY)) for _ in range(runs)])
        built = [_build(con) for _ in range(runs)]
    by_table = {name: _median([run[name] for run in built]) for name in built[0]}
    return AttributionResult(calls, bare, by_table, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def fill_month(con: duckdb.DuckDBPyConnection, calls: int) -> None:
    """Fill the raw tables of a new warehouse with a month of so many calls, and the catalog's; without a bill."""
    create_raw_schema(con)
    write_catalog(con, load_catalog(resource_path("catalog")))
    files = {"days": DAYS, "functions": FUNCTIONS, "functions_of_an_app": FUNCTIONS_OF_AN_APP, "calls": calls}
    con.execute(_FILES, files)
    con.execute(_DELIVERIES, {"days": DAYS, "functions": FUNCTIONS})
    con.execute(_CONTAINERS, {"days": DAYS, "containers": calls // CALLS_PER_CONTAINER})
    con.execute(_CALLS, {"days": DAYS, "functions": FUNCTIONS, "per_container": CALLS_PER_CONTAINER})
    container_hours.fill_in(con)
    con.execute("checkpoint")


def _bill_month(con: duckdb.DuckDBPyConnection) -> None:
    days = {"since": MONTH.since, "until": MONTH.until}
    con.execute(_BILL, days)
    con.execute(_BILL_DELIVERY, days)
    con.execute(_BILL_LINES, days | {"apps": FUNCTIONS // FUNCTIONS_OF_AN_APP})
    con.execute("checkpoint")


def _build(con: duckdb.DuckDBPyConnection) -> dict[str, Cost]:
    costs = {}
    for model in load_models():
        if model.schema in ("staging", "usage", "spend"):
            cost = _cost(partial(write_model, con, model, MONTH))
            if model.schema != "staging":
                costs[model.name] = cost
    return costs


def _cost(work: Callable[[], object]) -> Cost:
    started, cpu_started = time.monotonic(), time.process_time()
    work()
    return Cost(time.monotonic() - started, time.process_time() - cpu_started)


def _median(costs: list[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.seconds for cost in costs), statistics.median(cost.cpu_seconds for cost in costs)
    )


def table(result: AttributionResult) -> str:
    """The result as a Markdown table."""
    costs = {**result.by_table, "usage and spend": result.ours, "bare `group by function, hour`": result.bare}
    ratio = result.ours.seconds / result.bare.seconds
    cpu_ratio = result.ours.cpu_seconds / result.bare.cpu_seconds
    return "\n".join(
        [
            f"| {result.calls:,} calls, {FUNCTIONS} functions, {DAYS} days | median | CPU, all cores |",
            "|---|---|---|",
            *(f"| {name} | {cost.seconds:.2f} s | {cost.cpu_seconds:.2f} s |" for name, cost in costs.items()),
            f"| ratio | {ratio:.1f}× | {cpu_ratio:.1f}× |",
            f"| peak memory of the process | {result.peak_bytes / 1e9:.2f} GB | |",
        ]
    )
