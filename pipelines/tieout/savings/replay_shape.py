"""The shape of the counterfactual: which share of a day's cost stands however many calls there are.

A replay tells how container time grows with calls under the old configuration, also at volumes that the baseline has
not seen: the measured days were replayed, too. A line through the replayed days, baseline and measured, is the shape.
Only the level is left for the baseline's cost to decide, and what the replay does not know (containers that stop early)
goes into the level.
"""

from collections.abc import Sequence
from fractions import Fraction

_DIGITS = 1_000_000


def standing_share(
    baseline_calls: Sequence[int],
    baseline_us: Sequence[int],
    measured_calls: Sequence[int],
    measured_us: Sequence[int],
) -> Fraction | None:
    """Return the share of a mean baseline day's container time that does not follow its calls, to a millionth.

    The least-squares line of container time on calls, over all days; its intercept ÷ its value at the baseline's mean
    calls, within 0 and 1. None where all days have the same calls, or the baseline has none.

    Args:
        baseline_calls: successful calls of each baseline day.
        baseline_us: replayed container time of each, microseconds.
        measured_calls: the same of each measured day.
        measured_us: likewise.
    """
    calls, times = [*baseline_calls, *measured_calls], [*baseline_us, *measured_us]
    n, all_calls, all_times = len(calls), sum(calls), sum(times)
    spread = n * sum(count * count for count in calls) - all_calls**2
    if not spread or not sum(baseline_calls):
        return None
    slope = Fraction(n * sum(c * t for c, t in zip(calls, times, strict=True)) - all_calls * all_times, spread)
    intercept = (all_times - slope * all_calls) / n
    if slope <= 0:
        return Fraction(1)
    at_mean = intercept + slope * Fraction(sum(baseline_calls), len(baseline_calls))
    return Fraction(round(max(Fraction(0), intercept / at_mean) * _DIGITS), _DIGITS) if at_mean > 0 else Fraction(0)
