"""Attribution: usage and spend of a month of calls against DuckDB's bare `group by function, hour` over them."""

import datetime as dt
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.core.catalog import load_catalog
from pipelines.core.resources import resource_path
from pipelines.sources import create_raw_schema
from pipelines.warehouse.build import Period, build_model
from pipelines.warehouse.catalog_tables import write_catalog
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.models import load_models
from pipelines.warehouse.validation import Validator

FUNCTIONS = 500
DAYS = 30
CALLS_PER_CONTAINER = 100
MONTH = Period(dt.date(2026, 10, 1), dt.date(2026, 11, 1))
_GROUP_BY = """
create or replace temp table grouped as
select file_id, date_trunc('hour', started_at) as hour, count(*) as calls, sum(execution_us) as execution_us
from raw.function_calls group by all
"""

# Every container serves a hundred calls, one every 20 s for about 17 s; every app is billed for one GPU all day.
_FILES = """
insert into raw.files (file_id, source, sha256, path, app, function)
select f * $days + d + 1, 'function_calls', (f * $days + d)::varchar, 'p', 'app' || (f // 10), 'f' || f
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


@dataclass(frozen=True)
class AttributionResult:
    """Median seconds of both sides, their ratio, and the seconds of each table of ours."""

    calls: int
    bare_seconds: float
    ours_seconds: float
    by_table: dict[str, float]

    @property
    def ratio(self) -> float:
        """Ours over the bare group by."""
        return self.ours_seconds / self.bare_seconds


def measure(calls: int, runs: int = 3) -> AttributionResult:
    """Fill the raw tables with so many calls and build usage and spend of their month so many times."""
    with (
        tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory,
        open_warehouse(Path(directory) / "warehouse.duckdb") as con,
    ):
        fill_month(con, calls)
        validator = Validator(con)
        bare = statistics.median(_timed_group_by(con) for _ in range(runs))
        seconds = [_timed_build(con, validator) for _ in range(runs)]
    by_table = {name: statistics.median(run[name] for run in seconds) for name in seconds[0]}
    return AttributionResult(calls, bare, sum(by_table.values()), by_table)


def fill_month(con: duckdb.DuckDBPyConnection, calls: int) -> None:
    """Fill the raw tables of a new warehouse with a month of so many calls, and the catalog's; nothing is billed."""
    create_raw_schema(con)
    write_catalog(con, load_catalog(resource_path("catalog")))
    con.execute(_FILES, {"days": DAYS, "functions": FUNCTIONS})
    con.execute(_DELIVERIES, {"days": DAYS, "functions": FUNCTIONS})
    con.execute(_CONTAINERS, {"days": DAYS, "containers": calls // CALLS_PER_CONTAINER})
    con.execute(_CALLS, {"days": DAYS, "functions": FUNCTIONS, "per_container": CALLS_PER_CONTAINER})
    con.execute("checkpoint")


def _timed_group_by(con: duckdb.DuckDBPyConnection) -> float:
    started = time.monotonic()
    con.execute(_GROUP_BY)
    return time.monotonic() - started


def _timed_build(con: duckdb.DuckDBPyConnection, validator: Validator) -> dict[str, float]:
    seconds = {}
    for model in load_models():
        if model.schema in ("staging", "usage", "spend"):
            result = build_model(con, model, MONTH, validator=validator, run_id="benchmark")
            if model.schema != "staging":
                seconds[model.name] = result.seconds - result.validation_seconds
    return seconds


def table(result: AttributionResult) -> str:
    """The result as a Markdown table."""
    lines = [f"| {name} | {seconds:.2f} s |" for name, seconds in result.by_table.items()]
    return "\n".join(
        [
            f"| {result.calls:,} calls, {FUNCTIONS} functions, {DAYS} days | median |",
            "|---|---|",
            *lines,
            f"| usage and spend | {result.ours_seconds:.2f} s |",
            f"| bare `group by function, hour` | {result.bare_seconds:.2f} s |",
            f"| ratio | {result.ratio:.1f}× |",
        ]
    )
