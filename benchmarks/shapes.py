"""Shapes: which counterfactual has the least bias where demand changes, on true costs, without the attribution.

Repeats the trial of decision 0012. Three ways to the same amount: the line whose shape the replay gives (the headline),
the line on calls alone, and κ × R. Containers keep to five laws. The twin's cost of the same days is known.
"""

import datetime as dt
import math
import statistics
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.rows import ROOT, Rows, code_version
from tieout.savings.daily_work import WorkingDay
from tieout.savings.disagreement import WitnessKind
from tieout.savings.function_claim import model_of, model_witnesses
from tieout.savings.replay import ContainerModel, Integers
from tieout.savings.replay_period import Experience, ReplayedDay, replay_days
from tieout.savings.uncertainty import MeasuredVolume, total_half_width, with_disagreement
from tieout.savings.witnesses import Replays, Testimony, together
from tieout.simulator import SCENARIOS
from tieout.simulator.laws import AS_THE_RULES_SAY, Laws
from tieout.simulator.rollout import GENERATE, INFER, run_rollout
from tieout.simulator.rollout_setting import RolloutKind, RolloutSetting
from tieout.simulator.scenario import DemandShift
from tieout.simulator.world import World, run, to_us

DEMANDS = (0.7, 1.0, 1.3, 2.0)
PERSISTENCES = (0.0, 0.6)
BASELINES = (14, 28)
SEEDS, CORAL_X_SEEDS = range(1, 5), range(1, 4)
CORAL_X = "CORAL-X"
LAWS = {
    "as the documentation says": AS_THE_RULES_SAY,
    "as wide as Modal allows": Laws(),
    "short tails, one container in seven too many": Laws(idle_share=(0.0, 0.6), surplus_rate=0.15),
    "longer than the window": Laws(idle_share=(0.8, 1.6)),
}
_WEEKS_AFTER = 2
_CORAL_X_CALL_RATE = 0.25
_SECOND_US, _DAY_US = 1_000_000, 86_400_000_000
_HEADLINE = "headline"
_WAYS = (_HEADLINE, WitnessKind.REGRESSION.value, WitnessKind.REPLAY.value)


@dataclass(frozen=True)
class Setting:
    """One simulated world."""

    law: str
    demand: float
    persistence: float
    seed: int


@dataclass(frozen=True)
class Trial:
    """The total of a world with one length of the baseline; shares of what its twin cost.

    Attributes:
        baseline_days: how many.
        errors: by way: avoided cost less the true one.
        half_width: of the headline.
        line_half_width: of the line on calls alone, without witnesses.
    """

    baseline_days: int
    errors: dict[str, float]
    half_width: float
    line_half_width: float


@dataclass(frozen=True)
class _Days:
    """A function's days and their replay, one entry a day of the period; costs are true."""

    work: Sequence[WorkingDay]
    twin_usd: Sequence[Decimal]
    replayed: Sequence[ReplayedDay]


def settings() -> list[Setting]:
    """All worlds."""
    laws = [(law, seed) for seed in SEEDS for law in LAWS] + [(CORAL_X, seed) for seed in CORAL_X_SEEDS]
    return [Setting(law, demand, rho, seed) for (law, seed), rho, demand in product(laws, PERSISTENCES, DEMANDS)]


def measure(rows: Rows) -> Iterator[tuple[Setting, Trial]]:
    """Try every world, or take what is known of it."""
    pipelines = ROOT / "pipelines" / "tieout"
    code = code_version(Path(__file__), *pipelines.glob("simulator/**/*.py"), *pipelines.glob("savings/*.py"))
    for setting in settings():
        key = {**asdict(setting), "demand": str(setting.demand), "persistence": str(setting.persistence), "code": code}
        if rows.get(key) is None:
            rows.put(key, [asdict(trial) for trial in trials(setting)])
        for row in rows.get(key) or ():
            yield setting, Trial(**row)


def trials(setting: Setting) -> Iterator[Trial]:
    """Simulate a world and measure the weeks after its rollout with every length of the baseline."""
    world, first, daily = _world(setting)
    functions = [
        _days(world, name, daily.filter(pl.col("function") == name), first)
        for name in sorted({log.function for log in world.pools})
        if setting.law == CORAL_X or name in (INFER, GENERATE)
    ]
    deployments = {d.deployed_at.date() for app in world.scenario.apps for d in app.deployments if d.deployed_at}
    yield from (_trial(functions, days, first, deployments) for days in BASELINES)


def _world(setting: Setting) -> tuple[World, dt.date, pl.DataFrame]:
    """Return a world, the day of its deployment, and its days with what the twin cost on them."""
    if setting.law != CORAL_X:
        rollout = run_rollout(
            RolloutSetting(
                RolloutKind.SAVING,
                setting.seed,
                weeks_after=_WEEKS_AFTER,
                demand_factor=setting.demand,
                persistence=setting.persistence,
                laws=LAWS[setting.law],
            )
        )
        return rollout.world, rollout.setting.deployed_at.date(), rollout.daily()
    scenario = SCENARIOS["coral-x"]
    fewer = (replace(f.demand, calls_per_hour=f.demand.calls_per_hour * _CORAL_X_CALL_RATE) for f in scenario.functions)
    scenario = replace(
        scenario,
        functions=tuple(replace(f, demand=demand) for f, demand in zip(scenario.functions, fewer, strict=True)),
        day_persistence=setting.persistence,
        demand_shift=DemandShift(setting.demand, scenario.rollout_monday),
    )
    world = run(scenario, setting.seed, BASELINES[-1] // 7 + _WEEKS_AFTER + 1)
    daily = world.daily().with_columns(counterfactual_usd=pl.col("cost_usd") + pl.col("avoided_usd"))
    return world, scenario.rollout_monday, daily


def _days(world: World, function: str, daily: pl.DataFrame, deployed: dt.date) -> _Days:
    logs = [log for log in world.pools if log.function == function]
    old, until = logs[0], to_us(world.start) + (deployed - world.start.date()).days * _DAY_US
    ran = (old.started_us >= 0) & (old.visible_us < until)
    served = np.unique(old.container[ran])
    experience = Experience(
        np.sort(old.finished_us[ran] - old.started_us[ran]), np.sort(old.ready_us[served] - old.created_us[served])
    )
    arrivals: Integers = np.sort(np.concatenate([log.visible_us[log.started_us >= 0] for log in logs]))
    window = old.versions[0].deployed.configuration.scaledown_window_seconds
    days = daily.sort("day")
    model = ContainerModel(window * _SECOND_US)
    replayed = replay_days(arrivals, dict.fromkeys(days["day"].to_list(), model), experience, known={})
    return _Days(
        work=[WorkingDay(*row) for row in days.select("day", "successes", "cost_usd").rows()],
        twin_usd=days["counterfactual_usd"].to_list(),
        replayed=[own for _, own in replayed],
    )


def _trial(functions: Sequence[_Days], baseline_days: int, deployed: dt.date, deployments: set[dt.date]) -> Trial:
    testimonies, costs, volumes, lines, true_usd = [], [], [], [], Decimal(0)
    for own in functions:
        first = deployed - dt.timedelta(days=baseline_days)
        before = [i for i, day in enumerate(own.work) if first <= day.day < deployed]
        after = [i for i, day in enumerate(own.work) if day.day > deployed and day.day not in deployments]
        baseline, measured = ([own.work[i] for i in side] for side in (before, after))
        replays = Replays(*(tuple(own.replayed[i] for i in side) for side in (before, after)))
        model = model_of(baseline, measured, replays)
        if model is None:
            continue
        calls = tuple(day.successful_calls for day in measured)
        cost = sum((day.cost_usd for day in measured), Decimal(0))
        witnesses = model_witnesses(baseline, measured, replays)
        testimonies.append(Testimony(witnesses, model.cost_usd(sum(calls), len(calls)) - cost, None))
        costs.append(cost)
        volumes.append(MeasuredVolume(model, calls))
        lines += [w.volume for w in witnesses if w.kind is WitnessKind.REGRESSION and w.volume is not None]
        true_usd += sum((own.twin_usd[i] for i in after), Decimal(0))
    width, line = total_half_width(volumes), total_half_width(lines)
    assert width is not None and line is not None, "two weeks of baseline have an interval"
    testimony, true_saving = together(testimonies, costs, width), true_usd - sum(costs, Decimal(0))
    savings = {_HEADLINE: testimony.saving_usd} | {w.kind.value: w.saving_usd for w in testimony.witnesses}
    widened = with_disagreement(width, testimony.difference_usd)
    return Trial(
        baseline_days=baseline_days,
        errors={way: float((savings[way] - true_saving) / true_usd) for way in _WAYS},
        half_width=float(widened.half_width_usd / true_usd),
        line_half_width=float(line.half_width_usd / true_usd),
    )


def table(measured: Iterable[tuple[Setting, Trial]]) -> str:
    """The results as a Markdown table, a line for each demand: bias, width, and how often the truth is within."""
    by_demand: dict[float, list[tuple[Setting, Trial]]] = defaultdict(list)
    for setting, trial in measured:
        by_demand[setting.demand].append((setting, trial))
    lines = [
        "| demand | worlds | bias of the headline | line on calls alone | κ × R | median H, line alone | headline "
        "| truth within, line alone | headline |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for demand, group in sorted(by_demand.items()):
        own = [trial for _, trial in group]
        biases = " | ".join(_bias(group, way) for way in _WAYS)
        widths = [statistics.median(getattr(t, name) for t in own) for name in ("line_half_width", "half_width")]
        within = [
            _share(abs(trial.errors[way]) <= getattr(trial, name) for trial in own)
            for way, name in ((_WAYS[1], "line_half_width"), (_HEADLINE, "half_width"))
        ]
        worlds = len({setting for setting, _ in group})
        lines.append(
            f"| ×{demand} | {worlds} | {biases} | {' | '.join(f'{w:.2%}' for w in widths)} | {' | '.join(within)} |"
        )
    return "\n".join(lines)


def _bias(group: Sequence[tuple[Setting, Trial]], way: str) -> str:
    """The mean of all, and that of the law where it is furthest from nothing."""
    by_law: dict[Hashable, list[float]] = defaultdict(list)
    for setting, trial in group:
        by_law[setting.law].append(trial.errors[way])
    worst = max((statistics.mean(errors) for errors in by_law.values()), key=abs)
    return f"{statistics.mean(e for errors in by_law.values() for e in errors):+.2%} ({worst:+.2%})"


def _share(hits: Iterable[bool]) -> str:
    found = list(hits)
    return f"{math.fsum(found) / len(found):.0%}"
