"""The avoided cost of one function in one week: its counterfactual, its interval and its witnesses."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tieout.savings.context import WeekContext
from tieout.savings.counterfactual import (
    LEAST_DAYS_FOR_AN_INTERCEPT,
    AvoidedCost,
    Counterfactual,
    avoided_cost,
    fit_counterfactual,
)
from tieout.savings.daily_work import WorkingDay
from tieout.savings.uncertainty import (
    HalfWidth,
    MeasuredVolume,
    half_width,
    with_attribution,
    with_disagreement,
    with_sampling,
)
from tieout.savings.week_basis import WeekBasis
from tieout.savings.witnesses import (
    Replays,
    Testimony,
    Witness,
    model_volumes,
    model_witness,
    same_days_witness,
)


@dataclass(frozen=True)
class FunctionClaim:
    """What a function's measured days come to.

    Attributes:
        model: what its calls would have cost; None when no call succeeded in the baseline.
        avoided: counterfactual against actual; None when nothing is measured.
        half_width: the interval around it; None when the baseline is too short.
        testimony: the witnesses of the amount; None when nothing is measured.
        sampling_usd: the part of the interval that the replay of a sample leaves open.
    """

    model: Counterfactual | None
    avoided: AvoidedCost | None
    half_width: HalfWidth | None
    testimony: Testimony | None
    sampling_usd: Decimal


def claim(
    basis: WeekBasis,
    name: str,
    before: Sequence[WorkingDay],
    after: Sequence[WorkingDay],
    *,
    newest: str | None,
) -> FunctionClaim:
    """Work out what the measured days of a function come to.

    Args:
        basis: of the week.
        name: the function.
        before: its baseline days, at the list prices of the week.
        after: its measured days.
        newest: the newest phase that changes it; None before its deployment.
    """
    replays = replays_of(basis.context, name, basis.baseline_days, [day.day for day in after])
    model = model_of(before, after, replays)
    has_work = any(day.successful_calls for day in after)
    if model is None or newest is None or not has_work:
        return FunctionClaim(model, None, None, None, Decimal(0))
    avoided = avoided_cost(model, after)
    sampling = replays.sampling_usd(before) if replays else Decimal(0)
    alone = half_width(MeasuredVolume(model, tuple(day.successful_calls for day in after)))
    if alone is not None:
        open_usd = basis.attribution_usd({name: avoided.counterfactual_usd})
        alone = with_sampling(with_attribution(alone, open_usd), sampling)
    same_days = same_days_witness(basis.work.get(name, ()), [day.day for day in after], newest=newest)
    testimony = Testimony(
        witnesses=(*model_witnesses(before, after, replays), *([same_days] if same_days else [])),
        saving_usd=avoided.avoided_usd,
        half_width_usd=None if alone is None else alone.half_width_usd,
    )
    width = None if alone is None else with_disagreement(alone, testimony.difference_usd)
    return FunctionClaim(model, avoided, width, testimony, sampling)


def replays_of(
    context: WeekContext, name: str, baseline_days: Sequence[dt.date], days: Sequence[dt.date]
) -> Replays | None:
    """The replayed days of a function; None unless all of its baseline and measured days were replayed."""
    baseline, measured = context.replayed(name, baseline_days), context.replayed(name, days)
    return Replays(baseline, measured) if baseline and measured else None


def model_of(
    before: Sequence[WorkingDay], after: Sequence[WorkingDay], replays: Replays | None
) -> Counterfactual | None:
    """Fit the counterfactual of a function, in the shape of its replay where there are two weeks of one."""
    if not before:
        return None
    is_shaped = replays is not None and len(before) >= LEAST_DAYS_FOR_AN_INTERCEPT
    share: Fraction | None = replays.shape(before, after) if replays and is_shaped else None
    return fit_counterfactual(before, standing_share=share)


def model_witnesses(
    before: Sequence[WorkingDay], after: Sequence[WorkingDay], replays: Replays | None
) -> tuple[Witness, ...]:
    """Return regression and replay; without a replay the regression is the claim itself, and no witness."""
    volumes = model_volumes(before, after, replays) if replays else {}
    return tuple(model_witness(kind, volume, after) for kind, volume in volumes.items())
