"""The runs of one command: Dagster opens with the first of them, and stays open for the next."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tieout.core.home import Home

if TYPE_CHECKING:
    import dagster as dg

    from tieout.defs.calendar import Calendar


class Runs:
    """Dagster's instance of a workspace, and its definitions as the landed weeks need them."""

    def __init__(self, home: Home, catalog_directory: Path, opened: ExitStack) -> None:
        """Open nothing yet: its import alone takes longer than finding out that there is nothing to do."""
        self._home = home
        self._catalog_directory = catalog_directory
        self._opened = opened
        self._made: tuple[Calendar, dg.Definitions] | None = None

    @cached_property
    def instance(self) -> "dg.DagsterInstance":
        """The instance, in which runs that were killed count as failed."""
        from tieout.defs.execution import end_lost_runs
        from tieout.defs.instance import open_instance

        instance = self._opened.enter_context(open_instance(self._home))
        end_lost_runs(instance)
        return instance

    def definitions(self, definitions_of: "Callable[[Home, Path], dg.Definitions]") -> "dg.Definitions":
        """Return the definitions, made anew when a run has loaded weeks that their calendar lacks."""
        from tieout.defs.calendar import read_calendar

        calendar = read_calendar(self._home, self._catalog_directory)
        if self._made is None or self._made[0] != calendar:
            self._made = calendar, definitions_of(self._home, self._catalog_directory)
        return self._made[1]


@contextmanager
def opened_for_runs(home: Home, catalog_directory: Path) -> Iterator[Runs]:
    """Keep Dagster open from the first run of a command to the last, and close it."""
    with ExitStack() as opened:
        yield Runs(home, catalog_directory, opened)
