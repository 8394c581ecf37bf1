"""Pull: what `tieout pull` costs for a day of many calls, against the bare command that prints them.

A local server, in a process of its own, serves a day of one function's calls. Both sides are fresh processes: the real
`modal function calls … --json`, and all of `tieout pull`, with the processes that it starts.
"""

import datetime as dt
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.simulator import SCENARIOS, larger, run
from tieout.simulator.world import to_us

_APP, _FUNCTION = "coral-x-production", "get_evolution_progress_modal"
_DAY = dt.date(2026, 10, 12)
_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Cost:
    """Processor seconds of a process and of those that it waited for, and the most memory that one of them held."""

    cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class PullCost:
    """Medians of both sides, their bytes of calls, and the median of the runs' ratios (ours ÷ bare)."""

    calls: int
    file_bytes: int
    bare: Cost
    ours: Cost
    cpu_ratio: float


def measure(calls: int, runs: int = 5) -> PullCost:
    """Have a day of so many calls printed and pulled so many times, taking turns.

    Raises:
        RuntimeError: a side failed, or what landed is not, byte for byte, what the command prints.
    """
    with _server(calls) as environment, tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        folder = Path(directory)
        bare, ours = zip(*(_both(folder / f"run-{number}", environment) for number in range(runs)), strict=True)
        file_bytes = _printed(folder / "run-0").stat().st_size
    return PullCost(
        calls=calls,
        file_bytes=file_bytes,
        bare=_median(bare),
        ours=_median(ours),
        cpu_ratio=statistics.median(our.cpu_seconds / base.cpu_seconds for our, base in zip(ours, bare, strict=True)),
    )


def table(cost: PullCost) -> str:
    """Lay the result out as Markdown."""
    sides = (("`modal function calls`", cost.bare), ("`tieout pull`", cost.ours))
    rows = [f"| {name} | {side.cpu_seconds:.1f} s | {side.peak_bytes / 1e6:,.0f} MB |" for name, side in sides]
    return (
        "| side | processor time, median | peak memory of one process |\n|---|---|---|\n" + "\n".join(rows) + "\n\n"
        f"{cost.calls:,} calls, {cost.file_bytes / 1e6:.1f} MB, byte for byte the same. "
        f"Ratio of processor time: {cost.cpu_ratio:.2f}×."
    )


def _both(folder: Path, environment: Mapping[str, str]) -> tuple[Cost, Cost]:
    folder.mkdir()
    bounds = ["--since", f"{_DAY}T00:00:00Z", "--until", f"{_DAY + dt.timedelta(days=1)}T00:00:00Z"]
    command = ["function", "calls", f"{_APP}/{_FUNCTION}", "--all-variants", *bounds, "--json"]
    bare = _cost([sys.executable, "-m", "modal", *command], environment, _printed(folder))
    home = Home(folder / "home")
    pull = ["pull", "--since", f"{_DAY}", "--until", f"{_DAY + dt.timedelta(days=1)}"]
    program = "from tieout.cli import main; main()"
    ours = _cost([sys.executable, "-c", program, *pull, "--home", str(home.root)], environment, folder / "said")
    logs = home.landing.glob(f"function_calls/app=*/function={_FUNCTION}/*.json")
    [landed] = [path for path in logs if not path.name.endswith(".meta.json")]
    if landed.read_bytes() != _printed(folder).read_bytes():
        raise RuntimeError(f"{landed} is not what the command prints")
    return bare, ours


def _printed(folder: Path) -> Path:
    return folder / "printed.json"


def _cost(command: Sequence[str], environment: Mapping[str, str], output: Path) -> Cost:
    """Run a command through a process that waits for it alone, so that the system counts nobody else."""
    counting = [sys.executable, "-m", "benchmarks.pull", *command]
    with output.open("w") as file:
        counted = subprocess.run(
            counting, env=dict(environment), stdout=file, stderr=subprocess.PIPE, text=True, check=False
        )
    if counted.returncode:
        raise RuntimeError(f"{' '.join(command)}: {counted.stderr}")
    cpu_seconds, peak_kib = counted.stderr.split()[-2:]
    return Cost(float(cpu_seconds), int(peak_kib) * 1024)


def _count() -> int:
    """Run the command in the arguments, and print its processor seconds and peak memory behind what it says."""
    import resource

    ended = subprocess.run(sys.argv[1:], check=False)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"\n{usage.ru_utime + usage.ru_stime:.2f} {usage.ru_maxrss}", file=sys.stderr)
    return ended.returncode


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        cpu_seconds=statistics.median(cost.cpu_seconds for cost in costs),
        peak_bytes=int(statistics.median(cost.peak_bytes for cost in costs)),
    )


@contextmanager
def _server(calls: int) -> Iterator[Mapping[str, str]]:
    """Serve a day of so many calls in a process of its own, and give the environment that takes it for Modal."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(calls, theirs))
    process.start()
    try:
        environment: dict[str, str] = ours.recv()
        yield environment | {"TIEOUT_CATALOG": str(resource_path("catalog"))}
    finally:
        ours.close()
        process.join()


def _serve(calls: int, channel: Connection) -> None:
    """Serve until the other end is closed."""
    from tests.modal.call_history import SteadyCalls
    from tests.modal.local_modal import LocalModal

    scenario = larger(SCENARIOS["as-deployed"], functions=1, calls_per_day=1)
    quiet = replace(scenario, bill=replace(scenario.bill, restated_week_from_end=None))
    world = run(quiet, 1, 1)
    with LocalModal(world) as server:
        start = dt.datetime.combine(_DAY, dt.time(), dt.UTC)
        server.workspace.replace_calls(_APP, _FUNCTION, SteadyCalls(to_us(start), _DAY_US // calls, calls))
        channel.send(server.environment)
        try:
            channel.recv()
        except EOFError:
            return


if __name__ == "__main__":
    sys.exit(_count())
