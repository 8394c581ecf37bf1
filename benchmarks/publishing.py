"""Publishing: finance's file after a changed day, behind a year, against writing it whole."""

import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tests.support.loading import load_at
from tieout.catalog.load import load_catalog
from tieout.catalog.models import Catalog
from tieout.core.resources import resource_path
from tieout.measure.tables import MeasuredTables
from tieout.simulator import SCENARIOS, larger, simulate
from tieout.warehouse.build import Period, write_model
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import all_models
from tieout.warehouse.publish import publish
from tieout.warehouse.weeks import known_weeks, record_weeks

WEEKS = 52
# A tenth of the demo's, so that a year of them is soon built.
CALLS_A_DAY = 335
MOST_SECONDS = 1.5
_CORAL_X = SCENARIOS["coral-x"]
_SEED = 1
_CHANGED = (
    "update finance.spend_daily set amount_usd = amount_usd + 1 where day = (select max(day) from finance.spend_daily)",
    "update reconciliation.usage_charges set amount_usd = amount_usd + 1 "
    "where date_trunc('day', hour) = (select max(date_trunc('day', hour)) from reconciliation.usage_charges)",
)
_DIFFERING = """
select count(*) from (
    (from made.{0} except all from whole.{0}) union all (from whole.{0} except all from made.{0})
)
"""


@dataclass(frozen=True)
class PublishingResult:
    """CPU seconds of writing the file whole and, as a median, after a changed day; rows, and those that differ."""

    weeks: int
    rows: int
    bytes: int
    whole_seconds: float
    changed_seconds: float
    differing_rows: int

    @property
    def is_met(self) -> bool:
        """Whether the target is met, with the rows of a file that is written whole."""
        return self.changed_seconds <= MOST_SECONDS and self.differing_rows == 0


def measure(runs: int) -> PublishingResult:
    """Build a year of the demo with a tenth of its calls; publish it, and again after changes of its last day."""
    fewer = larger(_CORAL_X, functions=len(_CORAL_X.functions), calls_per_day=CALLS_A_DAY)
    catalog = load_catalog(resource_path("catalog"))
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        folder = Path(directory)
        end = simulate(fewer, seed=_SEED, weeks=WEEKS, out=folder).period_end
        made, whole = folder / "made.duckdb", folder / "whole.duckdb"
        with open_warehouse(folder / "warehouse.duckdb") as con:
            weeks = _build(con, folder / "landing", catalog, now=end + dt.timedelta(days=60))
            whole_seconds = _cpu_seconds(lambda: publish(con, made, catalog))
            changed = []
            for _ in range(runs):
                for change in _CHANGED:
                    con.execute(change)
                changed.append(_cpu_seconds(lambda: publish(con, made, catalog)))
            rows = sum(publish(con, whole, catalog).rows.values())
        differing = _differing_rows(made, whole)
        return PublishingResult(weeks, rows, made.stat().st_size, whole_seconds, statistics.median(changed), differing)


def _build(con: duckdb.DuckDBPyConnection, landing: Path, catalog: Catalog, *, now: dt.datetime) -> int:
    load_at(con, landing, now=now)
    write_catalog(con, catalog)
    weeks = known_weeks(con)
    period = Period(weeks[0].start, weeks[-1].end)
    measured = MeasuredTables(con, catalog, None)
    for model in all_models():
        write_model(con, model, period, measured)
    record_weeks(con, catalog, weeks, now=now)
    return len(weeks)


def _cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _differing_rows(made: Path, whole: Path) -> int:
    with duckdb.connect() as con:
        con.execute(f"attach '{made}' as made (read_only)")
        con.execute(f"attach '{whole}' as whole (read_only)")
        tables = con.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'whole'"
        ).fetchall()
        return sum(int(con.execute(_DIFFERING.format(table)).fetchall()[0][0]) for (table,) in tables)


def table(result: PublishingResult) -> str:
    """The result as a Markdown table."""
    return "\n".join(
        [
            "| weeks | rows | file | written whole, CPU | after a changed day, median CPU | rows that differ |",
            "|---|---|---|---|---|---|",
            f"| {result.weeks} | {result.rows:,} | {result.bytes / 1e6:.0f} MB | {result.whole_seconds:.2f} s "
            f"| {result.changed_seconds:.2f} s | {result.differing_rows} |",
        ]
    )
