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
_STEPS = 30
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
    coefficients = _newton(normal, target, np.clip(start, 0.0, most), most)
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


def _newton(normal: Floats, target: Floats, coefficients: Floats, most: Floats) -> Floats:
    """Come near the minimum in large steps: solve for the coefficients that no bound holds while that moves them."""
    for _ in range(_STEPS):
        gradient = normal @ coefficients - target
        is_held = ((coefficients <= 0.0) & (gradient >= 0.0)) | ((coefficients >= most) & (gradient <= 0.0))
        free = np.flatnonzero(~is_held)
        if not len(free):
            break
        held = np.flatnonzero(is_held)
        wanted = target[free] - normal[np.ix_(free, held)] @ coefficients[held]
        solved = np.clip(np.linalg.solve(normal[np.ix_(free, free)], wanted), 0.0, most[free])
        moved = float(np.abs(solved - coefficients[free]).max())
        coefficients[free] = solved
        if moved < _SETTLED:
            break
    return coefficients
