"""Uncertainty: the half-width of the 90% interval around an avoided cost.

Actual cost is a census; what is uncertain is the counterfactual, that is the scatter of the baseline days around the
model (docs/reference/rules.md, "Savings"). For n baseline days, p coefficients and residuals e:

    H = t(.95, n − p) · s · √[(n ÷ n′)(w + ℓ)],   s² = Σe² ÷ (n − p),   w = Σ N measured ÷ mean N baseline

- ℓ, the uncertainty of the coefficients, is w² ÷ n for the proportional model and x′(X′X)⁻¹x for the affine one, where
  x sums the rows (1, N) of the measured days.
- n ÷ n′ makes up for days that resemble the day before: n′ = n(1 − ρ̃) ÷ (1 + ρ̃) and
  ρ̃ = clip(ρ̂ + (1 + 3ρ̂) ÷ n, 0.2, 0.9), where ρ̂ = Σ e(t)·e(t+1) ÷ Σe². Two weeks of days cannot prove that days are
  independent, hence the floor.

That is the scatter, and it takes the shape of the model for granted. At the baseline's own volumes the shape hardly
matters; after a shift of demand it does, because the baseline has seen little of such days. So ℓ is at least what a
model with one term more would have (an intercept beside the slope, N² beside the intercept). The excess is kept apart,
as the shape's part of H: H² = scatter² + shape².

Functions are not independent of each other. For a total their residuals are added by day, each weighted by how many
baseline days its own measured work amounts to; where that is the same for all, this is H of the summed series.

Everything here is an estimate: floats inside, Decimal dollars at the edge.
"""

import datetime as dt
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from tieout.core.money import SCALE
from tieout.savings.counterfactual import Counterfactual, ModelForm
from tieout.savings.quantiles import student_t_quantile

CONFIDENCE = 0.90
LEAST_AUTOCORRELATION = 0.2
MOST_AUTOCORRELATION = 0.9

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MeasuredVolume:
    """The fitted model of a function, and the successful calls of each measured day that it is asked to predict."""

    model: Counterfactual
    calls: tuple[int, ...]


@dataclass(frozen=True)
class HalfWidth:
    """Half the width of the 90% interval around an avoided cost, and what it was made of.

    Attributes:
        half_width_usd: the estimate H, in dollars: √(scatter² + shape² + attribution² + sampling² + disagreement²).
        scatter_usd: its part from the scatter of the baseline days.
        shape_usd: its part from the unproven shape of the model at other volumes than the baseline's.
        baseline_days: n.
        degrees_of_freedom: n − p.
        t_quantile: t(.95, n − p).
        residual_usd: s, the standard deviation of a baseline day around the model; of the summed series for a total.
        autocorrelation: ρ̂ of the series, added and weighted for a total.
        autocorrelation_used: ρ̃.
        effective_days: n′.
        day_equivalents: w; of a total, the mean over its functions, weighted by their baseline cost.
        attribution_usd: its part from the error bars of the attributed costs.
        sampling_usd: its part from the replay of a sample, where there were too many inputs to replay all.
        disagreement_usd: its part from the witnesses: how far the one that differs most is off.
    """

    half_width_usd: Decimal
    scatter_usd: Decimal
    shape_usd: Decimal
    baseline_days: int
    degrees_of_freedom: int
    t_quantile: float
    residual_usd: float
    autocorrelation: float
    autocorrelation_used: float
    effective_days: float
    day_equivalents: float
    attribution_usd: Decimal = Decimal(0)
    sampling_usd: Decimal = Decimal(0)
    disagreement_usd: Decimal = Decimal(0)


def half_width(volume: MeasuredVolume, *, least_autocorrelation: float = LEAST_AUTOCORRELATION) -> HalfWidth | None:
    """Return the half-width for one function; None when there are no more baseline days than coefficients.

    Args:
        volume: the model and what it predicts.
        least_autocorrelation: floor of ρ̃.
    """
    return total_half_width([volume], least_autocorrelation=least_autocorrelation)


def total_half_width(
    volumes: Sequence[MeasuredVolume], *, least_autocorrelation: float = LEAST_AUTOCORRELATION
) -> HalfWidth | None:
    """Return the half-width for the sum of several functions; None without functions or with too few baseline days.

    Args:
        volumes: one per function that the total claims for; all models have the same baseline days.
        least_autocorrelation: floor of ρ̃.

    Raises:
        ValueError: the models were fitted on different days.
    """
    if not volumes:
        return None
    grown = [_growth(volume) for volume in volumes]
    baseline = _Baseline([volume.model for volume in volumes])
    return baseline.half_width(np.stack([growth[:, -1] for growth in grown]), least_autocorrelation)


def with_attribution(width: HalfWidth, half_width_usd: Decimal) -> HalfWidth:
    """Widen an interval by what the attribution of both sides leaves open, in dollars: H² is the sum of the squares."""
    widened = math.hypot(float(width.half_width_usd), float(half_width_usd))
    return replace(width, half_width_usd=_to_usd(widened), attribution_usd=half_width_usd) if half_width_usd else width


def with_sampling(width: HalfWidth, half_width_usd: Decimal) -> HalfWidth:
    """Widen an interval by what the replay of a sample leaves open: half of its own 90% interval, in dollars."""
    widened = math.hypot(float(width.half_width_usd), float(half_width_usd))
    return replace(width, half_width_usd=_to_usd(widened), sampling_usd=half_width_usd) if half_width_usd else width


def with_disagreement(width: HalfWidth, difference_usd: Decimal) -> HalfWidth:
    """Widen an interval by how far the witnesses are off, in dollars: nobody knows which of them is right."""
    widened = math.hypot(float(width.half_width_usd), float(difference_usd))
    return replace(width, half_width_usd=_to_usd(widened), disagreement_usd=difference_usd)


def running_half_widths(volumes: Sequence[MeasuredVolume]) -> list[HalfWidth | None]:
    """Return the half-width of a total that grows day by day: for every measured day, of all days up to it.

    Each is `total_half_width` of the days so far, not a sum of widths: all of them share one baseline and its scatter.

    Args:
        volumes: one per function; a function with fewer days than the longest joins late, its days are the last ones.

    Raises:
        ValueError: the models were fitted on different days.
    """
    days = max((len(volume.calls) for volume in volumes), default=0)
    grown = [(volume, _growth(volume)) for volume in volumes]
    widths: list[HalfWidth | None] = []
    baselines: dict[int, _Baseline] = {}  # by how many functions have joined: none leaves again
    for ahead in range(days - 1, -1, -1):
        joined = [(v.model, growth[:, len(v.calls) - ahead]) for v, growth in grown if len(v.calls) > ahead]
        if len(joined) not in baselines:
            baselines[len(joined)] = _Baseline([model for model, _ in joined])
        terms = np.stack([term for _, term in joined])
        widths.append(baselines[len(joined)].half_width(terms, LEAST_AUTOCORRELATION))
    return widths


def _growth(volume: MeasuredVolume) -> Floats:
    """Return w, ℓ and what the shape adds to ℓ, one row each: before any measured day, after the first, and so on."""
    equivalents = _equivalents(volume)
    return np.stack([equivalents, _leverages(volume, equivalents), _shapes(volume, equivalents)])


class _Baseline:
    """The baseline that the models of a total share: what is the same whatever is measured against it."""

    def __init__(self, models: Sequence[Counterfactual]) -> None:
        """Refuse models that were fitted on different days."""
        self._days = models[0].days
        if any(model.days != self._days for model in models):
            raise ValueError("functions of a total must share their baseline days; give a day without calls as zeros")
        self._freedom = len(self._days) - max(model.parameters for model in models)
        self._residuals = np.array([model.residuals_usd for model in models])
        fitted = [model.exact_cost_usd(Fraction(sum(model.calls)), len(model.days)) for model in models]
        self._costs = np.array([float(cost) for cost in fitted])
        self._follows = _follows(self._days)

    def half_width(self, terms: Floats, least_autocorrelation: float) -> HalfWidth | None:
        """Return the half-width of a total; `terms` has a row of w, ℓ and the shape's excess for every model."""
        n, freedom = len(self._days), self._freedom
        if freedom < 1:
            return None
        equivalents, leverages, shapes = terms.T
        residuals = self._residuals
        weighted, added = np.sqrt(equivalents) @ residuals, residuals.sum(axis=0)
        estimated = _autocorrelation(self._follows, weighted)
        used = small_sample_autocorrelation(estimated, n, least_autocorrelation)
        effective = n * (1 - used) / (1 + used)
        quantile = student_t_quantile(freedom, (1 + CONFIDENCE) / 2)
        per_squares = quantile * math.sqrt(n / effective / freedom)
        scatter = per_squares * math.hypot(_length(weighted), _length(np.sqrt(leverages) @ residuals))
        shape = per_squares * _length(np.sqrt(shapes) @ residuals)
        return HalfWidth(
            half_width_usd=_to_usd(math.hypot(scatter, shape)),
            scatter_usd=_to_usd(scatter),
            shape_usd=_to_usd(shape),
            baseline_days=n,
            degrees_of_freedom=freedom,
            t_quantile=quantile,
            residual_usd=_length(added) / math.sqrt(freedom),
            autocorrelation=estimated,
            autocorrelation_used=used,
            effective_days=effective,
            day_equivalents=self._weighted_mean(equivalents),
        )

    def _weighted_mean(self, equivalents: Floats) -> float:
        costs = self._costs
        return float(equivalents @ costs / costs.sum()) if costs.sum() > 0 else float(equivalents.mean())


def day_equivalents(volume: MeasuredVolume) -> float:
    """Return w: how many mean baseline days the measured volume amounts to (days, when cost does not follow calls)."""
    return float(_equivalents(volume)[-1])


def leverage(volume: MeasuredVolume) -> float:
    """Return ℓ: the variance of the predicted sum that comes from the fitted coefficients, in units of s²."""
    return float(_leverages(volume, _equivalents(volume))[-1])


def shape_leverage(volume: MeasuredVolume) -> float:
    """Return by how much ℓ of a model with one term more exceeds ℓ; 0 where the baseline's volumes cannot tell."""
    return float(_shapes(volume, _equivalents(volume))[-1])


def _equivalents(volume: MeasuredVolume) -> Floats:
    if volume.model.form is ModelForm.CONSTANT:
        return np.arange(len(volume.calls) + 1, dtype=float)
    following = _running_sum(np.array(volume.calls, dtype=float)) * len(volume.model.calls) / sum(volume.model.calls)
    if volume.model.form is ModelForm.REPLAYED:
        standing = float(volume.model.standing_share)
        return standing * np.arange(len(volume.calls) + 1) + (1 - standing) * following
    return following


def _leverages(volume: MeasuredVolume, equivalents: Floats) -> Floats:
    if volume.model.form is ModelForm.AFFINE:
        return _polynomial_leverages(volume, terms=2)
    return equivalents**2 / len(volume.model.calls)


def _shapes(volume: MeasuredVolume, equivalents: Floats) -> Floats:
    terms = volume.model.parameters + 1
    if len(set(volume.model.calls)) < terms:
        return np.zeros_like(equivalents)
    return np.maximum(0.0, _polynomial_leverages(volume, terms) - _leverages(volume, equivalents))


def _polynomial_leverages(volume: MeasuredVolume, terms: int) -> Floats:
    """Return x′(X′X)⁻¹x, with rows (1, N, N² …) of the baseline days in X and their sum over the measured days in x."""
    baseline, measured = np.array(volume.model.calls, dtype=float), np.array(volume.calls, dtype=float)
    centre, scale = baseline.mean(), baseline.std()
    rows = np.vander((baseline - centre) / scale, terms)
    sums = _running_sum(np.vander((measured - centre) / scale, terms))
    asked = np.linalg.solve(np.linalg.qr(rows).R.T, sums.T)
    return np.asarray((asked * asked).sum(axis=0))


def _running_sum(values: Floats) -> Floats:
    """Add up along the first axis, beginning with nothing."""
    return np.concatenate([np.zeros_like(values[:1], shape=(1, *values.shape[1:])), values.cumsum(axis=0)])


def autocorrelation(days: Sequence[dt.date], residuals: Floats) -> float:
    """Return ρ̂ = Σ e(t)·e(t+1) ÷ Σe² over consecutive calendar days; 0 when nothing scatters."""
    return _autocorrelation(_follows(days), residuals)


def _follows(days: Sequence[dt.date]) -> npt.NDArray[np.bool_]:
    """Tell of each day but the last whether the next one is the day after it."""
    return np.array([after - day == dt.timedelta(days=1) for day, after in itertools.pairwise(days)], dtype=bool)


def _autocorrelation(follows: npt.NDArray[np.bool_], residuals: Floats) -> float:
    squares = float(residuals @ residuals)
    return float((residuals[:-1] * residuals[1:])[follows].sum()) / squares if squares and len(follows) else 0.0


def small_sample_autocorrelation(estimated: float, days: int, least: float = LEAST_AUTOCORRELATION) -> float:
    """Return ρ̃: corrected for the downward bias of a short series, and kept between the floor and 0.9."""
    return min(max(estimated + (1 + 3 * estimated) / days, least), MOST_AUTOCORRELATION)


def _length(series: Floats) -> float:
    return math.sqrt(float(series @ series))


def _to_usd(estimate: float) -> Decimal:
    return Decimal(estimate).quantize(Decimal(1).scaleb(-SCALE))
