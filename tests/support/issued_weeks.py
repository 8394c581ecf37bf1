"""A workspace so small that a person can follow every cent: one app with two functions, one without calls, one volume.

Bills are daily. A week is landed, built and reported in about a second: without Dagster, without validation, and with
pages of a line, because what pages show is tested elsewhere.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

from tests.support.loading import load_at
from tieout.catalog.load import load_catalog
from tieout.catalog.models import Catalog
from tieout.core.home import Home
from tieout.core.periods import IsoWeek, day_start
from tieout.core.resources import resource_path
from tieout.core.sql import transaction
from tieout.measure.daily_work import Measured
from tieout.measure.tables import MeasuredTables
from tieout.report.contents import WeeklyReport
from tieout.report.issue import issue_report
from tieout.report.weekly import build_report
from tieout.sources import create_raw_schema
from tieout.warehouse.build import Period, write_model, write_models
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.closings import restore_closings
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import load_models, model_named
from tieout.warehouse.weeks import consecutive, record_reports, record_weeks, stale_reports, stale_weeks

CATALOG = load_catalog(resource_path("catalog"))
FIRST, SECOND, THIRD = (IsoWeek.parse(f"2026-W{number}") for number in (42, 43, 44))
APP, OTHER_APP, VOLUME = "coral-x-production", "notebook", "weights"
CODE, GENOME, NO_CALLS = "generate_code_modal", "evaluate_genome_modal", "__no_calls__"
ISSUED = dt.datetime(2027, 1, 4, 9, tzinfo=dt.UTC)
LINKS = (
    '<!-- weeks --><a href="../2026-W41/index.html">before</a><!-- end of weeks --> '
    '<a href="revision-1/index.html">Revision 1</a> <a href="#cost">'
)
_OBJECTS = {APP: "ap-1", OTHER_APP: "ap-2", VOLUME: "vo-1"}
_DAY = dt.timedelta(days=1)
DAILY_USD = {APP: "10.00", OTHER_APP: "1.00", VOLUME: "0.10"}


class IssuedWeeks:
    """The workspace: land files, and report what they come to."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.catalog = CATALOG
        self._reported = 0

    def land_week(self, week: IsoWeek) -> None:
        """Land a week's bill and logs as they are two days after it."""
        self.land_bill(week)
        for function in (CODE, GENOME):
            self.land_calls(week, function, calls=10)

    def land_bill(
        self,
        week: IsoWeek,
        *,
        name: str = "bill",
        fetched_at: dt.datetime | None = None,
        changed: Mapping[tuple[str, int], str | None] = {},
        elsewhere: Mapping[str, str] = {},
    ) -> str:
        """Land the daily bill of a week.

        Args:
            week: the week.
            name: of the file.
            fetched_at: naive UTC; two days after the week when left out.
            changed: other amounts by name and day (from 0), None for no row.
            elsewhere: what an app of the same name costs on the first day in the environment `staging`.
        """
        rows = [
            {
                "object_id": object_id,
                "description": billed,
                "environment": "main",
                "interval_start": f"{week.days()[day]}T00:00:00",
                "cost": amount,
            }
            for billed, object_id in _OBJECTS.items()
            for day in range(7)
            if (amount := changed.get((billed, day), DAILY_USD[billed])) is not None
        ]
        rows += [
            {
                "object_id": f"{_OBJECTS[billed]}-staging",
                "description": billed,
                "environment": "staging",
                "interval_start": f"{week.start}T00:00:00",
                "cost": amount,
            }
            for billed, amount in elsewhere.items()
        ]
        path = f"billing_report/{week.label}.{name}.json"
        self._put(path, rows, week, fetched_at, resolution="d")
        return path

    def land_calls(
        self,
        week: IsoWeek,
        function: str,
        *,
        calls: int,
        name: str = "calls",
        fetched_at: dt.datetime | None = None,
        status: str = "success",
    ) -> str:
        """Land a week's log of a function: some calls of a minute each on every day, each in its own container."""
        rows = [
            {
                "function_call_id": f"fc-{function}-{day}-{call}",
                "service_method_name": None,
                "enqueued_at": f"{day}T10:{call:02d}:00Z",
                "started_at": f"{day}T10:{call:02d}:00Z",
                "container_id": f"ta-{function}-{day}-{call}",
                "startup_time_seconds": 0,
                "execution_time_seconds": 60,
                "status": status,
            }
            for day in week.days()
            for call in range(calls)
        ]
        path = f"function_calls/app={APP}/function={function}/{week.label}.{name}.json"
        self._put(path, rows, week, fetched_at)
        return path

    def land_invoice(self, month: str, **fields: str) -> None:
        """Land an invoice."""
        path = self.home.landing / "invoices" / f"{month}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"number": "INV-1"} | fields))

    def land_summary(self, month: str, billed: str) -> None:
        """Land a month's summary without adjustments."""
        path = self.home.landing / "billing_summary" / f"{month}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        amounts = {"metered_cost": billed, "billed_cost": billed, "adjustments": {}}
        path.write_text(json.dumps(amounts | {"metered_cost_breakdown": {"Compute": billed}}))

    def report(self) -> dict[IsoWeek, WeeklyReport]:
        """Load what is landed, build everything, and issue the reports that are not up to date, as a run does."""
        self._reported += 1
        now = ISSUED + self._reported * _DAY
        reports = {}
        with open_warehouse(self.home.warehouse) as con:
            create_raw_schema(con)
            write_catalog(con, self.catalog)
            restore_closings(con, self.home.reports)
            assert not load_at(con, self.home.landing, now=now).rejected
            _build(con, self.catalog, tuple(stale_weeks(con, self.catalog)), now)
            while stale := stale_reports(con, self.catalog):
                measured = _measure(con, self.catalog, stale)
                for week in stale:
                    report = build_report(con, week, self.catalog, measured=measured)
                    with patch("tieout.report.issue.write_report", write_short):
                        reports[week], _ = issue_report(con, report, (), self.home.reports, now=now)
                record_reports(con, self.catalog, stale, now=now)
        return reports

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        with duckdb.connect(self.home.warehouse, read_only=True) as con:
            return con.execute(sql).fetchall()

    def _put(
        self,
        name: str,
        rows: Sequence[Mapping[str, object]],
        week: IsoWeek,
        fetched_at: dt.datetime | None,
        **said: object,
    ) -> None:
        path = self.home.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows))
        sidecar = {
            "command": "modal …",
            "range_start": f"{week.start}T00:00:00Z",
            "range_end": f"{week.end}T00:00:00Z",
            "fetched_at": (fetched_at or after(week, days=2)).isoformat() + "Z",
            "client_version": "1.6.4",
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        path.with_name(f"{path.name}.meta.json").write_text(json.dumps(sidecar | said))


def write_short(report: WeeklyReport, _: object, directory: Path) -> tuple[Path, ...]:
    """Write pages of a line, where nobody looks at what pages show."""
    folder = directory / report.week.label
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(f"{report.revision.sentence} {LINKS}")
    (folder / "workbook.xlsx").write_bytes(report.revision.sentence.encode())
    return folder / "index.html", folder / "workbook.xlsx"


def _build(con: duckdb.DuckDBPyConnection, catalog: Catalog, weeks: Sequence[IsoWeek], now: dt.datetime) -> None:
    for first, last in consecutive(weeks):
        with transaction(con):
            write_models(con, load_models(), Period(first.start, last.end))
    record_weeks(con, catalog, weeks, now=now)


def _measure(con: duckdb.DuckDBPyConnection, catalog: Catalog, weeks: Sequence[IsoWeek]) -> Mapping[IsoWeek, Measured]:
    """Write the list of what each week saved, where questions find the newest week, and return what was measured."""
    measured = MeasuredTables(con, catalog, None)
    for first, last in consecutive(weeks):
        with transaction(con):
            for name in ("savings.weekly", "finance.savings_weekly"):
                write_model(con, model_named(name), Period(first.start, last.end), measured, is_described=False)
    return measured.measured


def after(week: IsoWeek, *, days: int) -> dt.datetime:
    """The moment so many days after a week's end, naive UTC."""
    return day_start(week.end) + days * _DAY


def usd(text: str) -> Decimal:
    return Decimal(text)
