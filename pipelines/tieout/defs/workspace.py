"""The resource that every asset works with: one warehouse connection, catalog and validator for a whole run.

Opening them for each step would cost more than building the tables. The run executes in one process, so what is opened
when it starts is closed when it ends, however it ends.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from pydantic import PrivateAttr

from tieout.catalog.load import load_catalog
from tieout.catalog.models import Catalog
from tieout.core.home import Home
from tieout.defs.calendar import weeks_of, write_calendar
from tieout.measure.daily_work import read_lock
from tieout.measure.tables import MeasuredTables
from tieout.savings.baseline_lock import BaselineLock
from tieout.sources import LoadResult, create_raw_schema, load_landing
from tieout.validation.raw_checks import check_raw
from tieout.validation.runner import ValidationResult, Validator
from tieout.validation.suites import ALL_DAYS, load_suite
from tieout.warehouse.build import Build, Period, build_models
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.closings import restore_closings
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import Model, load_models, reported_models
from tieout.warehouse.weeks import built_weeks, follow_containers, known_weeks, record_reports, record_weeks

_watcher: ContextVar[Callable[[str], None] | None] = ContextVar("watcher", default=None)


@contextmanager
def watched_by(watcher: Callable[[str], None]) -> Iterator[None]:
    """Tell someone which step begins, while a run of this process goes on."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def begin(step: str) -> None:
    """Say which step begins, to whoever watches."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher(step)


class Session:
    """An open workspace for the length of one run."""

    def __init__(
        self,
        *,
        con: duckdb.DuckDBPyConnection,
        catalog: Catalog,
        lock: BaselineLock | None,
        home: Home,
        run_id: str,
    ) -> None:
        """Bring the catalog's tables and the closings up to date; the connection stays the caller's to close."""
        self.con = con
        self.catalog = catalog
        self.lock = lock
        self.home = home
        self._run_id = run_id
        self._built: dict[Period, set[str]] = {}
        create_raw_schema(con)
        write_catalog(con, catalog)
        restore_closings(con, home.reports)

    @cached_property
    def _validator(self) -> Validator:
        return Validator(self.con)

    def load(self) -> LoadResult:
        """Load what is new in the landing folder."""
        begin("landing")
        return load_landing(self.con, self.home.landing, now=_now())

    def check_raw(self) -> dict[str, ValidationResult]:
        """Check the rows that the loader brought in; they are gone again when they do not pass."""
        results = check_raw(self.con, self._validator, run_id=self._run_id)
        follow_containers(self.con)
        write_calendar(self.home, known_weeks(self.con))
        return results

    def build(self, models: Sequence[Model], period: Period) -> Build:
        """Build tables for a period; with all that SQL alone makes, the weeks count as built."""
        measured = MeasuredTables(self.con, self.catalog, self.lock)
        build = build_models(
            self.con,
            models,
            period,
            validator=self._validator,
            run_id=self._run_id,
            measured=measured,
            begin=begin,
        )
        if build.is_committed:
            built = {model.name for model in models}
            self._built.setdefault(period, set()).update(built)
            if built >= {each.name for each in load_models()}:
                record_weeks(self.con, self.catalog, weeks_of(period), now=_now())
        return build

    def check(self, model: Model) -> ValidationResult:
        """Hold a table as it is, with all its weeks, against its suite."""
        begin(model.name)
        weeks = built_weeks(self.con)
        days = (weeks[0].start, weeks[-1].end) if weeks else ALL_DAYS
        rows = f"select * from {model.name}"  # noqa: S608 - our own names
        return self._validator.validate(load_suite(model.name), rows=rows, days=days)

    def record_reports(self, period: Period) -> None:
        """Record that the reports of a period are made, if the measured tables beside them are, too."""
        if self._built.get(period, set()) >= {each.name for each in reported_models()}:
            record_reports(self.con, self.catalog, weeks_of(period), now=_now(), lock=self.lock)


class Workspace(dg.ConfigurableResource[Any]):
    """A workspace: the folder of its state, and the catalog of its programme."""

    home: str
    catalog: str
    _session: Session = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Workspace"]:
        """Open the warehouse when a run starts, and close it when the run ends."""
        home, catalog = Home(Path(self.home)), load_catalog(Path(self.catalog))
        lock = read_lock(Path(self.catalog))
        run_id = context.run.run_id if context.run else ""
        with open_warehouse(home.warehouse) as con:
            self._session = Session(con=con, catalog=catalog, lock=lock, home=home, run_id=run_id)
            yield self

    @property
    def session(self) -> Session:
        """The open workspace of this run."""
        return self._session


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
