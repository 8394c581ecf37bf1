"""Factors of an app, learned from its bill: how much of what is inferred was there, and what is used beyond requests.

Billed dollars of a pool in an interval = what is known + Σ over functions of factor × dollars per unit of it:

| factor | multiplies | rule | spread |
|---|---|---|---|
| tail | the scaledown window after a last input | 1 | 0.5 |
| waiting | containers that a buffer allows | 0.5 | 0.5 |
| failed | what a failed start-up may have lasted beyond what is usual | 0.5 | 0.5 |
| startup | the time between a container's id and its placement | 0 | 0.5 |
| cpu | cores beyond the request, while containers start and execute | 0; 0.875 without a request | 0.5; 1 |
| memory | GiB beyond the request, while containers live | 0; 1 without a request | 2; 4 |

One regression has all pools of the app: a tail shows in the GPU, CPU and memory pools alike. Pools are weighted by how
far they scatter. A use beyond a request counts only when it is significant, because it can imitate a tail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from tieout.learning.least_squares import Fit, Floats, fit

LEAST_INTERVALS = 48
"""Two days of hours; fewer say little, and a daily bill says nothing of hours."""

MOST_MISFIT = 0.10
"""Share of the bill that the factors may leave open, interval by interval, to be used."""

_ROUNDS = 4
_SIGNIFICANT = 2.0
_LEAST_SCATTER = 0.002
_MOST_INFLATION = 3.0


@dataclass(frozen=True)
class Prior:
    """What a factor is without evidence: its rule, how far that may be off, and what bounds it."""

    rule: float
    spread: float
    most: float = float("inf")


PRIORS: Mapping[str, Prior] = {
    "tail": Prior(1.0, 0.5),
    "waiting": Prior(0.5, 0.5, 1.0),
    "failed": Prior(0.5, 0.5, 1.0),
    "startup": Prior(0.0, 0.5, 1.0),
    "cpu": Prior(0.0, 0.5),
    "memory": Prior(0.0, 2.0),
}

USE_WITHOUT_A_REQUEST: Mapping[str, Prior] = {"cpu": Prior(0.875, 1.0), "memory": Prior(1.0, 4.0)}


@dataclass(frozen=True)
class Factor:
    """A learned factor.

    Attributes:
        function: whose.
        factor: a key of `PRIORS`.
        value: share of the time; cores; GiB.
        standard_error: of value.
        rule: what holds without it.
        hours: intervals that it was learned from.
        misfit: what the app's factors leave open, as a share of its bill, interval by interval.
        is_used: attribution follows it.
    """

    function: str
    factor: str
    value: float
    standard_error: float
    rule: float
    hours: int
    misfit: float
    is_used: bool


@dataclass(frozen=True)
class _Regression:
    """The pools of an app as rows, its factors as columns."""

    columns: tuple[tuple[str, str], ...]
    terms: Floats
    explained: Floats
    billed: Floats
    resources: tuple[str, ...]
    intervals: int
    priors: tuple[Prior, ...]

    def only(self, kept: list[int]) -> "_Regression":
        """Return the regression on some of the factors."""
        return replace(
            self,
            columns=tuple(self.columns[index] for index in kept),
            priors=tuple(self.priors[index] for index in kept),
            terms=self.terms[:, kept],
        )


def learn(pools: pl.DataFrame, terms: pl.DataFrame) -> tuple[Factor, ...]:
    """Learn the factors of one app from the intervals of a window.

    Args:
        pools: pool (a number), interval_start, resource, billed_usd, known_usd; a row per interval and resource.
        terms: pool, function, factor, usd (what one unit of it costs in that pool), is_request_unknown.

    Returns:
        The factors by function, in the order of `PRIORS`; empty when nothing is inferred or nothing was billed.
    """
    if pools.is_empty() or terms.is_empty() or not pools["billed_usd"].sum():
        return ()
    whole = _regression(pools.sort("resource", "interval_start", "pool"), terms)
    fitted, errors = _fit(whole)
    kept = [
        index
        for index, (column, prior) in enumerate(zip(whole.columns, whole.priors, strict=True))
        if column[1] not in USE_WITHOUT_A_REQUEST
        or prior.rule > 0
        or fitted.coefficients[index] > _SIGNIFICANT * errors[index]
    ]
    chosen = whole.only(kept)
    if not chosen.columns:
        return ()
    fitted, errors = _fit(chosen)
    misfit = float(np.abs(fitted.residuals).sum() / chosen.billed.sum())
    is_used = misfit <= MOST_MISFIT and chosen.intervals >= LEAST_INTERVALS
    return tuple(
        Factor(function, factor, float(value), float(error), prior.rule, chosen.intervals, misfit, is_used)
        for (function, factor), prior, value, error in zip(
            chosen.columns, chosen.priors, fitted.coefficients, errors, strict=True
        )
    )


def _regression(pools: pl.DataFrame, terms: pl.DataFrame) -> _Regression:
    order = list(PRIORS)
    names = terms.select("function", "factor").unique().rows()
    columns = tuple(sorted(names, key=lambda name: (name[0], order.index(name[1]))))
    unknown = set(terms.filter(pl.col("is_request_unknown")).select("function", "factor").unique().rows())
    placed = terms.join(pools.select("pool").with_row_index("row"), on="pool").join(
        pl.DataFrame(columns, schema=["function", "factor"], orient="row").with_row_index("column"),
        on=["function", "factor"],
    )
    matrix = np.zeros((len(pools), len(columns)))
    np.add.at(matrix, (placed["row"].to_numpy(), placed["column"].to_numpy()), placed["usd"].to_numpy())
    billed = pools["billed_usd"].to_numpy()
    return _Regression(
        columns=columns,
        terms=matrix,
        explained=billed - pools["known_usd"].to_numpy(),
        billed=billed,
        resources=tuple(pools["resource"]),
        intervals=pools["interval_start"].n_unique(),
        priors=tuple(
            USE_WITHOUT_A_REQUEST[name[1]] if name in unknown and name[1] in USE_WITHOUT_A_REQUEST else PRIORS[name[1]]
            for name in columns
        ),
    )


def _fit(regression: _Regression) -> tuple[Fit, Floats]:
    """Fit in rounds, each with the scatter of the round before as its weights; returns standard errors beside the fit.

    The pools of an interval scatter together, because the same containers hold all of them: an interval counts once.
    And intervals that resemble the one before say less than independent ones would. Both widen the errors.
    """
    resources = np.array(regression.resources)
    each = [resources == resource for resource in sorted(set(regression.resources))]
    variance = np.ones(len(resources))
    for chosen in each:
        variance[chosen] = (0.1 * _mean(regression.billed[chosen])) ** 2
    rule, spread, most = (
        np.array([getattr(prior, name) for prior in regression.priors]) for name in ("rule", "spread", "most")
    )
    for _ in range(_ROUNDS):
        fitted = fit(regression.terms, regression.explained, 1 / variance, rule=rule, spread=spread, most=most)
        for chosen in each:
            variance[chosen] = _scatter(fitted.residuals[chosen], regression.billed[chosen], len(rule) / len(each))
    inflation = max(_inflation(fitted.residuals[chosen]) for chosen in each) * np.sqrt(len(each))
    return fitted, np.minimum(fitted.standard_errors * inflation, spread)


def _mean(billed: Floats) -> float:
    return max(float(billed.mean()), 1e-9)


def _scatter(residuals: Floats, billed: Floats, coefficients: float) -> Floats:
    """Return the variance of each interval: it grows with what was billed, as more containers scatter more."""
    size = (billed + _mean(billed)) / 2
    spent = len(residuals) / max(len(residuals) - coefficients, 1.0)
    scatter = max(float((residuals**2 / size).mean()) * spent, _LEAST_SCATTER**2 * _mean(billed))
    return np.asarray(scatter * size)


def _inflation(residuals: Floats) -> float:
    """Return √((1 + ρ) ÷ (1 − ρ)) for the correlation ρ of an interval with the next, at least one."""
    squares = float((residuals**2).sum())
    if len(residuals) < 2 or squares == 0:
        return 1.0
    rho = float((residuals[1:] * residuals[:-1]).sum()) / squares
    return min(max(1.0, float(np.sqrt((1 + rho) / max(1 - rho, 0.01)))), _MOST_INFLATION)
