"""Coverage: does the 90% interval around the avoided cost contain the twin's true avoided cost as often as it says?

Every rollout is a week of exports that the product attributes, with a baseline frozen over its last 14 or all its 28
days. Containers keep to the method's rules in a third of them only. Rollouts of one seed share calls and luck of the
baseline, and differ in what happens after it.
"""

import statistics
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from itertools import product
from typing import TypeVar

from benchmarks.rollouts import MeasuredRollout
from tieout.simulator.laws import AS_THE_RULES_SAY, Laws
from tieout.simulator.rollout_setting import RolloutKind, RolloutSetting

BASELINES = (14, 28)
PERSISTENCES = (0.0, 0.6)
DEMANDS = (0.7, 1.0, 1.3, 2.0)
ROLLOUTS_OF_A_CELL = 40
_FIRST_SEED = 10_000
_LAWS = (AS_THE_RULES_SAY, Laws(), replace(Laws(), idle_share=(1.0, 1.6), surplus_rate=0.1))
_Key = TypeVar("_Key", bound=Hashable)


def settings(of_a_cell: int = ROLLOUTS_OF_A_CELL) -> list[RolloutSetting]:
    """All rollouts, one of every cell in turn: demand, its persistence, and whether container series are landed."""
    return [
        RolloutSetting(
            RolloutKind.SAVING,
            seed=_FIRST_SEED + number,
            weeks_before=BASELINES[-1] // 7,
            weeks_after=1,
            demand_factor=demand,
            persistence=persistence,
            laws=_LAWS[number % len(_LAWS)],
            has_series=has_series,
        )
        for number in range(of_a_cell)
        for has_series, persistence, demand in product((False, True), PERSISTENCES, DEMANDS)
    ]


def table(measured: Iterable[MeasuredRollout]) -> str:
    """The results as a Markdown table: a line for each cell, then all by demand, then all."""
    rollouts = list(measured)
    lines = [
        "| container series | baseline | persistence | demand after | rollouts | covered | missed | functions covered "
        "| bias | H ÷ counterfactual | H ÷ H from true cost |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (has_series, days, persistence, demand), group in sorted(_grouped(rollouts, _cell).items()):
        series = "yes" if has_series else "no"
        lines.append(f"| {series} | {days} days | ρ = {persistence:.1f} | ×{demand:.1f} | {_figures(group)} |")
    for demand, group in sorted(_grouped(rollouts, lambda rollout: rollout.setting.demand_factor).items()):
        lines.append(f"| **all** | | | ×{demand:.1f} | {_figures(group)} |")
    lines.append(f"| **all** | | | | {_figures(rollouts)} |")
    return "\n".join(lines)


def _cell(rollout: MeasuredRollout) -> tuple[bool, int, float, float]:
    setting = rollout.setting
    return setting.has_series, rollout.baseline_days, setting.persistence, setting.demand_factor


def _figures(group: Sequence[MeasuredRollout]) -> str:
    covered = sum(rollout.total.is_covered for rollout in group)
    functions = [function for rollout in group for function in rollout.functions]
    by_function = sum(function.is_covered for function in functions) / len(functions)
    errors = [r.total.error_usd / r.total.twin_usd for r in group if r.total.error_usd is not None]
    widths = [r.total.half_width_usd / r.total.twin_usd for r in group if r.total.half_width_usd is not None]
    ratios = [r.total.half_width_usd / r.true_cost_half_width_usd for r in group if r.total.half_width_usd is not None]
    return (
        f"{len(group)} | {covered / len(group):.1%} | {len(group) - covered} | {by_function:.1%} "
        f"| {statistics.mean(errors):+.2%} | {statistics.median(widths):.2%} | {statistics.median(ratios):.2f}×"
    )


def _grouped(
    rollouts: Iterable[MeasuredRollout], key: Callable[[MeasuredRollout], _Key]
) -> dict[_Key, list[MeasuredRollout]]:
    groups: dict[_Key, list[MeasuredRollout]] = defaultdict(list)
    for rollout in rollouts:
        groups[key(rollout)].append(rollout)
    return groups
