"""Rollouts with a known true saving: one that saves, and every kind that looks like a saving and is none.

A rollout is two worlds with the same arrivals and the same luck: what happened, and its twin, in which the programme
deployed nothing. Everything else that changes on that day (demand, prices, a neighbour, what the log shows) changes in
both, because it is nobody's saving. The true avoided cost is the twin's cost less the actual one.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import polars as pl

from tieout.core.money import from_picodollars
from tieout.simulator.configuration import DeployedFunction
from tieout.simulator.containers import SUCCESS
from tieout.simulator.demand import DAY_US
from tieout.simulator.ids import object_id
from tieout.simulator.laws import InitCrashes, LogHabits, SeriesHabits, UseLaw
from tieout.simulator.programme import ProgrammeFunction, programme
from tieout.simulator.rollout_setting import FIRST_MONDAY, Change, RolloutKind, RolloutSetting
from tieout.simulator.scenario import (
    App,
    DemandShift,
    Deployment,
    Maps,
    PriceChange,
    Scenario,
    SimulatedFunction,
    SimulatedRollout,
    StayingCallers,
    shown_name,
)
from tieout.simulator.workloads import SETTLED, price, prices, working_week, workload
from tieout.simulator.world import World, run, to_us, without_rollouts

APP, OTHER_APP, NEW_APP = "pipeline", "lab", "pipeline-v2"
INFER, GENERATE, WRITE, NEIGHBOUR = "infer", "generate", "write", "preview"
RENAMED, SPLIT_OFF = "infer_v2", "infer_gpu"

_DAY = dt.timedelta(days=1)
_MONEY = pl.Decimal(38, 12)
_MOVED_SHARE = 0.2
_CALLS_PER_DAY = {INFER: 1.0, GENERATE: 0.5, WRITE: 0.4, NEIGHBOUR: 0.3}
_LOST_SHARE = 0.35
_DEMAND_FACTOR = {RolloutKind.VOLUME_UP: 1.3, RolloutKind.VOLUME_DOWN: 0.7, RolloutKind.VOLUME_TRIPLED: 3.0}


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
        cost, twin = _cost(self.world, self.setting), _cost(self.twin, self.setting)
        successes = _successes(self.world, self.setting)
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
    world, other = (run(one, setting.seed, setting.weeks, has_twin=False) for one in (scenario, twin))
    return RolloutWorld(setting, world, other)


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
        rollouts=_moves(setting),
        volumes=(),
        prices=prices(*(cheaper if kind == RolloutKind.PRICE_CHANGE else ())),
        bill=SETTLED,
        day_persistence=setting.persistence,
        demand_shift=None if shift == 1.0 else DemandShift(shift, midnight),
        log=_log_habits(setting),
        series=series,
        catalog=programme(kind.value, _covered(setting), deployed_at=at),
    )


def _log_habits(setting: RolloutSetting) -> LogHabits:
    if setting.kind == RolloutKind.LOST_LOGS:
        return LogHabits(lost_share=_LOST_SHARE, lost_since=setting.deployed_at)
    if setting.kind == RolloutKind.LOST_BEFORE:
        return LogHabits(lost_share=_LOST_SHARE, lost_until=setting.deployed_at)
    if setting.kind == RolloutKind.HALVED:
        return LogHabits(has_halves=True, halves_since=setting.deployed_at)
    if setting.kind == RolloutKind.DOUBLED:
        return LogHabits(has_halves=True, halves_until=setting.deployed_at)
    return LogHabits()


def _moves(setting: RolloutSetting) -> tuple[SimulatedRollout, ...]:
    """Return which callers go to another app."""
    if setting.kind == RolloutKind.MOVED:
        return tuple(SimulatedRollout(name, NEW_APP, setting.deployed_at) for name in (INFER, GENERATE))
    if setting.kind == RolloutKind.MOVED_AWAY:
        half = StayingCallers(0.5, 0.5)
        return tuple(SimulatedRollout(name, OTHER_APP, setting.deployed_at, half) for name in (INFER, GENERATE))
    return ()


def _covered(setting: RolloutSetting) -> list[ProgrammeFunction]:
    """Return what the catalog of the programme knows; it has not heard of a new name."""
    before, after = _before(setting), _after(setting)
    app = NEW_APP if setting.kind == RolloutKind.MOVED else APP
    return [
        ProgrammeFunction(name, APP, before[name].configuration, after.get(name, before[name]).configuration, app)
        for name in (INFER, GENERATE)
    ]


def _callers(setting: RolloutSetting, *, is_twin: bool = False) -> tuple[SimulatedFunction, ...]:
    """Return the functions as their callers know them; in the twin nobody has heard of the rollout."""
    at = setting.deployed_at
    shares = _CALLS_PER_DAY
    if setting.kind == RolloutKind.MOVED_WITHIN:
        shares = {**shares, INFER: _MOVED_SHARE, GENERATE: 1.0}
    functions = {
        name: SimulatedFunction(name, APP, working_week(setting.calls_per_day * share))
        for name, share in shares.items()
    }
    infer, generate = functions[INFER], functions[GENERATE]
    if setting.kind == RolloutKind.MOVED_WITHIN and not is_twin:
        more = replace(generate.demand, shift=DemandShift(1 + _MOVED_SHARE, at.date()))
        functions[GENERATE] = replace(generate, demand=more)
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
    elif setting.kind == RolloutKind.MOVED_WITHIN:
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
    if setting.kind != RolloutKind.MOVED:
        deployments.append(Deployment(APP, 3, at, after, commit="2c9b7d1", is_rollout=True))
    if setting.kind == RolloutKind.ROLLBACK:
        deployments.append(Deployment(APP, 4, at + 2 * _DAY, before, commit="1f00aa3", is_rollout=True))
    return (App(APP, object_id("ap", APP), tuple(deployments)), *_other_apps(setting))


def _other_apps(setting: RolloutSetting) -> tuple[App, ...]:
    """Return the apps beside the programme's own."""
    at, both = setting.deployed_at, (INFER, GENERATE)
    before = _before(setting)
    after = before | _after(setting)
    deployments = {
        RolloutKind.NAMESAKE: Deployment(OTHER_APP, 1, None, {f"{INFER}@{OTHER_APP}": before[INFER]}, "77d0e21"),
        RolloutKind.MOVED: Deployment(NEW_APP, 1, at, {name: after[name] for name in both}, "2c9b7d1", is_rollout=True),
        RolloutKind.MOVED_AWAY: Deployment(OTHER_APP, 1, None, {name: before[name] for name in both}, "77d0e21"),
    }
    if setting.kind not in deployments:
        return ()
    deployment = deployments[setting.kind]
    return (App(deployment.app, object_id("ap", deployment.app), (deployment,)),)


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


def _is_own(setting: RolloutSetting, app: str) -> bool:
    """Whether an app serves the programme's callers, before or after."""
    return app in (APP, NEW_APP) or (app == OTHER_APP and setting.kind == RolloutKind.MOVED_AWAY)


def _cost(world: World, setting: RolloutSetting) -> dict[tuple[str, int], int]:
    """Return picodollars by function and day of the programme's callers, roundings left out."""
    sums: dict[tuple[str, int], int] = defaultdict(int)
    for cell in world.bill.cells:
        if _is_own(setting, cell.app) and not cell.function.startswith("__"):
            sums[_origin(shown_name(cell.function)), cell.hour // 24] += cell.picodollars
    return sums


def _successes(world: World, setting: RolloutSetting) -> dict[tuple[str, int], int]:
    """Return inputs that ended in success, by function and the day of their end; what was split off counts once."""
    sums: dict[tuple[str, int], int] = defaultdict(int)
    for log in world.pools:
        if _is_own(setting, log.app) and log.function != SPLIT_OFF:
            ended = (log.finished_us[log.status == SUCCESS] - to_us(world.start)) // DAY_US
            for day, count in enumerate(np.bincount(ended).tolist()):
                sums[_origin(log.function), day] += count
    return sums
