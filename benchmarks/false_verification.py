"""False verification: rollouts that save nothing, and what is said of them.

Each has a frozen baseline of 14 days, complete settled data, and a week of six measured days after its deployment.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from benchmarks.rollouts import MeasuredRollout
from tieout.savings.status import Status
from tieout.simulator.rollout_setting import SAVES_NOTHING, RolloutKind, RolloutSetting

ROLLOUTS_OF_A_KIND = 20
_FIRST_SEED = 30_000


def settings(of_a_kind: int = ROLLOUTS_OF_A_KIND) -> list[RolloutSetting]:
    """All rollouts, one of every kind in turn; no two have a seed in common."""
    return [
        RolloutSetting(kind, _FIRST_SEED + 100 * position + number, weeks_before=2, weeks_after=1)
        for number in range(of_a_kind)
        for position, kind in enumerate(SAVES_NOTHING)
    ]


def table(measured: Iterable[MeasuredRollout]) -> str:
    """The results as a Markdown table: a line for each kind, then all."""
    by_kind: dict[RolloutKind, list[MeasuredRollout]] = defaultdict(list)
    for rollout in measured:
        by_kind[rollout.setting.kind].append(rollout)
    lines = [
        "| what happens | rollouts | verified | provisional | functions verified, provisional | reasons told most |",
        "|---|---|---|---|---|---|",
        *(f"| {kind.value} | {_counts(group)} | {_reasons(group)} |" for kind, group in by_kind.items()),
        f"| **all** | {_counts([rollout for group in by_kind.values() for rollout in group])} | |",
    ]
    return "\n".join(lines)


def _counts(group: Sequence[MeasuredRollout]) -> str:
    totals = Counter(rollout.total.status for rollout in group)
    functions = Counter(function.status for rollout in group for function in rollout.functions)
    verified, provisional = Status.VERIFIED.value, Status.PROVISIONAL.value
    return (
        f"{len(group)} | {totals[verified]} | {totals[provisional]} ({totals[provisional] / len(group):.0%}) "
        f"| {functions[verified]}, {functions[provisional]}"
    )


def _reasons(group: Sequence[MeasuredRollout]) -> str:
    told = Counter(reason for rollout in group for reason in set(rollout.total.reasons))
    return ", ".join(f"`{reason}` {count}×" for reason, count in told.most_common(4))
