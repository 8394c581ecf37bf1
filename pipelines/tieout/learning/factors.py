"""Factors of an app, learned from its bill: how much of what is inferred was there, and what is used beyond requests.

Billed dollars of a pool in an interval = what is known + Σ over functions of factor × dollars per unit of it:

| factor | multiplies | rule | spread |
|---|---|---|---|
| tail | the scaledown window after a last input | 1, at most 1.5 | 0.5 |
| waiting | containers that a buffer allows | 0.5 | 0.5 |
| failed | what a failed start-up may have lasted beyond what is usual | 0.5 | 0.5 |
| series | container time that container series show beyond the log | 1, at most 1.5 | what sampling scatters |
| startup | the time between a container's id and its placement | 0 | 0.5 |
| cpu | cores beyond the request, while containers start and execute | 0; 0.875 without a request | 0.5; 1 |
| memory | GiB beyond the request, while containers live | 0; 1 without a request | 2; 4 |

What runs beside the functions all the time, such as a server or sandboxes, is a share of its own of each resource, and
nobody's factor: 0 ± 0.1 of its mean bill. Where it is large, or the factors leave much open, a resource teaches
nothing.

One regression has all pools of the app: a tail shows in the GPU, CPU and memory pools alike. Pools are weighted by how
far they scatter. A use beyond a request counts only when it is significant, because it can imitate a tail.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from tieout.learning.least_squares import Fit, Floats, fit

LEAST_INTERVALS = 48
"""Two days of hours; fewer say little, and a daily bill says nothing of hours."""

MOST_MISFIT = 0.10
"""Share of the bill of a resource that the factors may leave open, interval by interval, to be used."""

MOST_BESIDE = 0.05
"""Share of the bill of a resource that may run beside the functions all the time."""

LEAST_EXPLAINED = 0.5
"""Share of the app's bill that resources with a good fit must have; else they are too small to teach anything."""

MOST_IGNORANCE = 0.9
"""A factor whose standard error is more of its spread than this is hardly more than its rule, and not used."""

_ROUNDS = 4
_SIGNIFICANT = 2.0
_LEAST_SCATTER = 0.002
_MOST_INFLATION = 3.0


@dataclass(frozen=True)
class Prior:
    """What a factor is without evidence.

    Attributes:
        rule: its value then.
        spread: how far that may be off; of what is sampled at least.
        most: what bounds it.
        is_documented: Modal says so: the rule stands until the bill contradicts it.
        is_sampled: it multiplies samples, which the bill makes better by however little it says.
    """

    rule: float
    spread: float
    most: float = float("inf")
    is_documented: bool = False
    is_sampled: bool = False


PRIORS: Mapping[str, Prior] = {
    "tail": Prior(1.0, 0.5, 1.5, is_documented=True),
    "waiting": Prior(0.5, 0.5, 1.0),
    "failed": Prior(0.5, 0.5, 1.0),
    "series": Prior(1.0, 0.005, 1.5, is_sampled=True),
    "startup": Prior(0.0, 0.5, 1.0),
    "cpu": Prior(0.0, 0.5),
    "memory": Prior(0.0, 2.0),
}

USE_WITHOUT_A_REQUEST: Mapping[str, Prior] = {"cpu": Prior(0.875, 1.0), "memory": Prior(1.0, 4.0)}

_BESIDE = Prior(0.0, 0.1)
_NOBODY = ""


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
        misfit: what the app's factors leave open, as a share of the pools that they explain, interval by interval.
        resources: the pools that they explain; in others something else costs, such as a sandbox.
        is_used: attribution follows it.
    """

    function: str
    factor: str
    value: float
    standard_error: float
    rule: float
    hours: int
    misfit: float
    resources: tuple[str, ...]
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

    def only(self, kept: Sequence[int]) -> "_Regression":
        """Return the regression on some of the factors."""
        return replace(
            self,
            columns=tuple(self.columns[index] for index in kept),
            priors=tuple(self.priors[index] for index in kept),
            terms=self.terms[:, list(kept)],
        )

    def of(self, resources: Collection[str]) -> "_Regression":
        """Return the regression on the pools of some resources, with the factors that show in them."""
        rows = np.isin(np.array(self.resources), sorted(resources))
        chosen = replace(
            self,
            terms=self.terms[rows],
            explained=self.explained[rows],
            billed=self.billed[rows],
            resources=tuple(name for name, is_kept in zip(self.resources, rows, strict=True) if is_kept),
        )
        return chosen.only([index for index in range(len(self.columns)) if chosen.terms[:, index].any()])

    def explained_by(self, fitted: Fit) -> tuple[str, ...]:
        """Return the resources of whose bill a fit leaves little open, and little to what runs beside the functions."""
        resources = np.array(self.resources)
        found = []
        for resource in sorted(set(self.resources)):
            chosen = resources == resource
            misfit = float(np.abs(fitted.residuals[chosen]).sum() / max(self.billed[chosen].sum(), 1e-9))
            beside = fitted.coefficients[self.columns.index((_NOBODY, resource))]
            if misfit <= MOST_MISFIT and beside <= MOST_BESIDE:
                found.append(resource)
        share = self.billed[np.isin(resources, found)].sum() / self.billed.sum()
        return tuple(found) if share >= LEAST_EXPLAINED else ()


def learn(pools: pl.DataFrame, terms: pl.DataFrame, functions: Sequence[str]) -> tuple[Factor, ...]:
    """Learn the factors of one app from the intervals of a window.

    Args:
        pools: pool (a number), interval_start, resource, billed_usd, known_usd; a row per interval and resource.
        terms: pool, function_number (the place of its name among `functions`), factor_number (its place in `PRIORS`),
            usd (what one unit of it costs in that pool), is_request_unknown, spread (standard error of samples; null
            of other factors).
        functions: names, in alphabetical order as far as the app has them.

    Returns:
        The factors by function, in the order of `PRIORS`; empty when nothing is inferred or nothing was billed.
    """
    if pools.is_empty() or terms.is_empty() or not pools["billed_usd"].sum():
        return ()
    whole, (fitted, errors) = _significant(_regression(pools, terms, functions))
    if not whole.columns:
        return ()
    explained = whole.explained_by(fitted)
    if not explained or len(explained) == len(set(whole.resources)):
        return _factors(whole, fitted, errors, is_used=bool(explained))
    chosen = whole.of(explained)
    good, good_errors = _fit(chosen)
    others = [index for index, column in enumerate(whole.columns) if column not in chosen.columns]
    rest = replace(fitted, coefficients=fitted.coefficients[others])
    return (
        *_factors(chosen, good, good_errors, is_used=chosen.explained_by(good) == explained),
        *_factors(whole.only(others), rest, errors[others], is_used=False),
    )


def _significant(whole: _Regression) -> tuple[_Regression, tuple[Fit, Floats]]:
    """Leave out uses beyond a request that the bill does not clearly show; returns the fit of the others, too."""
    fitted, errors = _fit(whole)
    kept = [
        index
        for index, (column, prior) in enumerate(zip(whole.columns, whole.priors, strict=True))
        if column[1] not in USE_WITHOUT_A_REQUEST
        or prior.rule > 0
        or fitted.coefficients[index] > _SIGNIFICANT * errors[index]
    ]
    if len(kept) == len(whole.columns):
        return whole, (fitted, errors)
    significant = whole.only(kept)
    return significant, _fit(significant)


def _factors(regression: _Regression, fitted: Fit, errors: Floats, *, is_used: bool) -> tuple[Factor, ...]:
    misfit = float(np.abs(fitted.residuals).sum() / max(regression.billed.sum(), 1e-9))
    return tuple(
        Factor(
            function=function,
            factor=factor,
            value=prior.rule if _is_the_rule(value, error, prior) else float(value),
            standard_error=float(error),
            rule=prior.rule,
            hours=regression.intervals,
            misfit=misfit,
            resources=tuple(sorted(set(regression.resources))),
            is_used=bool(is_used and regression.intervals >= LEAST_INTERVALS and _says_something(error, prior)),
        )
        for (function, factor), prior, value, error in zip(
            regression.columns, regression.priors, fitted.coefficients, errors, strict=True
        )
        if function != _NOBODY
    )


def _says_something(error: float, prior: Prior) -> bool:
    """Tell whether a factor is more than its rule."""
    return prior.is_sampled or error < MOST_IGNORANCE * prior.spread


def _is_the_rule(value: float, error: float, prior: Prior) -> bool:
    """Tell whether the bill does not contradict what Modal says."""
    return prior.is_documented and abs(value - prior.rule) <= _SIGNIFICANT * error


def _regression(pools: pl.DataFrame, terms: pl.DataFrame, functions: Sequence[str]) -> _Regression:
    # Numbers of functions and factors follow their order, and so do those of their pairs.
    pair_of = terms["function_number"].to_numpy() * len(PRIORS) + terms["factor_number"].to_numpy()
    pairs, column_of = np.unique(pair_of, return_inverse=True)
    factors = tuple(PRIORS)
    columns = tuple((functions[pair // len(PRIORS)], factors[pair % len(PRIORS)]) for pair in pairs.tolist())
    unknown = set(column_of[terms["is_request_unknown"].to_numpy()].tolist())
    spreads = np.zeros(len(columns))
    is_sampled = terms["spread"].is_not_null().to_numpy()
    np.fmax.at(spreads, column_of[is_sampled], terms["spread"].cast(pl.Float64).to_numpy()[is_sampled])
    beside, resource_of = np.unique(pools["resource"].to_numpy(), return_inverse=True)
    interval_of, numbers = pools["interval_start"].to_numpy(), pools["pool"].to_numpy()
    order = np.lexsort((numbers, interval_of, resource_of))
    resource_of, numbers = resource_of[order], numbers[order]
    # A term whose pool is not among the pools teaches nothing.
    by_number, number_of = np.argsort(numbers), terms["pool"].to_numpy()
    row_of = by_number[np.minimum(np.searchsorted(numbers, number_of, sorter=by_number), len(numbers) - 1)]
    is_placed = numbers[row_of] == number_of
    matrix = np.zeros((len(pools), len(columns) + len(beside)))
    np.add.at(matrix, (row_of[is_placed], column_of[is_placed]), terms["usd"].to_numpy()[is_placed])
    billed = pools["billed_usd"].to_numpy()[order]
    for number in range(len(beside)):
        matrix[resource_of == number, len(columns) + number] = _mean(billed[resource_of == number])
    return _Regression(
        columns=(*columns, *((_NOBODY, resource) for resource in beside)),
        terms=matrix,
        explained=billed - pools["known_usd"].to_numpy()[order],
        billed=billed,
        resources=tuple(beside[resource_of].tolist()),
        intervals=len(np.unique(interval_of)),
        priors=(
            *(
                _prior(factor, float(spread), is_request_unknown=column in unknown)
                for column, ((_, factor), spread) in enumerate(zip(columns, spreads, strict=True))
            ),
            *(_BESIDE for _ in beside),
        ),
    )


def _prior(factor: str, spread: float, *, is_request_unknown: bool) -> Prior:
    prior = (USE_WITHOUT_A_REQUEST if is_request_unknown else PRIORS).get(factor, PRIORS[factor])
    return replace(prior, spread=max(prior.spread, spread))


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
