"""Power: is a real saving verified within two weeks?

Every rollout has 14 baseline days and complete settled data. What it changes differs: the GPU, the seconds of a call,
or how long idle containers stay. None makes calls slower than the guardrails allow, because no such change is to be
verified. How much a change saves the twin tells; what saves less than a tenth is left out.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby

from benchmarks.rollouts import MeasuredRollout
from tieout.savings.status import Status
from tieout.simulator.rollout_setting import Change, RolloutKind, RolloutSetting

ROLLOUTS = 100
CALLS_PER_DAY = 600
CHANGES = (
    Change(seconds_factor=0.6),
    Change(window_seconds=30),
    Change(seconds_factor=0.5, window_seconds=40),
    Change(gpu_type="L4", seconds_factor=1.05),
    Change(gpu_type="T4", memory_mib=8192, seconds_factor=1.1),
)
SIZES = (Decimal("0.10"), Decimal("0.15"), Decimal("0.25"), Decimal("0.40"))
_FIRST_SEED = 20_000


def settings(rollouts: int = ROLLOUTS) -> list[RolloutSetting]:
    """All rollouts, each with and without container series; the changes take turns."""
    return [
        RolloutSetting(
            RolloutKind.SAVING,
            seed=_FIRST_SEED + number,
            weeks_before=2,
            weeks_after=2,
            calls_per_day=CALLS_PER_DAY,
            change=CHANGES[number % len(CHANGES)],
            has_series=has_series,
        )
        for number in range(rollouts)
        for has_series in (False, True)
    ]


def table(measured: Iterable[MeasuredRollout]) -> str:
    """The results as a Markdown table: a line for each size of the saving, with and without container series."""
    lines = [
        "| container series | true saving | rollouts | verified after a week | within two weeks | if not, because |",
        "|---|---|---|---|---|---|",
    ]
    by_size: dict[tuple[bool, Decimal], list[list[MeasuredRollout]]] = defaultdict(list)
    for setting, weeks in groupby(measured, key=lambda rollout: rollout.setting):
        ordered = list(weeks)
        share = ordered[-1].total.true_usd / ordered[-1].total.twin_usd
        for size in SIZES:
            if share >= size:
                by_size[setting.has_series, size].append(ordered)
    for (has_series, size), rollouts in sorted(by_size.items()):
        lines.append(f"| {'yes' if has_series else 'no'} | ≥ {size:.0%} | {_figures(rollouts)} |")
    return "\n".join(lines)


def _figures(rollouts: Sequence[Sequence[MeasuredRollout]]) -> str:
    first = sum(_is_verified(weeks[0]) for weeks in rollouts)
    within = sum(any(map(_is_verified, weeks)) for weeks in rollouts)
    reasons: dict[str, int] = defaultdict(int)
    for weeks in rollouts:
        if not any(map(_is_verified, weeks)):
            for reason in set(weeks[-1].total.reasons):
                reasons[reason] += 1
    commonest = sorted(reasons.items(), key=lambda item: -item[1])[:3]
    because = ", ".join(f"`{reason}` {count}×" for reason, count in commonest)
    return f"{len(rollouts)} | {first / len(rollouts):.0%} | {within / len(rollouts):.0%} | {because}"


def _is_verified(week: MeasuredRollout) -> bool:
    return week.total.status == Status.VERIFIED
