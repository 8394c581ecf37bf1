"""Coverage: does the 90% interval around the avoided cost contain the twin's true avoided cost as often as it says?

Every rollout is a week of exports that the product attributes, with a baseline frozen over its last 14 or all its 28
days. Containers keep to the method's rules in a third of them only. Rollouts of one seed share calls and luck of the
baseline, and differ in what happens after it.
"""

import statistics
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from typing import TypeVar

from benchmarks.first_savings import FirstFigure
from benchmarks.rollouts import MeasuredRollout
from tieout.simulator.laws import AS_THE_RULES_SAY, Laws
from tieout.simulator.rollout_setting import RolloutKind, RolloutSetting

BASELINES = (14, 28)
PERSISTENCES = (0.0, 0.6)
DEMANDS = (0.7, 1.0, 1.3, 2.0)
ROLLOUTS_OF_A_CELL = 40
LEAST_COVERED, LEAST_FUNCTIONS_COVERED, MOST_MISSES_OF_A_CELL = 0.88, 0.85, 8
MOST_BIAS, MOST_BIAS_AT = 0.02, {1.3: 0.015}
MOST_AGAINST_FIRST = {0.7: 3.0, 1.0: 1.3, 1.3: 2.0, 2.0: 3.0}
_FIRST_SEED = 10_000
_LAWS = (AS_THE_RULES_SAY, Laws(), replace(Laws(), idle_share=(1.0, 1.6), surplus_rate=0.1))
_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True)
class Widths:
    """Half-widths of totals against the first version's.

    Attributes:
        ratios: this version's half-width ÷ the first version's, a rollout each.
        covered: how many of this version's intervals hold the truth.
        first_covered: likewise of the first version's.
    """

    ratios: tuple[float, ...]
    covered: int
    first_covered: int

    @classmethod
    def of(cls, pairs: Sequence[tuple[MeasuredRollout, FirstFigure]]) -> "Widths":
        """Compare both versions on the same rollouts."""
        return cls(
            ratios=tuple(
                float(rollout.total.half_width_usd / Decimal(figure.half_width_usd))
                for rollout, figure in pairs
                if rollout.total.half_width_usd is not None and figure.half_width_usd is not None
            ),
            covered=sum(rollout.total.is_covered for rollout, _ in pairs),
            first_covered=sum(figure.is_covered for _, figure in pairs),
        )


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


def missed(measured: Iterable[MeasuredRollout]) -> Iterator[str]:
    """The targets that the results miss, in words."""
    rollouts = list(measured)
    cells = _grouped(rollouts, _cell)
    if _covered(rollouts) < LEAST_COVERED:
        yield f"coverage of totals: {_covered(rollouts):.1%}"
    if _functions_covered(rollouts) < LEAST_FUNCTIONS_COVERED:
        yield f"coverage of functions: {_functions_covered(rollouts):.1%}"
    for cell, group in cells.items():
        misses = sum(not rollout.total.is_covered for rollout in group)
        if misses > MOST_MISSES_OF_A_CELL:
            yield f"coverage of {cell}: {misses} misses of {len(group)}"
        if abs(_bias(group)) > MOST_BIAS:
            yield f"bias of {cell}: {_bias(group):+.2%}"
    for demand, group in _grouped(rollouts, lambda rollout: rollout.setting.demand_factor).items():
        if abs(_bias(group)) > MOST_BIAS_AT.get(demand, MOST_BIAS):
            yield f"bias at ×{demand:.1f}: {_bias(group):+.2%}"


def against_first(
    measured: Iterable[MeasuredRollout], first: Iterable[FirstFigure]
) -> dict[tuple[float, bool], Widths]:
    """Set the half-widths of totals against those of the first version, which reads no container series.

    Args:
        measured: all rollouts; those with the longest baseline count, which is what the first version freezes.
        first: what the first version says of some, without container series.

    Returns:
        By demand, and whether container series are landed.
    """
    known = {_world(figure.setting): figure for figure in first if figure.half_width_usd is not None}
    pairs = [
        (rollout, known[_world(rollout.setting)])
        for rollout in measured
        if rollout.baseline_days == max(BASELINES) and _world(rollout.setting) in known
    ]
    groups: dict[tuple[float, bool], list[tuple[MeasuredRollout, FirstFigure]]] = defaultdict(list)
    for rollout, figure in pairs:
        groups[rollout.setting.demand_factor, rollout.setting.has_series].append((rollout, figure))
    return {key: Widths.of(group) for key, group in sorted(groups.items())}


def table_of_widths(widths: Mapping[tuple[float, bool], Widths]) -> str:
    """The comparison as a Markdown table."""
    lines = [
        "| demand after | container series | rollouts | H ÷ H of the first version, median | target "
        "| first version covered | this version covered |",
        "|---|---|---|---|---|---|---|",
    ]
    for (demand, has_series), each in widths.items():
        series = "yes" if has_series else "no"
        lines.append(
            f"| ×{demand:.1f} | {series} | {len(each.ratios)} | {statistics.median(each.ratios):.2f}× "
            f"| ≤ {MOST_AGAINST_FIRST[demand]:.1f}× | {each.first_covered} | {each.covered} |"
        )
    return "\n".join(lines)


def too_wide(widths: Mapping[tuple[float, bool], Widths]) -> Iterator[str]:
    """The targets of width that are missed, in words: medians over all rollouts of a demand."""
    for demand, most in MOST_AGAINST_FIRST.items():
        ratios = [ratio for (own, _), each in widths.items() if own == demand for ratio in each.ratios]
        if ratios and statistics.median(ratios) > most:
            yield f"half-width at ×{demand:.1f}: {statistics.median(ratios):.2f}× of the first version's"


def _world(setting: RolloutSetting) -> RolloutSetting:
    return replace(setting, has_series=False)


def _covered(group: Sequence[MeasuredRollout]) -> float:
    return sum(rollout.total.is_covered for rollout in group) / len(group)


def _functions_covered(group: Sequence[MeasuredRollout]) -> float:
    functions = [function for rollout in group for function in rollout.functions]
    return sum(function.is_covered for function in functions) / len(functions)


def _bias(group: Sequence[MeasuredRollout]) -> float:
    return statistics.mean(float(r.total.error_usd / r.total.twin_usd) for r in group if r.total.error_usd is not None)


def _cell(rollout: MeasuredRollout) -> tuple[bool, int, float, float]:
    setting = rollout.setting
    return setting.has_series, rollout.baseline_days, setting.persistence, setting.demand_factor


def _figures(group: Sequence[MeasuredRollout]) -> str:
    misses = sum(not rollout.total.is_covered for rollout in group)
    widths = [r.total.half_width_usd / r.total.twin_usd for r in group if r.total.half_width_usd is not None]
    ratios = [r.total.half_width_usd / r.true_cost_half_width_usd for r in group if r.total.half_width_usd is not None]
    return (
        f"{len(group)} | {_covered(group):.1%} | {misses} | {_functions_covered(group):.1%} "
        f"| {_bias(group):+.2%} | {statistics.median(widths):.2%} | {statistics.median(ratios):.2f}×"
    )


def _grouped(
    rollouts: Iterable[MeasuredRollout], key: Callable[[MeasuredRollout], _Key]
) -> dict[_Key, list[MeasuredRollout]]:
    groups: dict[_Key, list[MeasuredRollout]] = defaultdict(list)
    for rollout in rollouts:
        groups[key(rollout)].append(rollout)
    return groups
