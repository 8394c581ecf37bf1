"""The steps that are killed: what each starts from, what it runs, and what it has to come to."""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.commands import Command, run_to_end
from benchmarks.kills import contents
from benchmarks.kills.contents import Contents
from benchmarks.workspaces import copy, land, take_away_since
from tests.modal.local_modal import LocalModal
from tests.support.loading import load_at
from tieout.catalog.load import load_catalog
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.simulator import SCENARIOS, larger, simulate
from tieout.simulator import run as run_world
from tieout.warehouse.build import Period, write_model
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import open_warehouse, read_warehouse
from tieout.warehouse.models import load_models
from tieout.warehouse.weeks import built_weeks

SEED = 1
WORLD = larger(SCENARIOS["coral-x"], functions=7, calls_per_day=300)
WEEKS, PULLED_WEEKS = 2, 1
_MINUTE = dt.timedelta(minutes=1)
_SETTLED = dt.timedelta(hours=8)
_PATIENCE = {"AT_ONCE": "2", "ATTEMPTS": "2", "FIRST_WAIT_SECONDS": "0.01", "LONGEST_WAIT_SECONDS": "0.05"}
CATALOG = "catalog"
_SPEND = ("staging", "usage", "spend")


@dataclass(frozen=True)
class Step:
    """What is killed, and killed again, until it is left to end.

    Attributes:
        name: for people.
        share: of all kills.
        prepare: fills an empty folder with what the step starts from.
        command: what it runs there; the number of the attempt is for a command that has to know the time.
        contents: what is there in the end, to be what it is without a kill.
    """

    name: str
    share: float
    prepare: Callable[[Path], None]
    command: Callable[[Path, int], Command]
    contents: Callable[[Path], Contents]


class Starts:
    """Workspaces that steps start from, each made once: exports alone, a day short of built, built."""

    def __init__(self, root: Path) -> None:
        """Simulate and build below a folder.

        Raises:
            RuntimeError: a build without any kill fails.
        """
        self._exports = root / "exports"
        summary = simulate(WORLD, seed=SEED, weeks=WEEKS, out=self._exports)
        self._short, self._built = root / "short", root / "built"
        self.exports(self._short)
        take_away_since(Home(self._short).landing, summary.period_end.replace(tzinfo=None))
        run_to_end(run_command(self._short, 0), self._short)
        self.short_of_a_day(self._built)
        run_to_end(run_command(self._built, 0), self._built)

    def exports(self, folder: Path) -> None:
        """Landed exports, and a catalog; nothing was ever run."""
        land(self._exports / "landing", folder)
        shutil.copytree(resource_path("catalog"), folder / CATALOG)

    def short_of_a_day(self, folder: Path) -> None:
        """Everything built but the last day, whose exports have just landed."""
        copy(self._short, folder)
        land(self._exports / "landing", folder)

    def built(self, folder: Path) -> None:
        """Everything built."""
        copy(self._built, folder)

    def unpublished(self, folder: Path) -> None:
        """Everything built, and finance's file lost."""
        self.built(folder)
        Home(folder).finance.unlink()


def building_steps(starts: Starts) -> Iterator[Step]:
    """`tieout run` in every state of a workspace, and `tieout report`."""
    for name, share, prepare, command in (
        ("`run` of a new workspace: load, build, report, publish", 0.26, starts.exports, run_command),
        ("`run` of one new day on a built workspace", 0.18, starts.short_of_a_day, run_command),
        ("`run` without finance's file: publish", 0.07, starts.unpublished, run_command),
        ("`report` of a week", 0.07, starts.built, report_command),
    ):
        yield Step(name, share, prepare, command, lambda folder: contents.built(Home(folder)))


@contextmanager
def pulling_step() -> Iterator[Step]:
    """`tieout pull` of a workspace that nobody pulled before, from a server that stands for Modal."""
    world = run_world(WORLD, SEED, PULLED_WEEKS)
    period = Period(world.start.date(), world.end.date())
    with LocalModal(world) as server:
        server.workspace.now = world.end + _SETTLED

        def pull(folder: Path, attempt: int) -> Command:
            environment = server.environment | {f"TIEOUT_PULL_{name}": value for name, value in _PATIENCE.items()}
            at = server.workspace.now + attempt * _MINUTE
            return Command(("pull", *where(folder)), environment, at.isoformat())

        def pulled(folder: Path) -> Contents:
            home = Home(folder)
            return {**contents.landed(home.landing, until=world.end), **_spend(home, period, now=server.workspace.now)}

        yield Step("`pull` of a week", 0.26, _with_catalog, pull, pulled)


def _with_catalog(folder: Path) -> None:
    shutil.copytree(resource_path("catalog"), folder / CATALOG)


def weeks_of(folder: Path) -> tuple[IsoWeek, ...]:
    """The weeks that a workspace has built."""
    with read_warehouse(Home(folder).warehouse) as con:
        return built_weeks(con)


def run_command(folder: Path, _: int) -> Command:
    """`tieout run`."""
    return Command(("run", *where(folder)))


def report_command(folder: Path, _: int) -> Command:
    """`tieout report`, of the newest week."""
    return Command(("report", *where(folder)))


def where(folder: Path) -> tuple[str, ...]:
    """The workspace and its catalog, as options."""
    return ("--home", str(folder), "--catalog", str(folder / CATALOG))


def _spend(home: Home, period: Period, *, now: dt.datetime) -> Contents:
    """Load what was pulled, and build what it comes to, in a warehouse beside the workspace's own."""
    warehouse = home.root / "spent.duckdb"
    catalog = load_catalog(resource_path("catalog"))
    with open_warehouse(warehouse) as con:
        load_at(con, home.landing, now=now)
        write_catalog(con, catalog)
        for model in load_models():
            if model.schema in _SPEND:
                write_model(con, model, period)
    return contents.spent(warehouse)
