"""The runs of one command: Dagster opens with the first of them, and stays open for the next."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.workspace import Workspace

if TYPE_CHECKING:
    import dagster as dg
    from dagster import Definitions as Definitions

    from tieout.defs.calendar import Calendar
    from tieout.defs.execution import RunOutcome

DefinitionsOf = Callable[[Home, Path], "Definitions"]


class Runs:
    """Runs on an open workspace, recorded in its Dagster instance, with definitions as the landed weeks need them."""

    def __init__(self, workspace: Workspace, definitions_of: DefinitionsOf, opened: ExitStack) -> None:
        """Open nothing yet: its import alone takes longer than finding out that there is nothing to do."""
        self._workspace = workspace
        self._definitions_of = definitions_of
        self._opened = opened
        self._made: tuple[Calendar, Definitions] | None = None

    def load(self) -> "RunOutcome":
        """Load what is new in the landing folder."""
        from tieout.defs.execution import run_load

        with self._sharing():
            return run_load(self._definitions(), self._instance)

    def weeks(self, first: IsoWeek, last: IsoWeek) -> "RunOutcome":
        """Build every table for consecutive weeks, and write their reports."""
        from tieout.defs.execution import run_weeks

        with self._sharing():
            return run_weeks(self._definitions(), self._instance, first, last)

    def reports(self, first: IsoWeek, last: IsoWeek) -> "RunOutcome":
        """Measure consecutive weeks and write their reports, from the spend as it is."""
        from tieout.defs.execution import run_reports

        with self._sharing():
            return run_reports(self._definitions(), self._instance, first, last)

    def publishing(self) -> "RunOutcome":
        """Write finance's file from the tables as they are."""
        from tieout.defs.execution import run_publishing

        with self._sharing():
            return run_publishing(self._definitions(), self._instance)

    @contextmanager
    def _sharing(self) -> Iterator[None]:
        from tieout.defs.workspace import sharing

        with sharing(self._workspace):
            yield

    @cached_property
    def _instance(self) -> "dg.DagsterInstance":
        """The instance, in which runs that were killed count as failed."""
        from tieout.defs.execution import end_lost_runs
        from tieout.defs.instance import open_instance

        instance = self._opened.enter_context(open_instance(self._workspace.home))
        end_lost_runs(instance)
        return instance

    def _definitions(self) -> "Definitions":
        """Return the definitions, made again when a run has loaded weeks that their calendar lacks."""
        from tieout.defs.calendar import read_calendar

        home, catalog_directory = self._workspace.home, self._workspace.catalog_directory
        calendar = read_calendar(home, catalog_directory)
        if self._made is None or self._made[0] != calendar:
            self._made = calendar, self._definitions_of(home, catalog_directory)
        return self._made[1]


@contextmanager
def opened_for_runs(workspace: Workspace, definitions_of: DefinitionsOf) -> Iterator[Runs]:
    """Keep Dagster open from the first run of a command to the last, and close it."""
    with ExitStack() as opened:
        yield Runs(workspace, definitions_of, opened)
