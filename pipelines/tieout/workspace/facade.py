"""The façade: one workspace, what is out of date in it, and the steps that bring it up to date, in their order.

`tieout.open_workspace` gives one; the command line and Dagster do their work through it. A workspace opens its
warehouse once, for reading or for writing as the first step needs, and keeps that connection until it is closed.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from tieout.catalog.settings import CALL_LOGS
from tieout.core.environment import catalog_or_default, home_or_default
from tieout.core.findings import Finding
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.measure.daily_work import Measured, measure
from tieout.report.kept_issues import Mended, mend_issues, weeks_without_pages
from tieout.sources import LoadResult, load_landing
from tieout.sources.landing import LandingFile, scan
from tieout.sources.ledger import scanned
from tieout.validation.raw_checks import check_raw, unchecked_files
from tieout.validation.suites import ALL_DAYS, load_suite
from tieout.warehouse.build import Build, Period, build_models
from tieout.warehouse.connection import WarehouseError
from tieout.warehouse.models import Model, load_models, reported_models
from tieout.warehouse.publish import PublishedFile, is_published, publish, read_published
from tieout.warehouse.weeks import (
    built_weeks,
    follow_containers,
    known_weeks,
    record_reports,
    record_weeks,
    stale_reports,
    stale_weeks,
)
from tieout.workspace.access import WarehouseAccess, Watch
from tieout.workspace.update import Listener, Update, Work, bring_up_to_date

if TYPE_CHECKING:
    import polars as pl

    from tieout.cluster.container_files import Landed
    from tieout.modal.pull import PullOutcome
    from tieout.modal.tasks import Progress
    from tieout.modal.visit import Wanted
    from tieout.report.contents import WeeklyReport
    from tieout.report.formats.charts import Chart
    from tieout.savings.week import WeekMeasurement
    from tieout.validation.results import ValidationResult
    from tieout.validation.runner import Validator
    from tieout.warehouse.focus import FocusFile


_ASKED_FOR = "it was asked for"


def open_workspace(
    home: Path | str | None = None, catalog: Path | str | None = None, *, watch: Watch | None = None
) -> "Workspace":
    """Name a workspace; nothing is opened before a step needs it.

    Args:
        home: the folder of its state; by default `$TIEOUT_HOME`, else `./data`.
        catalog: the folder of its programme; by default `$TIEOUT_CATALOG`, else `HOME/catalog`, else `./catalog`, as
            `tieout.core.environment.catalog_or_default` finds it; without any, the programme is empty.
        watch: is told the name of every step before it begins.
    """
    place = home_or_default(None if home is None else Path(home))
    return Workspace(place, catalog_or_default(None if catalog is None else Path(catalog), place), watch=watch)


class Workspace(WarehouseAccess):
    """A workspace with the steps that bring it up to date; use it as a context manager, or close it."""

    def __init__(self, home: Home, catalog_directory: Path, *, watch: Watch | None = None, run_id: str = "") -> None:
        """Open nothing yet."""
        super().__init__(home, catalog_directory, watch=watch, run_id=run_id)
        self._tables_built: dict[Period, set[str]] = {}
        self._measured: Mapping[IsoWeek, Measured] = {}
        self._not_loaded_yet: Sequence[LandingFile] = ()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the warehouse; the validator belongs to its connection, and what was measured to what it held."""
        self.__dict__.pop("_validator", None)
        self._measured = {}
        super().__exit__(kind, error, trace)

    # What is out of date

    def is_loaded(self) -> bool:
        """Tell whether all landed files are loaded as they stand and passed their checks."""
        if not self.home.warehouse.exists():
            return False
        known = scanned(self.con)
        refused = self.con.execute("select count(*) from raw.rejected_files").fetchall()
        if not self._is_counted():
            return False
        files = self._not_loaded_yet or self._landed_files()
        is_loaded = (refused, unchecked_files(self.con)) == ([(0,)], 0) and all(
            known.get(file.name) == file.fingerprint for file in files
        )
        # The load that follows need not look for them again; after a year there are many.
        self._not_loaded_yet = () if is_loaded else files
        return is_loaded

    def known_weeks(self) -> tuple[IsoWeek, ...]:
        """The weeks that loaded bills and call logs speak of, in the order of time."""
        with self.reading() as con:
            return known_weeks(con)

    def built_weeks(self) -> tuple[IsoWeek, ...]:
        """The weeks that every table is built for, in the order of time."""
        with self.reading() as con:
            return built_weeks(con)

    def work(self, only: IsoWeek | None = None, *, all_weeks: bool = False) -> Work:
        """Say what has to be built and reported: what is out of date, one week, or everything."""
        known = known_weeks(self.con)
        if only is not None:
            return Work(known, (only,), (only,), only, {only: _ASKED_FOR})
        reasons = dict.fromkeys(known, _ASKED_FOR) if all_weeks else stale_weeks(self.con, self.catalog)
        report = tuple(sorted({*reasons, *self.stale_reports()}))
        return Work(known, tuple(reasons), report, reasons=reasons)

    def stale_reports(self) -> tuple[IsoWeek, ...]:
        """The built weeks whose reports show something else than the tables say now, or whose files are lost."""
        stale = stale_reports(self.con, self.catalog, self.lock)
        return tuple(sorted({*stale, *weeks_without_pages(self.con, self.home.reports)}))

    def mend_issues(self) -> Mended:
        """Verify the files of all issues, and write again what is lost and still known."""
        with self.reading() as con:
            return mend_issues(con, self.home.reports)

    def is_published(self) -> bool:
        """Tell whether finance's file shows the warehouse as it is; without a built week there is nothing to show."""
        with self.reading() as con:
            return not built_weeks(con) or is_published(con, self.home.finance, self.catalog, lock=self.lock)

    # The steps

    def pull(self, wanted: "Wanted | None" = None, *, progress: "Progress | None" = None) -> "PullOutcome":
        """Bring from Modal what is missing or may still change, into the landing folder (docs/live.md).

        Args:
            wanted: the exports and the days; by default everything.
            progress: is told what has arrived, and the finished share (0 to 1) of the stage.

        Raises:
            ModalError: nothing could be asked for.
        """
        from tieout.modal.pull import ignore_progress, pull
        from tieout.modal.retry_policy import RetryPolicy
        from tieout.modal.visit import PULLED_SOURCES, CatalogedFunctions, Wanted

        self._not_loaded_yet = ()
        return pull(
            self.home.landing,
            CatalogedFunctions.of(self.catalog),
            wanted or Wanted(frozenset(PULLED_SOURCES), None, None),
            policy=RetryPolicy.from_environment(),
            clock=_now,
            progress=progress or ignore_progress,
        )

    def load(self) -> LoadResult:
        """Load what is new in the landing folder; rows are checked by `check_raw`."""
        self.count()
        self.begin("landing")
        self._measured = {}
        found, self._not_loaded_yet = self._not_loaded_yet, ()
        return load_landing(self.con, self.home.landing, now=_now(), found=found, without=self._left_alone)

    def count(self) -> "Landed | None":
        """Have Spark count the container hours of the call logs, where the settings say so and a log has changed.

        Returns:
            What was landed; None where nothing had to be counted.

        Raises:
            ClusterError: Spark cannot be used, or the logs cannot be read.
        """
        if self.catalog.settings.usage_engine != "spark" or self._is_counted():
            return None
        from tieout.cluster.spark import count_on_spark

        self.begin("call logs on Spark")
        self._not_loaded_yet = ()
        return count_on_spark(self.home, self.catalog, now=_now().replace(tzinfo=None))

    def _is_counted(self) -> bool:
        """Tell whether no call log waits for Spark; of logs that only Spark can read, nobody knows."""
        if self.catalog.settings.usage_engine != "spark":
            return True
        from tieout.cluster.found import find, folder_of_logs, is_counted

        folder = folder_of_logs(self.home, self.catalog)
        return folder is not None and is_counted(self.home, self.catalog, find(folder))

    @property
    def _left_alone(self) -> str | None:
        """The source whose files are not loaded: the call logs, where Spark reads them."""
        return None if self.catalog.settings.call_source == CALL_LOGS else CALL_LOGS

    def _landed_files(self) -> list[LandingFile]:
        return [file for file in scan(self.home.landing) if file.source != self._left_alone]

    def check_raw(self) -> "dict[str, ValidationResult]":
        """Check the rows that the loader brought in, table by table; they are gone again when they do not pass."""
        results = check_raw(self.con, lambda: self._validator, run_id=self.run_id)
        follow_containers(self.con)
        return results

    def build_models(self, models: Sequence[Model], period: Period) -> Build:
        """Build tables for a period in one transaction; with all that SQL alone makes, the weeks count as built."""
        from tieout.measure.tables import MeasuredTables

        self._measured, measured = {}, MeasuredTables(self.con, self.catalog, self.lock)
        build = build_models(
            self.con,
            models,
            period,
            validator=self._validator,
            run_id=self.run_id,
            measured=measured,
            begin=self.begin,
        )
        if build.is_committed:
            self._measured = measured.measured
            built = {model.name for model in models}
            self._tables_built.setdefault(period, set()).update(built)
            if built >= {each.name for each in load_models()}:
                record_weeks(self.con, self.catalog, period.weeks(), now=_now())
        return build

    def check(self, model: Model) -> "ValidationResult":
        """Check a table as it is, with all its weeks, against its suite."""
        self.begin(model.name)
        weeks = built_weeks(self.con)
        days = (weeks[0].start, weeks[-1].end) if weeks else ALL_DAYS
        rows = f"select * from {model.name}"  # noqa: S608 - our own names
        return self._validator.validate(load_suite(model.name), rows=rows, days=days)

    def record_reports(self, period: Period) -> None:
        """Record that the reports of a period are made, if the measured tables beside them are, too."""
        if self._tables_built.get(period, set()) >= {each.name for each in reported_models()}:
            record_reports(self.con, self.catalog, period.weeks(), now=_now(), lock=self.lock)

    def publish(self) -> PublishedFile:
        """Write finance's file from the tables as they are, and put it in the place of the one before."""
        self.begin("finance/published")
        return publish(self.con, self.home.finance, self.catalog, lock=self.lock)

    @cached_property
    def _validator(self) -> "Validator":
        from tieout.validation.runner import Validator

        return Validator(self.con)

    # For Python

    def build(self, only: IsoWeek | str | None = None) -> Work:
        """Load what is new, build the tables that are out of date, write their reports, and publish.

        The same as `tieout run`, without a record in Dagster.

        Args:
            only: the one week to build, such as `2026-W46`; by default whatever is out of date.

        Returns:
            What was built and reported.

        Raises:
            GateError: the data break a critical rule.
            UnknownWeekError: no landed file speaks of the week.
            WarehouseError: the warehouse cannot be written.
        """
        return self.update(_week(only)).work

    def update(
        self, only: IsoWeek | None = None, *, all_weeks: bool = False, listener: Listener | None = None
    ) -> Update:
        """Bring everything up to date, as `build` does, and tell a listener what is done."""
        return bring_up_to_date(self, only, all_weeks=all_weeks, listener=listener or Listener())

    def issue(self, week: IsoWeek | str) -> "tuple[WeeklyReport, tuple[Chart, ...], tuple[Path, ...]]":
        """Write a week's report, and issue it when every day of it is settled and no gate is closed.

        Returns:
            The report as written, its charts, and its files, HTML first.
        """
        from tieout.report.formats.charts import draw_charts
        from tieout.report.issue import issue_report
        from tieout.report.weekly import build_report

        chosen = self._built(week)
        self.begin(f"reports/{chosen.label}")
        report = build_report(self.con, chosen, self.catalog, lock=self.lock, measured=self._measured)
        charts = draw_charts(report)
        written, files = issue_report(self.con, report, charts, self.home.reports, now=_now())
        return written, charts, files

    def report(self, week: IsoWeek | str) -> "WeeklyReport":
        """Read a week's report, as a frozen value; nothing is written.

        Raises:
            WarehouseError: the week is not built.
        """
        from tieout.report.weekly import build_report

        chosen = self._built(week)
        with self.reading() as con:
            return build_report(con, chosen, self.catalog, lock=self.lock)

    def measure(self, week: IsoWeek | str) -> "tuple[WeekMeasurement, tuple[Finding, ...]]":
        """Measure the savings of a week: every function's avoided cost, interval and status, and the bridge.

        Returns:
            The measurement, and how data and catalog differ from the frozen baseline.

        Raises:
            WarehouseError: the week is not built.
        """
        chosen = self._built(week)
        with self.reading() as con:
            return measure(con, chosen, self.catalog, lock=self.lock)

    def query(self, question: str) -> "pl.DataFrame":
        """Answer a select, or a question by its name in `sql/queries/`, exactly: money as Decimal.

        Raises:
            QueryError: it cannot be answered.
        """
        import polars as pl

        from tieout.warehouse.queries import ask_workspace, select_of

        self.close()  # a question is answered by a connection that can change nothing
        found = ask_workspace(self.home, select_of(question))
        return pl.DataFrame(found.rows, schema=list(found.columns), orient="row", infer_schema_length=None)

    def export_workbook(self, week: IsoWeek | str, path: Path) -> Path:
        """Write a week's report as an Excel workbook."""
        from tieout.report.formats.workbook import write_workbook

        return write_workbook(self.report(week), path)

    def export_focus(self, version: str, directory: Path) -> "tuple[FocusFile, ...]":
        """Write the published bill in a version of FOCUS (1.2 or 1.4), every month as CSV and Parquet.

        Raises:
            WarehouseError: nothing is published yet, or the charges of a month do not add up to its bill.
        """
        from tieout.warehouse.focus import export_focus

        with read_published(self.home.finance) as con:
            return export_focus(con, version, directory)

    def _built(self, week: IsoWeek | str) -> IsoWeek:
        chosen, built = _week(week), self.built_weeks()
        if chosen is None or chosen not in built:
            weeks = f"{built[0].label} to {built[-1].label}" if built else "none"
            label = chosen.label if chosen else "no week"
            raise WarehouseError(f"{label} is not built in {self.home.warehouse}; built weeks: {weeks}")
        return chosen


def _week(week: IsoWeek | str | None) -> IsoWeek | None:
    return IsoWeek.parse(week) if isinstance(week, str) else week


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
