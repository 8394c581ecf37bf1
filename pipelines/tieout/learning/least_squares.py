"""Bounded ridge regression: coefficients between zero and a bound that explain a series and stay near a rule.

Minimised is Σ w(y − Xθ)² + Σ ((θ − rule) ÷ spread)², 0 ≤ θ ≤ most, w = 1 ÷ variance of a row. Read the rule as what was
believed before looking and the spread as how far it may be off, then (X′WX + diag(1 ÷ spread²))⁻¹ is the covariance of
the estimate: a coefficient that the series says nothing of keeps its rule, and its spread as standard error.

Estimates: floats inside and outside.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_SWEEPS = 500
_SETTLED = 1e-8


@dataclass(frozen=True)
class Fit:
    """A fitted regression.

    Attributes:
        coefficients: θ, within its bounds.
        standard_errors: of each, in its own unit.
        residuals: y − Xθ, a value per row.
    """

    coefficients: Floats
    standard_errors: Floats
    residuals: Floats


def fit(terms: Floats, explained: Floats, weights: Floats, *, rule: Floats, spread: Floats, most: Floats) -> Fit:
    """Fit θ.

    Args:
        terms: X, rows × coefficients.
        explained: y, a value per row.
        weights: w, a positive value per row.
        rule: what each coefficient is without evidence.
        spread: standard deviation of each around its rule, positive.
        most: the largest value of each; infinity where nothing bounds it.
    """
    weighted = terms * weights[:, None]
    normal = terms.T @ weighted + np.diag(1 / spread**2)
    target = weighted.T @ explained + rule / spread**2
    coefficients = _descend(normal, target, np.linalg.solve(normal, target).astype(np.float64), most)
    errors = np.sqrt(np.maximum(np.diag(np.linalg.inv(normal)), 0.0))
    return Fit(coefficients, errors, explained - terms @ coefficients)


def _descend(normal: Floats, target: Floats, start: Floats, most: Floats) -> Floats:
    """Minimise θ′Nθ ÷ 2 − t′θ within the bounds, one coefficient after the other, until a sweep moves none."""
    coefficients = np.clip(start, 0.0, most)
    gradient = normal @ coefficients - target
    for _ in range(_SWEEPS):
        moved = 0.0
        for index in range(len(coefficients)):
            wanted = coefficients[index] - gradient[index] / normal[index, index]
            step = min(max(wanted, 0.0), most[index]) - coefficients[index]
            if step != 0.0:
                coefficients[index] += step
                gradient += step * normal[:, index]
                moved = max(moved, abs(step))
        if moved < _SETTLED:
            break
    return coefficients
