"""Counterfactual: what a day's work would have cost without the change, and how phases share a saving.

Ĉ(N) = a + b·N dollars a day for N successful calls, a and b not negative, fitted on the frozen baseline days of one
function (docs/reference/rules.md, "Savings"). Coefficients are exact fractions, so that an avoided cost is exact money.
What describes the fit (residuals, errors, correlation) is a statistic: a float, and an estimate wherever it is shown.

The proportional model is the rule: a = 0 and b = baseline cost ÷ baseline calls. The intercept earns its place only if

- there are at least 14 baseline days,
- its one-sided t-test in the least-squares fit is significant at 10%, and
- the affine model predicts days that it has not seen (leave-one-out) no worse than the proportional one.

If the slope of that fit is negative, it is zero, and the intercept is the mean day.

Where the work was replayed (`savings.replay_shape`), the replay decides the shape instead: which share of a mean
baseline day stands however many calls there are. The baseline's cost then decides the level alone.
"""

import datetime as dt
import itertools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tieout.core.money import round_picodollars
from tieout.savings.fit_quality import FitQuality, fit_quality
from tieout.savings.quantiles import student_t_quantile

LEAST_DAYS_FOR_AN_INTERCEPT = 14
INTERCEPT_SIGNIFICANCE = 0.10
RANGE_TOLERANCE = Fraction(1, 10)
_FITS_KEPT = 1024

Floats = npt.NDArray[np.float64]


class DayCost(Protocol):
    """A function's useful work and cost on a UTC day, for example a `savings.FunctionDay`."""

    @property
    def day(self) -> dt.date:
        """The UTC day."""
        ...

    @property
    def successful_calls(self) -> int:
        """Inputs that ended in success, each once."""
        ...

    @property
    def cost_usd(self) -> Decimal:
        """Attributed cost, failures included."""
        ...


class ModelForm(StrEnum):
    """Which of the two coefficients are there."""

    PROPORTIONAL = "proportional"
    AFFINE = "affine"
    CONSTANT = "constant"
    REPLAYED = "replayed"


@dataclass(frozen=True)
class Counterfactual:
    """A model fitted on the baseline days of one function.

    Attributes:
        form: proportional, affine, constant (the slope is zero), or replayed (the ratio of the two is given).
        usd_per_day: the intercept a, exact.
        usd_per_call: the slope b, exact.
        days: the baseline days, ascending.
        calls: successful calls on each of them.
        residuals_usd: observed less predicted cost on each of them, a statistic.
        quality: how well the model fits.
    """

    form: ModelForm
    usd_per_day: Fraction
    usd_per_call: Fraction
    days: tuple[dt.date, ...]
    calls: tuple[int, ...]
    residuals_usd: tuple[float, ...]
    quality: FitQuality

    @property
    def parameters(self) -> int:
        """The number of fitted coefficients, p."""
        return parameters_of(self.form)

    @property
    def calls_range(self) -> tuple[int, int]:
        """The fewest and the most calls on a baseline day."""
        return min(self.calls), max(self.calls)

    @property
    def standing_share(self) -> Fraction:
        """Which share of a mean baseline day's cost does not follow its calls; 0 where nothing costs anything."""
        standing, following = self.usd_per_day * len(self.days), self.usd_per_call * sum(self.calls)
        return standing / (standing + following) if standing else Fraction(0)

    @property
    def given_share(self) -> Fraction | None:
        """The same where a replay gave it; None where the baseline days decided the shape."""
        return self.standing_share if self.form is ModelForm.REPLAYED else None

    def cost_usd(self, calls: int, days: int = 1) -> Decimal:
        """What that many calls on that many days would have cost, rounded once to a picodollar."""
        whole, each_day, each_call = self._in_parts
        return round_picodollars(Fraction(each_day * days + each_call * calls, whole))

    @cached_property
    def _in_parts(self) -> tuple[int, int, int]:
        """Into how many parts a dollar is cut so that both coefficients are whole numbers of them, and these."""
        parts = math.lcm(self.usd_per_day.denominator, self.usd_per_call.denominator)
        return parts, int(self.usd_per_day * parts), int(self.usd_per_call * parts)

    def exact_cost_usd(self, calls: Fraction, days: int = 1) -> Fraction:
        """What that many calls on that many days would have cost, not rounded."""
        return self.usd_per_day * days + self.usd_per_call * calls

    def is_extrapolated(self, calls: int) -> bool:
        """Whether a day's calls lie beyond the baseline's range by more than a tenth."""
        least, most = self.calls_range
        return calls < least * (1 - RANGE_TOLERANCE) or calls > most * (1 + RANGE_TOLERANCE)

    def is_far_extrapolated(self, calls: Sequence[int]) -> bool:
        """Whether most of some days have under half or over twice the calls that the baseline has seen."""
        least, most = self.calls_range
        return sum(count * 2 < least or count > most * 2 for count in calls) * 2 > len(calls)


@dataclass(frozen=True)
class AvoidedCost:
    """Counterfactual and actual cost of one function on the measured days.

    Attributes:
        days: how many days were measured.
        calls: successful calls on them.
        counterfactual_usd: what they would have cost.
        actual_usd: what they did cost.
        extrapolated_days: days whose volume the baseline has not seen (beyond ±10% of its range), ascending.
        extrapolated_usd: how much of the counterfactual these days are.
    """

    days: int
    calls: int
    counterfactual_usd: Decimal
    actual_usd: Decimal
    extrapolated_days: tuple[dt.date, ...]
    extrapolated_usd: Decimal

    @property
    def avoided_usd(self) -> Decimal:
        """Counterfactual less actual; negative when the work became dearer."""
        return self.counterfactual_usd - self.actual_usd


def fit_counterfactual(baseline: Iterable[DayCost], *, standing_share: Fraction | None = None) -> Counterfactual | None:
    """Fit the model on the baseline days of one function.

    Args:
        baseline: one value per baseline day in any order, days without calls included.
        standing_share: the share of a mean baseline day's cost that does not follow its calls, where a replay tells it;
            None lets the days decide.

    Returns:
        The model, or None when no call succeeded in the baseline.

    Raises:
        ValueError: a day appears twice.
    """
    ordered = sorted(baseline, key=lambda value: value.day)
    days = tuple(value.day for value in ordered)
    if len(set(days)) < len(days):
        twice = next(day for day, after in itertools.pairwise(days) if day == after)
        raise ValueError(f"baseline day {twice} appears twice; give one value per function and day")
    calls = tuple(value.successful_calls for value in ordered)
    if not any(calls):
        return None
    return _fitted(days, calls, tuple(value.cost_usd for value in ordered), standing_share)


# One baseline serves every week since, and a report asks for all of them.
@lru_cache(maxsize=_FITS_KEPT)
def _fitted(
    days: tuple[dt.date, ...], calls: tuple[int, ...], costs_usd: tuple[Decimal, ...], standing_share: Fraction | None
) -> Counterfactual:
    costs = [Fraction(cost) for cost in costs_usd]
    if standing_share is None:
        form = _choose_form(calls, costs)
        intercept, slope = _coefficients(form, calls, costs)
    else:
        form, unit = ModelForm.REPLAYED, sum(costs, Fraction(0)) / sum(calls)
        intercept, slope = unit * standing_share * Fraction(sum(calls), len(calls)), unit * (1 - standing_share)
    predicted = [intercept + slope * n for n in calls]
    return Counterfactual(
        form=form,
        usd_per_day=intercept,
        usd_per_call=slope,
        days=days,
        calls=calls,
        residuals_usd=tuple(float(cost - expected) for cost, expected in zip(costs, predicted, strict=True)),
        quality=fit_quality(
            [float(cost) for cost in costs], [float(expected) for expected in predicted], parameters_of(form)
        ),
    )


def avoided_cost(model: Counterfactual, measured: Iterable[DayCost]) -> AvoidedCost:
    """Compare the measured days of a function with what its model expects of their calls.

    Args:
        model: fitted on the function's baseline.
        measured: one value per measured day; a day without calls and cost belongs here too, if it was measured.
    """
    days = sorted(measured, key=lambda value: value.day)
    calls = sum(value.successful_calls for value in days)
    unseen = [value for value in days if model.is_extrapolated(value.successful_calls)]
    return AvoidedCost(
        days=len(days),
        calls=calls,
        counterfactual_usd=model.cost_usd(calls, len(days)),
        actual_usd=sum((value.cost_usd for value in days), Decimal(0)),
        extrapolated_days=tuple(value.day for value in unseen),
        extrapolated_usd=model.cost_usd(sum(value.successful_calls for value in unseen), len(unseen)),
    )


def normalized_saving_usd_per_day(before: Counterfactual, after: Counterfactual, calls_per_day: Fraction) -> Decimal:
    """The saving of a day with the projection's calls: the model before less the model after, both as fitted.

    The only figure that compares with a projected saving, because both have the projection's volume.
    """
    return round_picodollars(before.exact_cost_usd(calls_per_day) - after.exact_cost_usd(calls_per_day))


def parameters_of(form: ModelForm) -> int:
    """The number of coefficients that a form of the model fits."""
    return 2 if form is ModelForm.AFFINE else 1


def _coefficients(form: ModelForm, calls: Sequence[int], costs: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
    """Return the exact intercept and slope of a form."""
    n, all_calls, all_costs = len(calls), sum(calls), sum(costs, Fraction(0))
    if form is ModelForm.PROPORTIONAL:
        return Fraction(0), all_costs / all_calls
    if form is ModelForm.CONSTANT:
        return all_costs / n, Fraction(0)
    spread = n * sum(c * c for c in calls) - all_calls**2
    slope = (n * sum(c * cost for c, cost in zip(calls, costs, strict=True)) - all_calls * all_costs) / spread
    return (all_costs - slope * all_calls) / n, slope


def _choose_form(calls: Sequence[int], costs: Sequence[Fraction]) -> ModelForm:
    """Apply the rule of the module's docstring; signs are decided exactly, errors in floats."""
    if len(calls) < LEAST_DAYS_FOR_AN_INTERCEPT or len(set(calls)) == 1:
        return ModelForm.PROPORTIONAL
    intercept, slope = _coefficients(ModelForm.AFFINE, calls, costs)
    n, cost = np.array(calls, dtype=float), np.array([float(value) for value in costs])
    if intercept <= 0 or float(intercept) <= _critical_intercept(n, cost, float(intercept), float(slope)):
        return ModelForm.PROPORTIONAL
    form = ModelForm.AFFINE if slope > 0 else ModelForm.CONSTANT
    earns = _unseen_error(n, cost, form) <= _unseen_error(n, cost, ModelForm.PROPORTIONAL)
    return form if earns else ModelForm.PROPORTIONAL


def _critical_intercept(calls: Floats, costs: Floats, intercept: float, slope: float) -> float:
    """Return what an intercept must exceed to be significant in a one-sided t-test."""
    freedom = len(calls) - 2
    residuals, centred = costs - intercept - slope * calls, calls - calls.mean()
    variance = float(residuals @ residuals) / freedom
    relative = 1 / len(calls) + float(calls.mean()) ** 2 / float(centred @ centred)
    return math.sqrt(variance * relative) * student_t_quantile(freedom, 1 - INTERCEPT_SIGNIFICANCE)


def _unseen_error(calls: Floats, costs: Floats, form: ModelForm) -> float:
    """Return Σ of squared errors, each day predicted by the form fitted on all the others."""
    others = len(calls) - 1
    sum_n, sum_c = calls.sum() - calls, costs.sum() - costs
    if form is ModelForm.PROPORTIONAL:
        unit = np.divide(sum_c, sum_n, out=np.zeros_like(sum_c), where=sum_n > 0)
        return float(((costs - unit * calls) ** 2).sum())
    if form is ModelForm.CONSTANT:
        return float(((costs - sum_c / others) ** 2).sum())
    spread = (calls @ calls - calls**2) - sum_n**2 / others
    joint = (calls @ costs - calls * costs) - sum_n * sum_c / others
    slope = np.divide(joint, spread, out=np.zeros_like(joint), where=spread > 0)
    intercept = (sum_c - slope * sum_n) / others
    return float(((costs - intercept - slope * calls) ** 2).sum())


# Phases


@dataclass(frozen=True)
class PhaseRollout:
    """A phase of the programme: what it changes, and its blackout from earliest to latest deployment day, inclusive."""

    phase: str
    functions: frozenset[str]
    first_day: dt.date
    last_day: dt.date


@dataclass(frozen=True)
class PhaseUnitCost:
    """What a call costs in the stable window after some phases; several phases where no window lies between them."""

    phases: tuple[str, ...]
    usd_per_call: Fraction


@dataclass(frozen=True)
class PhaseSaving:
    """What some phases, one or several jointly, contribute to a saving."""

    phases: tuple[str, ...]
    saving_usd: Fraction


def phase_groups(function: str, rollouts: Collection[PhaseRollout]) -> list[tuple[str, ...]]:
    """Return the phases that change a function, in order of time; phases that cannot be told apart form one group.

    Two phases of a function cannot be told apart when their blackouts meet: no whole day lies between them on which
    the unit cost after the first and before the second could be measured.
    """
    own = sorted((r for r in rollouts if function in r.functions), key=lambda r: (r.first_day, r.last_day, r.phase))
    groups: list[list[str]] = []
    until: dt.date | None = None
    for rollout in own:
        if until is not None and rollout.first_day <= until + dt.timedelta(days=1):
            groups[-1].append(rollout.phase)
        else:
            groups.append([rollout.phase])
        until = max(until or rollout.last_day, rollout.last_day)
    return [tuple(group) for group in groups]


def phase_chain(
    calls: int, baseline_usd_per_call: Fraction, windows: Sequence[PhaseUnitCost]
) -> tuple[PhaseSaving, ...]:
    """Split the saving of a period over the phases: group k saves calls × (unit cost before it − unit cost after it).

    The savings add up to calls × (baseline unit cost − last unit cost), exactly. Give the period's own counterfactual
    and actual cost per call as the first and last unit cost, and they add up to its avoided cost.

    Args:
        calls: successful calls of the period.
        baseline_usd_per_call: unit cost before the first phase.
        windows: unit cost in the stable window after each group of phases, in order of time.
    """
    units: Mapping[int, Fraction] = dict(enumerate([baseline_usd_per_call, *(w.usd_per_call for w in windows)]))
    return tuple(
        PhaseSaving(window.phases, calls * (units[position] - units[position + 1]))
        for position, window in enumerate(windows)
    )
