"""Coverage: does the 90% interval around the avoided cost contain the twin's true avoided cost as often as it says?

Each rollout is a CORAL-X of its own, with fewer calls: four weeks before the first deployment and three after it. The
baseline is its last 14 or all its 28 days; the method sees the same figures per function and day that the warehouse
would give it, and the truth is what the same arrivals cost on the old configuration.
"""

import datetime as dt
import os
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from itertools import product
from typing import TypeVar

from tieout.core.money import format_usd
from tieout.savings.counterfactual import avoided_cost, fit_counterfactual
from tieout.savings.days import FunctionDay
from tieout.savings.status import Evidence, GuardrailOutcomes, Status, judge
from tieout.savings.uncertainty import MeasuredVolume, half_width, total_half_width
from tieout.simulator import SCENARIOS, Scenario, run
from tieout.simulator.coral_x import PHASE_1, PHASE_2
from tieout.simulator.scenario import DemandShift

WEEKS = 7
BASELINE_DAYS = (14, 28)
CALL_RATE = 0.3
SEEDS_PER_CELL = 34
OTHER_SEEDS = 10
PERSISTENCES = (0.0, 0.6)
SHIFTS = (0.7, 1.0, 1.3)
VOLUME_DROP = 0.6
_Key = TypeVar("_Key")
_DEPLOYED = (PHASE_1.date(), PHASE_2.date())


class Kind(StrEnum):
    """What happens in a simulated world."""

    ROLLOUT = "rollout"
    VOLUME_DROP = "40% fewer calls, no rollout"
    WORSE = "rollout that costs more"


@dataclass(frozen=True)
class Setting:
    """One simulated world: demand that resembles the day before (or not), and how it shifts with the rollout."""

    kind: Kind
    persistence: float
    shift: float
    seed: int


@dataclass(frozen=True)
class Outcome:
    """The total of one world measured with a baseline of some length, beside the truth; amounts in dollars.

    Attributes:
        covered_functions: functions whose own interval contains their own true saving.
        functions: functions with a counterfactual.
        status: what the total would be called, guardrails passing.
    """

    setting: Setting
    baseline_days: int
    avoided_usd: Decimal
    truth_usd: Decimal
    half_width_usd: Decimal
    covered_functions: int
    functions: int
    status: Status

    @property
    def error_usd(self) -> Decimal:
        """Measured less true saving."""
        return self.avoided_usd - self.truth_usd

    @property
    def is_covered(self) -> bool:
        """Whether the interval contains the truth."""
        return abs(self.error_usd) <= self.half_width_usd


@dataclass(frozen=True)
class _Day:
    work: FunctionDay
    avoided_usd: Decimal


def settings(seeds_per_cell: int = SEEDS_PER_CELL, other_seeds: int = OTHER_SEEDS) -> list[Setting]:
    """All worlds of the benchmark: rollouts in every combination of demand, and the two that must not look like one."""
    cells = list(product(PERSISTENCES, SHIFTS))
    rollouts = [
        Setting(Kind.ROLLOUT, persistence, shift, 10_000 * (cell + 1) + seed)
        for seed in range(seeds_per_cell)
        for cell, (persistence, shift) in enumerate(cells)
    ]
    others = [
        Setting(kind, PERSISTENCES[-1], shift, first + seed)
        for kind, shift, first in ((Kind.VOLUME_DROP, VOLUME_DROP, 80_000), (Kind.WORSE, 1.0, 90_000))
        for seed in range(other_seeds)
    ]
    return rollouts + others


def measure(worlds: Sequence[Setting]) -> list[Outcome]:
    """Simulate worlds, on all cores, and measure each with every length of baseline."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return [outcome for outcomes in pool.map(_outcomes, worlds) for outcome in outcomes]


def _outcomes(setting: Setting) -> list[Outcome]:
    days = defaultdict(list)
    for function, day, successes, cost, avoided in run(_scenario(setting), setting.seed, WEEKS).daily().rows():
        days[function].append(_Day(FunctionDay(function, day, successes, cost), avoided))
    return [_outcome(setting, days, length) for length in BASELINE_DAYS]


def _scenario(setting: Setting) -> Scenario:
    scenario = SCENARIOS["coral-x"]
    if setting.kind is Kind.VOLUME_DROP:
        scenario = replace(scenario, rollouts=())
    elif setting.kind is Kind.WORSE:
        scenario = _backwards(scenario)
    fewer = (replace(f.demand, calls_per_hour=f.demand.calls_per_hour * CALL_RATE) for f in scenario.functions)
    return replace(
        scenario,
        functions=tuple(replace(f, demand=demand) for f, demand in zip(scenario.functions, fewer, strict=True)),
        day_persistence=setting.persistence,
        demand_shift=DemandShift(setting.shift, scenario.rollout_monday),
    )


def _backwards(scenario: Scenario) -> Scenario:
    """Roll out from the new configurations to the old ones."""
    old_app, new_app = scenario.apps
    cheap, dear = new_app.deployments[-1].functions, old_app.deployments[0].functions
    return replace(
        scenario,
        apps=(
            replace(old_app, deployments=tuple(replace(d, functions=cheap) for d in old_app.deployments)),
            replace(
                new_app,
                deployments=tuple(
                    replace(d, functions={name: dear[name] for name in d.functions}) for d in new_app.deployments
                ),
            ),
        ),
    )


def _outcome(setting: Setting, days: Mapping[str, Sequence[_Day]], baseline_days: int) -> Outcome:
    start = _DEPLOYED[0] - dt.timedelta(days=baseline_days)
    volumes, avoided, truth, covered = [], Decimal(0), Decimal(0), 0
    for own in days.values():
        model = fit_counterfactual(day.work for day in own if start <= day.work.day < _DEPLOYED[0])
        if model is None:
            continue
        measured = [day for day in own if day.work.day > _DEPLOYED[0] and day.work.day not in _DEPLOYED]
        saving = avoided_cost(model, (day.work for day in measured)).avoided_usd
        true_saving = sum((day.avoided_usd for day in measured), Decimal(0))
        volumes.append(MeasuredVolume(model, tuple(day.work.successful_calls for day in measured)))
        width = half_width(volumes[-1])
        covered += width is not None and abs(saving - true_saving) <= width.half_width_usd
        avoided, truth = avoided + saving, truth + true_saving
    total = total_half_width(volumes)
    assert total is not None, "every simulated workspace has functions and baseline days"
    return Outcome(
        setting=setting,
        baseline_days=baseline_days,
        avoided_usd=avoided,
        truth_usd=truth,
        half_width_usd=total.half_width_usd,
        covered_functions=covered,
        functions=len(volumes),
        status=_status(avoided, total.half_width_usd, baseline_days),
    )


def _status(avoided: Decimal, width: Decimal, baseline_days: int) -> Status:
    return judge(
        Evidence(
            avoided_usd=avoided,
            half_width_usd=width,
            is_deployed=True,
            baseline_days=baseline_days,
            baseline_calls=1,
            measured_days=1,
            guardrails=GuardrailOutcomes(passed=("not simulated here",)),
        )
    ).status


def table(outcomes: Sequence[Outcome]) -> str:
    """The results as two Markdown tables: rollouts by demand, and the worlds that must not look like a saving."""
    return f"{_rollout_table(outcomes)}\n\n{_other_table(outcomes)}"


def _rollout_table(outcomes: Iterable[Outcome]) -> str:
    rollouts = [outcome for outcome in outcomes if outcome.setting.kind is Kind.ROLLOUT]
    groups = _grouped(rollouts, lambda o: (o.baseline_days, o.setting.persistence, o.setting.shift))
    lines = [
        "| baseline | demand resembles the day before | demand after | rollouts | truth within the interval "
        "| same, single functions | median error of the total | H ÷ saving, median |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {days} days | ρ = {persistence:.1f} | ×{shift:.1f} | {_figures(group)} |"
        for (days, persistence, shift), group in sorted(groups.items())
    ]
    lines += [
        f"| **{days} days** | **all** | | {_figures(group)} |"
        for days, group in sorted(_grouped(rollouts, lambda o: o.baseline_days).items())
    ]
    return "\n".join(lines)


def _figures(outcomes: Sequence[Outcome]) -> str:
    covered = sum(outcome.is_covered for outcome in outcomes) / len(outcomes)
    functions = sum(o.covered_functions for o in outcomes) / sum(o.functions for o in outcomes)
    error = statistics.median(abs(o.error_usd) / o.truth_usd for o in outcomes)
    width = statistics.median(o.half_width_usd / o.avoided_usd for o in outcomes)
    return f"{len(outcomes)} | {covered:.1%} | {functions:.1%} | {error:.2%} | {width:.2%}"


def _other_table(outcomes: Iterable[Outcome]) -> str:
    others = [outcome for outcome in outcomes if outcome.setting.kind is not Kind.ROLLOUT]
    lines = [
        "| world | baseline | worlds | true saving, mean | measured, mean | H, mean | status |",
        "|---|---|---|---|---|---|---|",
    ]
    for (kind, days), group in sorted(_grouped(others, lambda o: (o.setting.kind, o.baseline_days)).items()):
        truth, measured, width = (
            statistics.mean(values)
            for values in zip(*((o.truth_usd, o.avoided_usd, o.half_width_usd) for o in group), strict=True)
        )
        statuses = ", ".join(f"{status} {n}×" for status, n in Counter(o.status for o in group).most_common())
        lines.append(
            f"| {kind} | {days} days | {len(group)} | {format_usd(truth)} | {format_usd(measured)} "
            f"| {format_usd(width)} | {statuses} |"
        )
    return "\n".join(lines)


def _grouped(outcomes: Iterable[Outcome], key: Callable[[Outcome], _Key]) -> dict[_Key, list[Outcome]]:
    groups: dict[_Key, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[key(outcome)].append(outcome)
    return groups
