"""`tieout demo` and `tieout simulate`: a Modal workspace in miniature."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tieout.cli.failures import CommandError
from tieout.cli.freeze import freeze
from tieout.cli.messages import say
from tieout.cli.run import run_workspace
from tieout.cli.steps import show_steps
from tieout.core.files import write_whole
from tieout.core.home import Home
from tieout.core.money import format_usd
from tieout.core.resources import resource_path
from tieout.savings.baseline_lock import LOCK_NAME


@dataclass(frozen=True)
class Simulation:
    """What a folder was filled with."""

    scenario: str
    seed: int
    weeks: int

    def __str__(self) -> str:
        """Word it as on the command line."""
        return f"--scenario {self.scenario} --seed {self.seed} --weeks {self.weeks}"


def run_demo(home: Home, find_catalog: Callable[[], Path], *, scenario: str, seed: int, weeks: int) -> None:
    """Simulate into the workspace, bring it up to date with a frozen baseline, and say what to look at next.

    The catalog is looked for when the simulation is written, because some scenarios bring their own. The built-in
    programme keeps no baseline, so the workspace gets a copy of it. A catalog elsewhere is left alone.
    """
    _simulate(home.root, Simulation(scenario, seed, weeks))
    found = find_catalog()
    own = _copy(found, home.catalog) if found.resolve() == resource_path("catalog").resolve() else found
    run_workspace(home, own)
    if own == home.catalog and not (own / LOCK_NAME).exists() and _freeze(home, own):
        run_workspace(home, own)
    say("")
    say("Next: `tieout ui` shows every table and check, `tieout sql tie_out` the proof, `tieout sql` more questions.")


def _copy(catalog_directory: Path, target: Path) -> Path:
    """Copy the files of a catalog that the target lacks."""
    target.mkdir(parents=True, exist_ok=True)
    for source in sorted(catalog_directory.glob("*.yaml")):
        if not (target / source.name).exists():
            write_whole(target / source.name, source.read_text(encoding="utf-8"))
    return target


def _freeze(home: Home, catalog_directory: Path) -> bool:
    """Freeze the baseline where the simulation is long enough for one, and tell whether it was."""
    try:
        freeze(home, catalog_directory, force=False)
    except CommandError as error:
        say(f"The baseline is not frozen: {error}")
        return False
    return True


def run_simulation(out: Path, *, scenario: str, seed: int, weeks: int) -> None:
    """Simulate into a folder, and say what is where."""
    _simulate(out, Simulation(scenario, seed, weeks))
    say(f"Exports: {out / 'landing'}")
    say(f"Truth: {out / 'truth'}")
    if Home(out).catalog.is_dir():
        say(f"Catalog: {Home(out).catalog}")


def is_simulated(home: Home) -> bool:
    """Tell whether a workspace was filled by a simulation."""
    return home.simulation.exists()


def _simulate(out: Path, wanted: Simulation) -> None:
    if not _is_to_do(out, wanted):
        say(f"{out} holds the simulation already ({wanted}).")
        return
    from tieout.simulator import SCENARIOS, simulate

    if wanted.scenario not in SCENARIOS:
        raise CommandError(f"there is no scenario {wanted.scenario!r}; there are: {', '.join(SCENARIOS)}")
    with show_steps() as steps:
        steps.stage("Simulating")
        _mark(out, wanted, is_complete=False)
        scenario = SCENARIOS[wanted.scenario]
        summary = simulate(scenario, seed=wanted.seed, weeks=wanted.weeks, out=out, progress=steps.share)
        _mark(out, wanted, is_complete=True)
    say(
        f"Simulated {wanted.scenario} from {summary.period_start:%Y-%m-%d} to {summary.period_end:%Y-%m-%d}: "
        f"{summary.calls:,} calls, {summary.containers:,} containers, {format_usd(summary.billed_usd)} metered, "
        f"{summary.files:,} files as the modal CLI prints them."
    )


def _is_to_do(out: Path, wanted: Simulation) -> bool:
    """Tell whether a folder still lacks the simulation.

    Raises:
        CommandError: it holds something else, and mixing the two would make both worthless.
    """
    try:
        mark = json.loads(Home(out).simulation.read_text(encoding="utf-8"))
        found, is_complete = Simulation(mark["scenario"], mark["seed"], mark["weeks"]), bool(mark["is_complete"])
    except FileNotFoundError:
        landing = out / "landing"
        if landing.is_dir() and any(landing.iterdir()):
            raise CommandError(
                f"{landing} holds files that are not from a simulation",
                remedy="Name another folder, so that simulated and real exports are not mixed.",
            ) from None
        return True
    except (ValueError, KeyError, TypeError):
        raise CommandError(
            f"{Home(out).simulation} cannot be read", remedy="Delete the folder, or name another one."
        ) from None
    if found != wanted:
        raise CommandError(f"{out} holds another simulation: {found}", remedy="Delete the folder, or name another one.")
    return not is_complete


def _mark(out: Path, simulation: Simulation, *, is_complete: bool) -> None:
    out.mkdir(parents=True, exist_ok=True)
    mark = {**asdict(simulation), "is_complete": is_complete}
    write_whole(Home(out).simulation, json.dumps(mark))
