"""The workspaces that are compared, and how they are built: by the command line alone."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.identity import IdentityError

REAL_BILL = Path(__file__).parents[2] / "tests" / "data" / "real-modal-bill"
REAL_BILL_FILES = {
    "billing_report.plain.json": "billing_report/plain.json",
    "billing_report.resources.json": "billing_report/resources.json",
    "billing_summary.2026-07.json": "billing_summary/2026-07.json",
}
REAL_BILL_FETCHED = 1785931200  # 2026-08-05 12:00 UTC, after the month was over


@dataclass(frozen=True)
class Simulation:
    """The arguments of `tieout simulate`, besides the number of weeks."""

    scenario: str
    seed: int


# The real bill is not simulated.
WORKSPACES: dict[str, Simulation | None] = {
    "coral-x-1": Simulation("coral-x", 1),
    "coral-x-7": Simulation("coral-x", 7),
    "as-deployed-1": Simulation("as-deployed", 1),
    "real-bill": None,
}


def build(tieout: Path, name: str, folder: Path, *, weeks: int) -> None:
    """Build a workspace in a folder that is not there yet.

    Raises:
        IdentityError: the folder is there, or a command fails.
    """
    if folder.exists():
        raise IdentityError(f"{folder} is there already; delete it or name another folder with --keep")
    folder.mkdir(parents=True)
    simulation = WORKSPACES[name]
    if simulation is None:
        _land_the_real_bill(folder)
    else:
        options = ("--scenario", simulation.scenario, "--seed", str(simulation.seed), "--weeks", str(weeks))
        _run(tieout, folder, "simulate", *options, "--out", str(folder))
    _run(tieout, folder, "run", "--home", str(folder))


def _land_the_real_bill(folder: Path) -> None:
    for source, target in REAL_BILL_FILES.items():
        path = folder / "landing" / target
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REAL_BILL / source, path)
        os.utime(path, (REAL_BILL_FETCHED, REAL_BILL_FETCHED))


def _run(tieout: Path, folder: Path, *arguments: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TIEOUT_", "MODAL_"))}
    ended = subprocess.run(
        [tieout, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise IdentityError(
            f"tieout {' '.join(arguments)} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}"
        )


def commit_of(tieout: Path) -> str:
    """Return the commit of the clone that a command is installed from, with `-dirty` where it was edited since."""
    asked = ["git", "-C", str(tieout.parent), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"
