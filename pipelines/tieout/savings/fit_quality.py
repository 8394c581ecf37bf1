"""How well a model describes the baseline days that it was fitted on: statistics, and never money."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FitQuality:
    """How well a model describes the days it was fitted on; None where there are too few days to say.

    Attributes:
        cvrmse: √(Σe² ÷ n) over the mean day's cost.
        cvrmse_adjusted: the same with n − p degrees of freedom instead of n.
        nmbe: Σ(predicted − observed) ÷ Σ observed: positive when the model predicts too much.
        lag_1_correlation: Pearson's correlation of residuals with those of the day before.
    """

    cvrmse: float | None
    cvrmse_adjusted: float | None
    nmbe: float | None
    lag_1_correlation: float | None


def fit_quality(observed: Sequence[float], predicted: Sequence[float], parameters: int) -> FitQuality:
    """Describe predictions of daily cost in dollars; see `FitQuality` for the definitions and signs.

    Args:
        observed: cost per day, in order of days.
        predicted: the model's cost of the same days.
        parameters: fitted coefficients, p.
    """
    residuals = np.array(observed) - np.array(predicted)
    n, total = len(residuals), float(np.sum(observed))
    squares = float(residuals @ residuals)
    mean = total / n if n else 0.0
    return FitQuality(
        cvrmse=math.sqrt(squares / n) / mean if mean else None,
        cvrmse_adjusted=math.sqrt(squares / (n - parameters)) / mean if mean and n > parameters else None,
        nmbe=-float(np.sum(residuals)) / total if total else None,
        lag_1_correlation=_pearson(residuals[:-1], residuals[1:]),
    )


def _pearson(left: _Floats, right: _Floats) -> float | None:
    left, right = left - left.mean() if len(left) else left, right - right.mean() if len(right) else right
    scale = math.sqrt(float(left @ left) * float(right @ right))
    return float(left @ right) / scale if scale else None
