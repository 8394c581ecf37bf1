"""Daily: `tieout run` of one new day, from the start of the process to its end, in CPU seconds of all its threads.

Beside it, in turns and from the same exports, runs the first version of Tieout, from the repository and in an
environment of its own. Both say how much of the computing each part took (`parts.py`). Other rows: a year of as many
calls before the same day, a run that finds nothing new, a tiny workspace, and what a run leaves in Dagster.
"""

import contextlib
import datetime as dt
import json
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import parts
from benchmarks.commands import Ended, run_process
from benchmarks.first_version import first_version
from benchmarks.workspaces import copy, delivered, land, take_away, take_away_since
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.simulator import SCENARIOS, Scenario, larger, simulate

MOST_OF_FIRST, MOST_OF_YEAR = 0.45, 1.2
MOST_SECONDS = {"nothing new": 2.0, "a tiny workspace, from nothing": 8.0, "`tieout --help`": 0.3}
MOST_OTHER_EVENTS = 60
DEMO_WEEKS, YEAR_WEEKS = 8, 52
# Half of what is simulated lies before the rollout, and files from the future are refused: a year that ends with the
# demo is simulated together with weeks after it, which never land.
_SIMULATED_WEEKS = 2 * (YEAR_WEEKS - DEMO_WEEKS // 2)
TINY_FUNCTIONS, TINY_CALLS_A_DAY = 2, 50
_CORAL_X = SCENARIOS["coral-x"]
_SEED = 1
_DAY = dt.timedelta(days=1)
_SPEAK_FOR_DAYS = frozenset({"billing_report", "function_calls"})


@dataclass(frozen=True)
class Version:
    """A version of Tieout: its Python, and its built-in catalog."""

    python: Path
    catalog: Path

    def run(self, folder: Path, *arguments: str) -> "Measured":
        """Run `tieout ARGUMENT…` on a workspace; without arguments, bring it up to date.

        Raises:
            RuntimeError: it fails.
        """
        out = folder / "parts.json"
        command = arguments or ("run", "--home", str(folder), "--catalog", str(self.catalog))
        ended = run_process([str(self.python), parts.__file__, str(out), *command], folder)
        if ended.code:
            raise RuntimeError(f"{' '.join(command)}: {ended.said}")
        return Measured(ended, json.loads(out.read_text(encoding="utf-8")))


THIS = Version(Path(sys.executable), resource_path("catalog"))


@dataclass(frozen=True)
class Measured:
    """How a command ended, and the CPU seconds of its parts."""

    ended: Ended
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class History:
    """Exports, a workspace that a version has built from them but for the last day, and every run that added it."""

    name: str
    version: Version
    exports: Path
    built: Path
    runs: list[Measured] = field(default_factory=list)

    @property
    def cpu_seconds(self) -> float:
        """Median of what a run computed, which depends less on what else the machine does than its duration."""
        return statistics.median(run.ended.cpu_seconds for run in self.runs)

    def part(self, name: str) -> float:
        """Median of the CPU seconds of a part."""
        return statistics.median(run.seconds[name] for run in self.runs)

    def add_the_day(self, trial: Path) -> None:
        """Add the day to a copy of the workspace."""
        copy(self.built, trial)
        land(self.exports, trial)
        self.runs.append(self.version.run(trial))
        shutil.rmtree(trial)


@dataclass(frozen=True)
class Daily:
    """What was measured.

    Attributes:
        demo: a day more behind the demo.
        first: the same day, added by the first version.
        year: the same day behind a year.
        seconds: CPU seconds of single commands, by what they do.
        events: of one run of one week: materializations, evaluations of checks, and all others.
    """

    demo: History
    first: History
    year: History
    seconds: Mapping[str, float]
    events: tuple[int, int, int]

    def missed(self) -> list[str]:
        """The targets that were missed, in words."""
        ratio, year = self.demo.cpu_seconds / self.first.cpu_seconds, self.year.cpu_seconds / self.demo.cpu_seconds
        found = [
            *([f"a new day takes {ratio:.2f}× the first version's CPU"] if ratio > MOST_OF_FIRST else []),
            *([f"behind a year it takes {year:.2f}× the CPU behind eight weeks"] if year > MOST_OF_YEAR else []),
            *([f"{self.events[2]} events beside tables and checks"] if self.events[2] > MOST_OTHER_EVENTS else []),
        ]
        slow = [name for name, most in MOST_SECONDS.items() if self.seconds[name] > most]
        return found + [f"{name}: {self.seconds[name]:.2f} CPU s" for name in slow]


def measure(runs: int) -> Daily:
    """Add a day so many times, in turns: to the demo by both versions, and to a year."""
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        root = Path(directory)
        with _first_version() as first:
            histories = list(_histories(root, first))
            for _ in range(runs):
                for history in histories:
                    history.add_the_day(root / "trial")
        demo, before, year = histories
        events = _one_week(demo, root / "one-week")
        return Daily(demo, before, year, dict(_single_commands(demo, root)), events)


@contextlib.contextmanager
def _first_version() -> Iterator[Version]:
    """The first version with the packages that it was locked to."""
    with first_version() as folder:
        subprocess.run(["make", "--silent", ".venv/ready"], cwd=folder, check=True, capture_output=True)
        yield Version(folder / ".venv" / "bin" / "python", folder / "catalog")


def _histories(root: Path, first: Version) -> Iterator[History]:
    """The demo for both versions, then a year before the same day."""
    demo = _history("eight weeks, the demo", root / "demo", _CORAL_X, DEMO_WEEKS, days=7 * DEMO_WEEKS - 1)
    yield demo
    built = root / "demo" / "built-by-the-first"
    land(Home(demo.built).landing, built)
    first.run(built)
    yield History("the same, first version", first, demo.exports, built)
    yield _history("a year", root / "year", _CORAL_X, _SIMULATED_WEEKS, days=7 * YEAR_WEEKS - 1)


def _history(name: str, folder: Path, scenario: Scenario, weeks: int, *, days: int) -> History:
    """Simulate some weeks, and build so many days of them before the demo's last."""
    summary = simulate(scenario, seed=_SEED, weeks=weeks, out=folder)
    exports, built = folder / "landing", folder / "built"
    end = summary.period_start.replace(tzinfo=None) + dt.timedelta(weeks=(weeks + DEMO_WEEKS) // 2)
    take_away_since(exports, end + _DAY)  # of the last day, the first look is what lands
    for file, sidecar in delivered(exports):
        is_early = sidecar.range_start is not None and sidecar.range_start < end - (days + 1) * _DAY
        if file.source in _SPEAK_FOR_DAYS and is_early:
            take_away(file)
    land(exports, built)
    take_away_since(Home(built).landing, end)
    THIS.run(built)
    return History(name, THIS, exports, built)


def _single_commands(demo: History, root: Path) -> Iterator[tuple[str, float]]:
    """CPU seconds of what is not a new day, each the median of three."""
    up_to_date, tiny = root / "up-to-date", root / "tiny"
    copy(demo.built, up_to_date)
    simulate(larger(_CORAL_X, functions=TINY_FUNCTIONS, calls_per_day=TINY_CALLS_A_DAY), seed=_SEED, weeks=2, out=tiny)

    def first_run() -> Measured:
        shutil.rmtree(root / "trial", ignore_errors=True)
        land(tiny / "landing", root / "trial")
        return THIS.run(root / "trial")

    def nothing_new() -> Measured:
        return THIS.run(up_to_date)

    def help_text() -> Measured:
        return THIS.run(up_to_date, "--help")

    for name, command in zip(MOST_SECONDS, (nothing_new, first_run, help_text), strict=True):
        yield name, statistics.median(command().ended.cpu_seconds for _ in range(3))


def _one_week(demo: History, trial: Path) -> tuple[int, int, int]:
    """Build one week anew, and count the events of its run: materializations, evaluations, others."""
    copy(demo.built, trial)
    arguments = ("--home", str(trial), "--catalog", str(demo.version.catalog))
    demo.version.run(trial, "run", "--week", _last_week(trial), *arguments)
    runs = Home(trial).dagster / "history" / "runs"
    newest = max((path for path in runs.glob("*-*.db")), key=lambda path: path.stat().st_mtime_ns)
    with contextlib.closing(sqlite3.connect(newest)) as con:
        kinds = dict(con.execute("select coalesce(dagster_event_type, ''), count(*) from event_logs group by 1"))
    built, ran = kinds.pop("ASSET_MATERIALIZATION"), kinds.pop("ASSET_CHECK_EVALUATION")
    return built, ran, sum(kinds.values())


def _last_week(folder: Path) -> str:
    return max(path.name for path in Home(folder).reports.glob("20*-W*"))


def table(daily: Daily) -> str:
    """The result as Markdown: medians of CPU seconds."""
    demo, first, year = daily.demo, daily.first, daily.year

    def compared(name: str, now: float, before: float, target: str = "") -> str:
        ratio = f"{now / before:.2f}×" if before else ""
        return f"| {name} | {before:.2f} | {now:.2f} | {ratio} | {target} |"

    built, ran, others = daily.events
    lines = [
        f"| a new day behind eight weeks, CPU s | first version | now | ratio | target |\n|{'---|' * 5}",
        compared("all", demo.cpu_seconds, first.cpu_seconds, f"≤ {MOST_OF_FIRST}×"),
        *(compared(part, demo.part(part), first.part(part)) for part in parts.PARTS),
        f"\n| a new day, CPU s | behind eight weeks | behind a year | ratio | target |\n|{'---|' * 5}",
        compared("all", year.cpu_seconds, demo.cpu_seconds, f"≤ {MOST_OF_YEAR}×"),
        *(compared(part, year.part(part), demo.part(part)) for part in parts.PARTS),
        "\n| other commands | CPU s | target |\n|---|---|---|",
        *(f"| {name} | {daily.seconds[name]:.2f} | ≤ {most} |" for name, most in MOST_SECONDS.items()),
        "\n| events of a run of one week | tables built | checks run | others | target |\n|---|---|---|---|---|",
        f"| {built + ran + others:,} | {built:,} | {ran:,} | {others} | others ≤ {MOST_OTHER_EVENTS} |",
    ]
    return "\n".join(lines)
