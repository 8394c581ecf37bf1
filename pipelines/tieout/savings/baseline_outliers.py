"""Baseline days that no other day resembles, such as an outage: how much of an avoided cost rests on them.

On a day of failures a function costs money and does no work, so the baseline looks dear and any later week cheap
(docs/reference/rules.md, "Status").
"""

import statistics
from collections.abc import Sequence
from fractions import Fraction

from tieout.savings.counterfactual import Counterfactual, fit_counterfactual
from tieout.savings.daily_work import WorkingDay
from tieout.savings.status import LEAST_BASELINE_DAYS

ROBUST_DEVIATIONS = 4
LEAST_DEVIATION_SHARE = 0.05
_NORMAL = 1.4826


def without_dear_days(baseline: Sequence[WorkingDay], model: Counterfactual) -> Counterfactual | None:
    """Fit the model without the baseline days that cost far more than it expects; None where there are none.

    A day is far off when its residual exceeds the median one by four robust standard deviations and by a twentieth of
    a mean day's cost.

    Args:
        baseline: one value per baseline day.
        model: fitted on them.
    """
    centre = statistics.median(model.residuals_usd)
    spread = _NORMAL * statistics.median([abs(residual - centre) for residual in model.residuals_usd])
    mean_cost = float(sum(day.cost_usd for day in baseline)) / len(baseline)
    limit = centre + max(ROBUST_DEVIATIONS * spread, LEAST_DEVIATION_SHARE * mean_cost)
    far_off = {day for day, residual in zip(model.days, model.residuals_usd, strict=True) if residual > limit}
    kept = [day for day in baseline if day.day not in far_off]
    if not far_off or len(kept) < LEAST_BASELINE_DAYS:
        return None
    return fit_counterfactual(kept, standing_share=model.given_share)


def resting_on_dear_days(baseline: Sequence[WorkingDay], model: Counterfactual, *, calls: int, days: int) -> Fraction:
    """How much of the counterfactual of some days rests on dear days of the baseline, in dollars; never negative."""
    robust = without_dear_days(baseline, model)
    if robust is None:
        return Fraction(0)
    lowered = model.exact_cost_usd(Fraction(calls), days) - robust.exact_cost_usd(Fraction(calls), days)
    return max(lowered, Fraction(0))
