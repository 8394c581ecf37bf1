"""What tests of several kinds share: a simulated workspace, built once, and the command line."""

import atexit
import datetime as dt
import gc
import os
import pickle
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import duckdb
import pytest
from filelock import FileLock

from tieout.catalog.load import load_catalog
from tieout.cli.hints import remember_options
from tieout.core.home import Home
from tieout.core.resources import resource_path

if TYPE_CHECKING:
    from tieout.core.periods import IsoWeek
    from tieout.report.contents import WeeklyReport

FIRST_WEEK, LAST_WEEK = "2026-W42", "2026-W43"
MEMORY, ROOM_FOR_TESTS = Path("/dev/shm"), 4 << 30

# As `make test` does: bytecode is kept, whatever the shell says. Half of collecting is to compile the tests anew, and
# every process that a test starts would compile what it runs.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# NumPy and SciPy start a thread for every processor, which looks for work for a tenth of a second and finds none.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# As the command line does: what tests import are half a million objects that stay, and looking through them for garbage
# at every 700 new ones took a third of collecting the tests.
gc.set_threshold(200_000, 20, 50)


@dataclass(frozen=True)
class Spoken:
    """What a command said, and how it exited."""

    code: int
    out: str
    err: str


Tieout = Callable[..., Spoken]
_in_all_threads = duckdb.connect


def _in_one_thread(*arguments: Any, **named: Any) -> duckdb.DuckDBPyConnection:
    con = _in_all_threads(*arguments, **named)
    con.execute("set threads = 1")
    return con


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let DuckDB work in one thread: there are as many workers as processors, and to share a few rows costs a tenth.

    What is marked `all_threads` works in all of them, with the fixtures that it is the first to ask for.
    """
    is_in_all = item.get_closest_marker("all_threads") is not None
    duckdb.connect = _in_all_threads if is_in_all else _in_one_thread


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Start as many workers as there are processors: one more would import everything once more, and wait for them."""
    return os.cpu_count() or 1


@pytest.fixture(autouse=True)
def no_options() -> None:
    """Forget how an earlier command named its workspace: a process of the command line runs one only."""
    remember_options(home=None, catalog=None)


@pytest.fixture
def tieout(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tieout:
    """Run a command as the shell would, with the built-in catalog."""
    from tieout.cli import run_command

    monkeypatch.setenv("TIEOUT_CATALOG", str(resource_path("catalog")))
    monkeypatch.delenv("TIEOUT_HOME", raising=False)

    def call(*arguments: str | Path) -> Spoken:
        monkeypatch.setattr(sys, "argv", ["tieout", *(str(argument) for argument in arguments)])
        capsys.readouterr()
        code = 0
        try:
            run_command()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
        said = capsys.readouterr()
        return Spoken(code, said.out, said.err)

    return call


@pytest.fixture
def unvalidated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs validate nothing, where a test is about something else: it takes half of a small run."""
    from tests.support.trusting import Trusting

    monkeypatch.setattr("tieout.validation.runner.Validator", lambda _con: Trusting())


BuildOnce = Callable[[str, Callable[[Path], object]], Path]


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks of tests, and let tests write to memory: workspaces by the hundred are soon gone again.

    A disk would be waited for a minute of every run, because what Tieout writes it waits for.
    """
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM_FOR_TESTS:
        os.environ.setdefault("TMPDIR", str(MEMORY))
        tempfile.tempdir = None  # is asked for again
    config.addinivalue_line("markers", "all_threads: lets DuckDB work in as many threads as there are processors")
    config.addinivalue_line("markers", "slow: takes a processor five seconds or more, and is begun before the others")
    if "PYTEST_XDIST_WORKER" in os.environ:
        atexit.register(_end_as_it_is, os.getpid())  # before all others, and so called after them


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that all workers end together.

    The first worker begins with what looks at the built workspace, and builds it while the others are busy elsewhere;
    the second one begins with what else takes long. Each has an equal part of the list, and whoever is done takes from
    the end of another's part, where only quick tests are.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    looking = [item for item in items if "built_workspace" in getattr(item, "fixturenames", ())]
    others = [item for item in items if "built_workspace" not in getattr(item, "fixturenames", ())]
    slow = [item for item in others if item.get_closest_marker("slow") is not None]
    quick = [item for item in others if item.get_closest_marker("slow") is None]
    looking.sort(key=lambda item: item.get_closest_marker("slow") is None)
    of_the_first = max(0, len(items) // workers - len(looking)) if workers > 1 else 0
    items[:] = [*looking, *quick[:of_the_first], *slow, *quick[of_the_first:]]


def pytest_collection_finish() -> None:
    """Leave what was imported to collect the tests out of a worker's looks for garbage: pytest's take two seconds.

    A worker then ends as it is, after all that was to be done at its end. Python would take its memory apart first, and
    DuckDB's module would tell in a hundred lines of what it has not seen freed.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        gc.freeze()


def _end_as_it_is(worker: int) -> None:
    """End the process, unless it is one that the worker has forked."""
    if os.getpid() == worker:
        os._exit(0)


@pytest.fixture(scope="session")
def build_once(tmp_path_factory: pytest.TempPathFactory) -> BuildOnce:
    """A folder by its name, filled by whichever worker comes first. Look at it, and leave it as it is."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # all workers look at the same one

    def folder(name: str, fill: Callable[[Path], object]) -> Path:
        found, mark = shared / name, shared / f"{name}.filled"
        with FileLock(shared / f"{name}.lock"):
            if not mark.exists():
                shutil.rmtree(found, ignore_errors=True)
                found.mkdir()
                fill(found)
                mark.touch()
        return found

    return folder


@pytest.fixture(scope="session")
def built_workspace(build_once: BuildOnce) -> Home:
    """Two simulated weeks of CORAL-X, loaded, built and reported in all threads. Look at it, and leave it as it is."""
    from tieout.cli.demo import run_demo

    def fill(folder: Path) -> None:
        with patch.object(duckdb, "connect", _in_all_threads):
            run_demo(Home(folder), lambda: resource_path("catalog"), scenario="coral-x", seed=1, weeks=2)

    return Home(build_once("workspace", fill))


@pytest.fixture(scope="session")
def as_deployed(build_once: BuildOnce) -> Path:
    """The warehouse of two weeks as they are really deployed, built. Look at it, and leave it as it is.

    Three functions never had the GPU that the catalog says they had; the first phase begins with the second week.
    """
    from tests.support.loading import load_at
    from tieout.simulator import SCENARIOS, simulate
    from tieout.warehouse.build import Period, write_models
    from tieout.warehouse.catalog_tables import write_catalog
    from tieout.warehouse.connection import open_warehouse
    from tieout.warehouse.models import load_models

    def fill(folder: Path) -> None:
        end = simulate(SCENARIOS["as-deployed"], seed=3, weeks=2, out=folder).period_end
        with open_warehouse(folder / "warehouse.duckdb") as con:
            load_at(con, folder / "landing", now=end + dt.timedelta(days=7))
            write_catalog(con, load_catalog(resource_path("catalog")))
            write_models(con, load_models(), Period(end.date() - dt.timedelta(days=14), end.date()))

    return build_once("as-deployed", fill) / "warehouse.duckdb"


@pytest.fixture(scope="session")
def measured_home(build_once: BuildOnce) -> Home:
    """A warehouse with what a measurement reads (`tests/support/measured_warehouse.py`). Leave it as it is."""
    from tests.support.measured_warehouse import write_measured_warehouse

    return Home(build_once("measured", lambda folder: write_measured_warehouse(Home(folder).warehouse)))


@pytest.fixture(scope="session")
def issued_weeks(build_once: BuildOnce) -> Path:
    """Two small weeks that are issued (`tests/support/issued_weeks.py`). Copy them, and leave them as they are."""
    from tests.support.issued_weeks import FIRST, SECOND, IssuedWeeks

    def fill(folder: Path) -> None:
        weeks = IssuedWeeks(folder / "weeks")
        weeks.land_week(FIRST)
        weeks.land_week(SECOND)
        (folder / "reports.pickle").write_bytes(pickle.dumps(weeks.report()))

    return build_once("issued-weeks", fill) / "weeks"


@pytest.fixture(scope="session")
def issued_reports(issued_weeks: Path) -> "Mapping[IsoWeek, WeeklyReport]":
    """The reports that these weeks were issued with."""
    reports: Mapping[IsoWeek, WeeklyReport] = pickle.loads(issued_weeks.with_name("reports.pickle").read_bytes())
    return reports


@pytest.fixture
def workspace(built_workspace: Home, tmp_path: Path) -> Home:
    """A copy of the built workspace, to do anything to."""
    return Home(shutil.copytree(built_workspace.root, tmp_path / "workspace"))
