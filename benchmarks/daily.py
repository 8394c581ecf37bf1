"""Daily: `tieout run` of one new day, from the start of the process to its end, on histories of different lengths."""

import datetime as dt
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.commands import Command, Ended, run_to_end
from benchmarks.workspaces import copy, delivered, land, take_away, take_away_since
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.simulator import SCENARIOS, Scenario, larger, simulate

DEMO_WEEKS, YEAR_WEEKS = 8, 52
# Half of what is simulated lies before the rollout, and files from the future are refused: a year that ends with the
# demo is simulated together with weeks after it, which never land.
_SIMULATED_WEEKS = 2 * (YEAR_WEEKS - DEMO_WEEKS // 2)
# A tenth of the demo's, so that a year of them is soon simulated.
CALLS_A_DAY = 335
_CORAL_X = SCENARIOS["coral-x"]
_SEED = 1
_DAY = dt.timedelta(days=1)
_SPEAK_FOR_DAYS = frozenset({"billing_report", "function_calls"})


@dataclass(frozen=True)
class History:
    """Exports, a workspace that is built from them but for the last day, and how each run went that added it."""

    name: str
    exports: Path
    built: Path
    runs: list[Ended] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Median of what a run took, from the start of its process to its end."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def cpu_seconds(self) -> float:
        """Median of what a run computed, which depends less on what else the machine does."""
        return statistics.median(run.cpu_seconds for run in self.runs)

    def add_the_day(self, trial: Path) -> None:
        """Add the day to a copy of the workspace."""
        copy(self.built, trial)
        land(self.exports, trial)
        self.runs.append(_run(trial))
        shutil.rmtree(trial)


def measure(runs: int) -> list[History]:
    """Add a day so many times, in turns: to the demo, and to a week and a year of fewer calls."""
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        histories = list(_histories(Path(directory)))
        for _ in range(runs):
            for history in histories:
                history.add_the_day(Path(directory) / "trial")
    return histories


def _histories(root: Path) -> Iterator[History]:
    """The demo, then a week and a year before the same day."""
    fewer = larger(_CORAL_X, functions=len(_CORAL_X.functions), calls_per_day=CALLS_A_DAY)
    yield _history("eight weeks, the demo", root / "demo", _CORAL_X, DEMO_WEEKS, days=7 * DEMO_WEEKS - 1)
    yield _history("a week, a tenth of the calls", root / "week", fewer, _SIMULATED_WEEKS, days=7)
    yield _history("a year, a tenth of the calls", root / "year", fewer, _SIMULATED_WEEKS, days=7 * YEAR_WEEKS - 1)


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
    _run(built)
    return History(name, exports, built)


def _run(folder: Path) -> Ended:
    return run_to_end(Command(("run", "--home", str(folder), "--catalog", str(resource_path("catalog")))), folder)


def table(histories: Sequence[History]) -> str:
    """The result as Markdown: medians, and how a year compares with a week."""
    lines = ["| history | runs | one day more, median | of computing |", "|---|---|---|---|"]
    lines += [f"| {h.name} | {len(h.runs)} | {h.seconds:.1f} s | {h.cpu_seconds:.1f} s |" for h in histories]
    _, week, year = histories
    lines += [
        f"| a year against a week | | {year.seconds / week.seconds:.2f}× | {year.cpu_seconds / week.cpu_seconds:.2f}× |"
    ]
    return "\n".join(lines)
