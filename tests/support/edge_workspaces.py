"""Workspaces at the edge of what pages must bear, each simulated, run and reported as a real one.

No claim, a rollout that costs more than before, 300 functions, and a week without cost.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from tieout.cli.freeze import freeze
from tieout.cli.run import run_workspace
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.simulator import SCENARIOS, Scenario, larger, run, write_exports
from tieout.simulator.rollout import run_rollout
from tieout.simulator.rollout_setting import Change, RolloutKind, RolloutSetting

LOSS = RolloutSetting(RolloutKind.SAVING, seed=1, change=Change("A100-80GB", 65_536, seconds_factor=1.2))
_WITHOUT_COST = IsoWeek.parse("2026-W43")


class EdgeWorkspace(NamedTuple):
    """A workspace, the week of it to look at, and the catalog that it was run with."""

    home: Home
    week: IsoWeek
    catalog: Path


def without_a_claim(root: Path) -> EdgeWorkspace:
    """A busy workspace that nobody has written a catalog for."""
    return _spend_only(root, SCENARIOS["field"])


def of_300_functions(root: Path) -> EdgeWorkspace:
    """A workspace of 300 functions, each with ten calls a day, without a catalog."""
    return _spend_only(root, larger(SCENARIOS["coral-x"], functions=300, calls_per_day=3000))


def with_a_loss(root: Path, setting: RolloutSetting = LOSS) -> EdgeWorkspace:
    """A rollout to a dearer GPU that is slower, too, and the week after that of its deployment."""
    home = Home(root)
    write_exports(run_rollout(setting).world, root)
    run_workspace(home, home.catalog)
    freeze(home, home.catalog, force=False)
    run_workspace(home, home.catalog)
    return EdgeWorkspace(home, IsoWeek.of(setting.deployed_at.date()).next(), home.catalog)


def without_cost(root: Path) -> EdgeWorkspace:
    """A workspace in whose newest week nothing ran: its bills are landed and have no row."""
    home = Home(root)
    write_exports(run(SCENARIOS["coral-x"], 1, 2), root)
    days = {str(day) for day in _WITHOUT_COST.days()}
    for source in ("billing_report", "function_calls"):
        for sidecar in (home.landing / source).rglob("*.meta.json"):
            if sidecar.name[:10] in days:
                _empty(sidecar)
    run_workspace(home, home.catalog)
    return EdgeWorkspace(home, _WITHOUT_COST, home.catalog)


EDGES: Mapping[str, Callable[[Path], EdgeWorkspace]] = {
    "no-claim": without_a_claim,
    "300-functions": of_300_functions,
    "no-data": without_cost,
    "a-loss": with_a_loss,
}


def _spend_only(root: Path, scenario: Scenario) -> EdgeWorkspace:
    home, world, catalog = Home(root), run(scenario, 1, 2), root / "no-catalog"
    write_exports(world, root)
    run_workspace(home, catalog)
    return EdgeWorkspace(home, IsoWeek.of(world.start.date()).next(), catalog)


def _empty(sidecar: Path) -> None:
    """Take all rows out of an export, and say so in its sidecar."""
    export = sidecar.with_name(sidecar.name.removesuffix(".meta.json"))
    export.write_text("[]")
    said = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps(said | {"sha256": hashlib.sha256(export.read_bytes()).hexdigest()}))
