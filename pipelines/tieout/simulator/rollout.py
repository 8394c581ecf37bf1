"""Rollouts with a known true saving: one that saves, and every kind that looks like a saving and is none.

A rollout is two worlds with the same arrivals and the same luck: what happened, and its twin, in which the programme
deployed nothing. Everything else that changes on that day (demand, prices, a neighbour, what the log shows) changes in
both, because it is nobody's saving. The true avoided cost is the twin's cost less the actual one.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

import numpy as np
import polars as pl

from tieout.core.money import from_picodollars
from tieout.simulator.configuration import DeployedFunction
from tieout.simulator.containers import SUCCESS
from tieout.simulator.demand import DAY_US
from tieout.simulator.ids import object_id
from tieout.simulator.laws import InitCrashes, Laws, LogHabits, SeriesHabits, UseLaw
from tieout.simulator.programme import ProgrammeFunction, programme
from tieout.simulator.scenario import (
    App,
    DemandShift,
    Deployment,
    Maps,
    PriceChange,
    Scenario,
    SimulatedFunction,
    shown_name,
)
from tieout.simulator.workloads import SETTLED, price, prices, working_week, workload
from tieout.simulator.world import World, run, to_us, without_rollouts

APP, OTHER_APP = "pipeline", "lab"
INFER, GENERATE, WRITE, NEIGHBOUR = "infer", "generate", "write", "preview"
RENAMED, SPLIT_OFF = "infer_v2", "infer_gpu"
FIRST_MONDAY = dt.date(2026, 8, 31)

_DEPLOYED_HOUR = dt.timedelta(hours=10)
_DAY = dt.timedelta(days=1)
_MONEY = pl.Decimal(38, 12)
_CALLS_PER_DAY = {INFER: 1.0, GENERATE: 0.5, WRITE: 1.2, NEIGHBOUR: 0.4}


class RolloutKind(StrEnum):
    """What happens at a rollout. All but the first save nothing, or next to nothing."""

    SAVING = "saving"
    VOLUME_UP = "volume up by 30%"
    VOLUME_DOWN = "volume down by 30%"
    VOLUME_TRIPLED = "volume ×3"
    MAPS = "maps with fewer inputs"
    RENAME = "rename"
    SPLIT = "split"
    ROLLBACK = "rollback after two days"
    PRICE_CHANGE = "list prices down by 20%"
    NEIGHBOUR_OFF = "keep-warm neighbour switched off"
    NAMESAKE = "namesake growing in another app"
    LOST_LOGS = "lost logs after the rollout"
    BASELINE_OUTAGE = "baseline with an outage"
    BELOW_USE = "requests cut below use"
    LATE_SERIES = "container series only after the rollout"


SAVES_NOTHING = tuple(kind for kind in RolloutKind if kind != RolloutKind.SAVING)

_DEMAND_FACTOR = {RolloutKind.VOLUME_UP: 1.3, RolloutKind.VOLUME_DOWN: 0.7, RolloutKind.VOLUME_TRIPLED: 3.0}


@dataclass(frozen=True, slots=True)
class Change:
    """What a rollout changes of the functions in its phase; None leaves it.

    Attributes:
        gpu_type: another GPU.
        memory_mib: another request.
        window_seconds: another scaledown window.
        seconds_factor: execution time after ÷ before.
    """

    gpu_type: str | None = None
    memory_mib: int | None = None
    window_seconds: int | None = None
    seconds_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class RolloutSetting:
    """One simulated rollout.

    Attributes:
        kind: what happens.
        seed: with which luck.
        weeks_before: whole weeks before the Monday of the deployment.
        weeks_after: whole weeks from that Monday on.
        demand_factor: demand of all functions after the deployment ÷ before, on top of what the kind says.
        persistence: correlation of a day's demand with the day before.
        calls_per_day: of the busiest function of the programme, before.
        change: what a rollout of the kind SAVING changes.
        laws: how Modal treats the containers; wide by default, so that the attribution's rules do not hold.
        has_series: container series are exported from the beginning.
    """

    kind: RolloutKind
    seed: int
    weeks_before: int = 4
    weeks_after: int = 2
    demand_factor: float = 1.0
    persistence: float = 0.0
    calls_per_day: float = 200.0
    change: Change = Change("T4", 8192, None, 1.1)
    laws: Laws = field(default_factory=Laws)
    has_series: bool = False

    @property
    def weeks(self) -> int:
        """How long the whole period is."""
        return self.weeks_before + self.weeks_after

    @property
    def deployed_at(self) -> dt.datetime:
        """When the phase is deployed."""
        monday = FIRST_MONDAY + dt.timedelta(weeks=self.weeks_before)
        return dt.datetime.combine(monday, dt.time(), dt.UTC) + _DEPLOYED_HOUR


@dataclass(frozen=True, slots=True)
class RolloutWorld:
    """A rollout that was simulated: what happened, and its twin without the rollout."""

    setting: RolloutSetting
    world: World
    twin: World

    def daily(self) -> pl.DataFrame:
        """Return the truth per function of the programme's app and UTC day.

        Columns: app, function, day, successes (inputs that ended in success, by the day of their end), cost_usd,
        counterfactual_usd (the twin's cost) and avoided_usd. What a rollout has renamed or split off counts as the
        function that it was before, so that moved cost is no saving.
        """
        cost, twin = _cost(self.world), _cost(self.twin)
        successes = _successes(self.world)
        first = self.world.start.date()
        days = (self.world.end - self.world.start).days
        functions = sorted({function for function, _ in (*cost, *twin, *successes)})
        keys = [(function, day) for function in functions for day in range(days)]

        def usd(picodollars: Mapping[tuple[str, int], int]) -> pl.Series:
            return pl.Series([from_picodollars(picodollars.get(key, 0)) for key in keys], dtype=_MONEY)

        frame = pl.DataFrame(
            {
                "app": [APP] * len(keys),
                "function": [function for function, _ in keys],
                "day": [first + day * _DAY for _, day in keys],
                "successes": [successes.get(key, 0) for key in keys],
                "cost_usd": usd(cost),
                "counterfactual_usd": usd(twin),
            }
        )
        return frame.with_columns(avoided_usd=pl.col("counterfactual_usd") - pl.col("cost_usd"))

    def avoided_usd(self) -> Decimal:
        """Return the true avoided cost of the app over all whole days after the deployment."""
        after = self.daily().filter(pl.col("day") > self.setting.deployed_at.date())
        return Decimal(after["avoided_usd"].sum())


def run_rollout(setting: RolloutSetting) -> RolloutWorld:
    """Simulate a rollout and its twin, in memory."""
    scenario, twin = rollout_scenarios(setting)
    return RolloutWorld(setting, run(scenario, setting.seed, setting.weeks), run(twin, setting.seed, setting.weeks))


def rollout_scenarios(setting: RolloutSetting) -> tuple[Scenario, Scenario]:
    """Return the scenario of a rollout, and that of its twin."""
    actual = _scenario(setting)
    return actual, replace(without_rollouts(actual), functions=_callers(setting, is_twin=True))


def _scenario(setting: RolloutSetting) -> Scenario:
    kind, at = setting.kind, setting.deployed_at
    midnight = at.date()
    shift = setting.demand_factor * _DEMAND_FACTOR.get(kind, 1.0)
    cheaper = [
        PriceChange(name, price(name) * Decimal("0.8"), midnight)
        for name in ("gpu_hour_cost_a10g", "gpu_hour_cost_a100_40gb", "cpu_hour_cost", "mem_gib_hour_cost")
    ]
    series = SeriesHabits() if setting.has_series else None
    if kind == RolloutKind.LATE_SERIES:
        series = SeriesHabits(since=dt.datetime.combine(midnight, dt.time(), dt.UTC))
    return Scenario(
        name=kind.value,
        environment="main",
        rollout_monday=FIRST_MONDAY + dt.timedelta(weeks=(setting.weeks + 1) // 2),
        functions=_callers(setting),
        apps=_apps(setting),
        rollouts=(),
        volumes=(),
        prices=prices(*(cheaper if kind == RolloutKind.PRICE_CHANGE else ())),
        bill=SETTLED,
        day_persistence=setting.persistence,
        demand_shift=None if shift == 1.0 else DemandShift(shift, midnight),
        log=LogHabits(lost_share=0.35, lost_since=at) if kind == RolloutKind.LOST_LOGS else LogHabits(),
        series=series,
        catalog=programme(kind.value, _covered(setting), deployed_at=at),
    )


def _covered(setting: RolloutSetting) -> list[ProgrammeFunction]:
    """Return what the catalog of the programme knows; it has not heard of a new name."""
    before, after = _before(setting), _after(setting)
    return [
        ProgrammeFunction(name, APP, before[name].configuration, after.get(name, before[name]).configuration)
        for name in (INFER, GENERATE)
    ]


def _callers(setting: RolloutSetting, *, is_twin: bool = False) -> tuple[SimulatedFunction, ...]:
    """Return the functions as their callers know them; in the twin nobody has heard of the rollout."""
    at = setting.deployed_at
    functions = {
        name: SimulatedFunction(name, APP, working_week(setting.calls_per_day * share))
        for name, share in _CALLS_PER_DAY.items()
    }
    infer = functions[INFER]
    if setting.kind == RolloutKind.MAPS:
        maps = Maps(per_day=3, inputs=100, shift=DemandShift(0.3, at.date()))
        functions[INFER] = replace(infer, demand=replace(infer.demand, maps=maps))
    if setting.kind == RolloutKind.NAMESAKE:
        grown = replace(working_week(setting.calls_per_day), shift=DemandShift(3.0, at.date()))
        functions[f"{INFER}@{OTHER_APP}"] = SimulatedFunction(f"{INFER}@{OTHER_APP}", OTHER_APP, grown)
    if setting.kind == RolloutKind.RENAME and not is_twin:
        functions[INFER] = replace(infer, until=at)
        functions[RENAMED] = replace(infer, name=RENAMED, arrivals=INFER, since=at)
    if setting.kind == RolloutKind.SPLIT and not is_twin:
        functions[SPLIT_OFF] = replace(infer, name=SPLIT_OFF, arrivals=INFER, since=at)
    return tuple(functions.values())


def _before(setting: RolloutSetting) -> dict[str, DeployedFunction]:
    """Return what is deployed before the rollout."""
    laws = setting.laws
    functions = {
        INFER: workload("A10G", cores=4, memory_mib=16384, seconds=20, window_seconds=90, laws=laws),
        GENERATE: workload("A100-40GB", cores=2, memory_mib=16384, seconds=45, laws=laws),
        WRITE: workload(None, cores=1, memory_mib=2048, seconds=6, laws=laws),
        NEIGHBOUR: workload("A10G", cores=1, memory_mib=4096, seconds=8, laws=laws),
    }
    if setting.kind == RolloutKind.NEIGHBOUR_OFF:
        functions[NEIGHBOUR] = _asking(functions[NEIGHBOUR], min_containers=1)
    if setting.kind == RolloutKind.BASELINE_OUTAGE:
        outage = setting.deployed_at - 9 * _DAY
        crashes = InitCrashes(0.9, seconds=(60.0, 280.0), since=outage, until=outage + 2 * _DAY)
        functions[INFER] = replace(functions[INFER], laws=replace(laws, crashes=crashes))
    if setting.kind == RolloutKind.BELOW_USE:
        functions |= {name: _using_all(functions[name]) for name in (INFER, GENERATE)}
    return functions


def _after(setting: RolloutSetting) -> dict[str, DeployedFunction]:
    """Return what the rollout deploys: by default the same with a shorter timeout, which changes no cost."""
    after = {name: _asking(deployed, timeout_seconds=1800) for name, deployed in _before(setting).items()}
    if setting.kind == RolloutKind.SAVING:
        after |= {name: _changed(after[name], setting.change) for name in (INFER, GENERATE)}
    elif setting.kind == RolloutKind.ROLLBACK:
        after |= {name: _changed(after[name], Change(seconds_factor=0.5)) for name in (INFER, GENERATE)}
    elif setting.kind == RolloutKind.BELOW_USE:
        after |= {name: _asking(after[name], cpu_millicores=500, memory_mib=1024) for name in (INFER, GENERATE)}
    elif setting.kind == RolloutKind.RENAME:
        after[RENAMED] = after.pop(INFER)
    elif setting.kind == RolloutKind.SPLIT:
        after[SPLIT_OFF] = after[INFER]
        caller = workload(None, cores=1, memory_mib=2048, seconds=22, laws=setting.laws)
        after[INFER] = _asking(caller, timeout_seconds=1800)
    return after


def _apps(setting: RolloutSetting) -> tuple[App, ...]:
    at = setting.deployed_at
    before, after = _before(setting), _after(setting)
    deployments = [Deployment(APP, 1, None, before, commit="1f00aa3")]
    if setting.kind == RolloutKind.NEIGHBOUR_OFF:
        # The neighbour's owner acts on the same day, rollout or not.
        quiet = {NEIGHBOUR: _asking(before[NEIGHBOUR], min_containers=0)}
        deployments.append(Deployment(APP, 2, at - dt.timedelta(hours=1), before | quiet, commit="1f00aa4"))
        after |= quiet
    deployments.append(Deployment(APP, 3, at, after, commit="2c9b7d1", is_rollout=True))
    if setting.kind == RolloutKind.ROLLBACK:
        deployments.append(Deployment(APP, 4, at + 2 * _DAY, before, commit="1f00aa3", is_rollout=True))
    apps = [App(APP, object_id("ap", APP), tuple(deployments))]
    if setting.kind == RolloutKind.NAMESAKE:
        namesake = {f"{INFER}@{OTHER_APP}": before[INFER]}
        deployment = Deployment(OTHER_APP, 1, None, namesake, commit="77d0e21")
        apps.append(App(OTHER_APP, object_id("ap", OTHER_APP), (deployment,)))
    return tuple(apps)


def _asking(deployed: DeployedFunction, **changes: object) -> DeployedFunction:
    return replace(deployed, configuration=replace(deployed.configuration, **changes))  # type: ignore[arg-type]


def _changed(deployed: DeployedFunction, change: Change) -> DeployedFunction:
    configuration, behaviour = deployed.configuration, deployed.behaviour
    low, high = behaviour.memory_mib_used
    most = change.memory_mib or high
    return replace(
        deployed,
        configuration=replace(
            configuration,
            gpu_type=change.gpu_type or configuration.gpu_type,
            memory_mib=change.memory_mib or configuration.memory_mib,
            scaledown_window_seconds=change.window_seconds or configuration.scaledown_window_seconds,
        ),
        behaviour=replace(
            behaviour,
            median_seconds=behaviour.median_seconds * change.seconds_factor,
            memory_mib_used=(min(low, most), min(high, most)),
        ),
    )


def _using_all(deployed: DeployedFunction) -> DeployedFunction:
    """Return a function that uses more than it requests from the first second to the last."""
    configuration = deployed.configuration
    cores, memory = configuration.cpu_millicores or 0, configuration.memory_mib or 0
    behaviour = replace(
        deployed.behaviour,
        millicores_executing=(cores, cores + 400),
        memory_mib_used=(memory, memory + 1024),
    )
    always = UseLaw((1.0, 1.0), (1.0, 1.0), (float(cores), float(cores)), (1.0, 1.0))
    assert deployed.laws is not None, "every function of a rollout has laws"
    return replace(deployed, behaviour=behaviour, laws=replace(deployed.laws, use=always))


def _origin(function: str) -> str:
    return INFER if function in (RENAMED, SPLIT_OFF) else function


def _cost(world: World) -> dict[tuple[str, int], int]:
    """Return picodollars by function and day of the programme's app, its roundings left out."""
    sums: dict[tuple[str, int], int] = defaultdict(int)
    for cell in world.bill.cells:
        if cell.app == APP and not cell.function.startswith("__"):
            sums[_origin(shown_name(cell.function)), cell.hour // 24] += cell.picodollars
    return sums


def _successes(world: World) -> dict[tuple[str, int], int]:
    """Return inputs that ended in success, by function and the day of their end; what was split off counts once."""
    sums: dict[tuple[str, int], int] = defaultdict(int)
    for log in world.pools:
        if log.app == APP and log.function != SPLIT_OFF:
            ended = (log.finished_us[log.status == SUCCESS] - to_us(world.start)) // DAY_US
            for day, count in enumerate(np.bincount(ended).tolist()):
                sums[_origin(log.function), day] += count
    return sums
