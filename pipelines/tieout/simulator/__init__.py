"""A Modal workspace in miniature, deterministic by seed.

What belongs here: scenarios (frozen data), the simulation of callers, containers and the bill, the exact layouts of the
modal CLI, and the truth that the simulation knows. `simulate` writes `OUT/landing` (exports with sidecars) and
`OUT/truth`; `run` does the same in memory.

What does not: anything that reads an export or the truth, and any knowledge of the warehouse.
Only the command line and tests import this package.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tieout.simulator.app_exports import write_app_exports, write_call_exports
from tieout.simulator.bill_exports import write_bill_exports
from tieout.simulator.claimant_exports import write_claimant_exports
from tieout.simulator.coral_x import SCENARIOS as CORAL_X_SCENARIOS
from tieout.simulator.coral_x import larger
from tieout.simulator.field import field
from tieout.simulator.landing import Landing
from tieout.simulator.programme import write_programme
from tieout.simulator.scenario import Scenario
from tieout.simulator.series import write_series
from tieout.simulator.truth import write_truth
from tieout.simulator.world import Progress, World, run

__all__ = [
    "SCENARIOS",
    "Scenario",
    "SimulationSummary",
    "World",
    "larger",
    "run",
    "simulate",
    "write_exports",
    "write_world",
]

SCENARIOS = {**CORAL_X_SCENARIOS, "field": field()}
"""The scenarios of the command line by name."""

# How much of the whole work is done once the world has run, and how much of the writing once the bill is written.
_RUNNING, _BILLED = 0.6, 0.25


@dataclass(frozen=True, slots=True)
class SimulationSummary:
    """What a simulation wrote.

    Attributes:
        calls: distinct function calls.
        containers: containers that lived.
        files: exports in the landing directory, without sidecars.
        billed_usd: sum of the final bill's items, before adjustments.
        period_start: first instant (aware UTC).
        period_end: the instant after the last.
    """

    calls: int
    containers: int
    files: int
    billed_usd: Decimal
    period_start: dt.datetime
    period_end: dt.datetime


def simulate(
    scenario: Scenario, *, seed: int, weeks: int, out: Path, progress: Progress | None = None
) -> SimulationSummary:
    """Simulate a scenario and write its exports to `out/landing` and the truth to `out/truth`.

    Args:
        scenario: the world, for example `SCENARIOS["coral-x"]`.
        seed: the luck; the same seed writes the same bytes.
        weeks: how many, half of them before the first rollout.
        out: a directory; it is created, and files of the same name are replaced.
        progress: called with what is being done and the share (0 to 1) of the whole that is done.

    Raises:
        ValueError: fewer than one week.
    """
    report: Progress = progress or (lambda _step, _share: None)
    world = run(scenario, seed, weeks, lambda step, share: report(step, share * _RUNNING))
    return write_world(world, out, lambda step, share: report(step, _RUNNING + share * (1 - _RUNNING)))


def write_world(world: World, out: Path, progress: Progress | None = None) -> SimulationSummary:
    """Write the exports of a world to `out/landing`, the truth to `out/truth`, and a catalog of its own if it has one.

    Args:
        world: what has been run.
        out: a directory; it is created, and files of the same name are replaced.
        progress: called with what is being done and the share (0 to 1) that is done.
    """
    report: Progress = progress or (lambda _step, _share: None)
    files = write_exports(world, out, report)
    write_truth(world, out / "truth")
    report("done", 1.0)
    return SimulationSummary(
        calls=sum(len(calls) for calls in world.calls.values()),
        containers=sum(len(log.created_us) for log in world.pools),
        files=files,
        billed_usd=world.billed_usd(),
        period_start=world.start,
        period_end=world.end,
    )


def write_exports(world: World, out: Path, progress: Progress | None = None) -> int:
    """Write what `write_world` does but for the truth, and return how many exports those are."""
    report: Progress = progress or (lambda _step, _share: None)
    landing = Landing(out / "landing")
    report("writing the bill", 0.0)
    write_bill_exports(world, landing)
    write_app_exports(world, landing)
    write_claimant_exports(world, landing)
    write_series(world, landing)
    write_call_exports(world, landing, lambda step, share: report(step, _BILLED + share * (1 - _BILLED)))
    if world.scenario.catalog:
        write_programme(world.scenario.catalog, out / "catalog")
    return landing.files
