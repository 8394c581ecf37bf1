"""What a bill says of tails and of use beyond requests, on bills whose truth is known."""

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
import pytest

from tieout.learning.factors import LEAST_INTERVALS, PRIORS, Factor, learn

MONDAY = dt.datetime.fromisoformat("2026-11-02")
WEEK = 168
TERMS = {
    "pool": pl.Int64,
    "function_number": pl.Int64,
    "factor_number": pl.Int64,
    "is_request_unknown": pl.Boolean,
    "usd": pl.Float64,
    "spread": pl.Float64,
}


class Bill:
    """Pools of one app: what is known of them, what factors would make of them, and what they truly cost."""

    def __init__(self, hours: int = WEEK) -> None:
        self.hours = hours
        self.random = np.random.default_rng(7)
        self.pools: list[tuple[int, dt.datetime, str, float, float]] = []
        self.terms: list[tuple[int, str, str, bool, float, float | None]] = []

    def pool(
        self,
        resource: str,
        true: Mapping[tuple[str, str], float],
        *,
        noise: float = 0.0,
        unknown: Sequence[str] = (),
        extra: float = 0.0,
        spread: float | None = None,
    ) -> None:
        """Bill a pool every hour: a dollar or so is known, each factor's unit costs what its demand says."""
        for hour in range(self.hours):
            number = len(self.pools)
            known = float(self.random.uniform(0.5, 1.5))
            billed = known + extra * float(self.random.uniform(0.0, 2.0))
            for (function, factor), value in true.items():
                usd = float(self.random.uniform(0.2, 1.0))
                self.terms.append((number, function, factor, factor in unknown, usd, spread))
                billed += usd * value * (1 + noise * float(self.random.standard_normal()))
            self.pools.append((number, MONDAY + dt.timedelta(hours=hour), resource, billed, known))

    def learn(self) -> tuple[Factor, ...]:
        columns = ["pool", "interval_start", "resource", "billed_usd", "known_usd"]
        return learn(pl.DataFrame(self.pools, schema=columns, orient="row"), *self.numbered_terms())

    def numbered_terms(self) -> tuple[pl.DataFrame, list[str]]:
        """Return the terms by the numbers of their functions and factors, and the names of the functions."""
        functions = sorted({function for _, function, *_ in self.terms})
        rows = [
            (pool, functions.index(function), list(PRIORS).index(factor), *others)
            for pool, function, factor, *others in self.terms
        ]
        return pl.DataFrame(rows, schema=TERMS, orient="row"), functions


def values(factors: Sequence[Factor]) -> dict[tuple[str, str], float]:
    return {(factor.function, factor.factor): factor.value for factor in factors}


def test_tails_of_functions_that_share_a_pool_are_told_apart() -> None:
    bill = Bill()
    bill.pool("A10G", {("early", "tail"): 0.3, ("punctual", "tail"): 1.0}, noise=0.1)
    factors = bill.learn()
    assert values(factors) == pytest.approx({("early", "tail"): 0.3, ("punctual", "tail"): 1.0}, abs=0.03)
    assert all(factor.is_used and factor.hours == WEEK for factor in factors)


def test_a_tail_shows_in_all_pools_of_an_app() -> None:
    bill = Bill()
    bill.pool("CPU", {("job", "tail"): 0.6}, noise=0.2)
    bill.pool("Memory", {("job", "tail"): 0.6}, noise=0.2)
    assert values(bill.learn())["job", "tail"] == pytest.approx(0.6, abs=0.03)


def test_use_beyond_a_request_is_learned_where_it_is_significant() -> None:
    bill = Bill()
    bill.pool("CPU", {("greedy", "cpu"): 1.2, ("modest", "cpu"): 0.0}, noise=0.1)
    factors = bill.learn()
    assert values(factors) == pytest.approx({("greedy", "cpu"): 1.2}, abs=0.1)


def test_use_of_a_function_without_a_request_is_always_kept() -> None:
    bill = Bill()
    bill.pool("CPU", {("silent", "cpu"): 0.0}, unknown=["cpu"])
    [factor] = bill.learn()
    assert factor.value == pytest.approx(0.0, abs=0.01)
    assert factor.rule == 0.875


def test_what_the_bill_says_nothing_of_keeps_its_rule_and_its_spread() -> None:
    bill = Bill()
    bill.pool("A10G", {("busy", "tail"): 0.5}, noise=0.1)
    bill.terms.append((0, "rare", "tail", False, 1e-9, None))
    [busy, rare] = bill.learn()
    assert busy.standard_error < 0.05
    assert busy.is_used
    assert not rare.is_used
    assert rare.value == pytest.approx(1.0)
    assert rare.standard_error == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(5))
def test_standard_errors_cover(seed: int) -> None:
    bill = Bill()
    bill.random = np.random.default_rng(seed)
    true = {("f", "tail"): 0.4, ("g", "tail"): 0.8}
    bill.pool("A10G", true, noise=0.3)
    for factor in bill.learn():
        assert abs(factor.value - true[factor.function, factor.factor]) < 4 * factor.standard_error


def test_time_that_is_a_limit_is_never_more_than_all_of_it() -> None:
    bill = Bill()
    bill.pool("A10G", {("bursty", "waiting"): 1.7})
    assert values(bill.learn()) == {("bursty", "waiting"): 1.0}


def test_factors_that_leave_much_open_are_not_used() -> None:
    bill = Bill()
    bill.pool("A10G", {("job", "tail"): 1.0}, extra=1.0)
    [factor] = bill.learn()
    assert factor.misfit > 0.1
    assert not factor.is_used


def test_a_day_of_hours_is_too_little() -> None:
    bill = Bill(hours=LEAST_INTERVALS - 1)
    bill.pool("A10G", {("job", "tail"): 0.5})
    assert not any(factor.is_used for factor in bill.learn())


def test_the_same_bill_gives_the_same_factors_in_any_order() -> None:
    bill = Bill()
    bill.pool("A10G", {("f", "tail"): 0.3, ("g", "tail"): 0.9}, noise=0.2)
    first = bill.learn()
    bill.pools.reverse()
    bill.terms.reverse()
    for one, other in zip(first, bill.learn(), strict=True):
        assert (one.function, one.factor) == (other.function, other.factor)
        assert one.value == pytest.approx(other.value, abs=1e-6)


@pytest.mark.parametrize("emptied", ["pools", "terms"])
def test_nothing_is_learned_from_nothing(emptied: str) -> None:
    bill = Bill()
    bill.pool("A10G", {("job", "tail"): 0.5})
    if emptied == "terms":
        bill.terms.clear()
        assert bill.learn() == ()
    else:
        pools = pl.DataFrame(schema={"pool": pl.Int64, "billed_usd": pl.Float64})
        assert learn(pools, *bill.numbered_terms()) == ()


@pytest.mark.parametrize(("first", "second"), [(0.0, 1.4), (0.1, 0.1)])
def test_no_factor_is_below_zero(first: float, second: float) -> None:
    bill = Bill()
    bill.pool("A10G", {("f", "tail"): first, ("g", "tail"): second}, noise=0.5)
    assert all(factor.value >= 0 for factor in bill.learn())


def test_what_runs_beside_the_functions_all_the_time_is_nobodys_factor() -> None:
    bill = Bill()
    bill.pool("A10G", {("job", "tail"): 0.5}, noise=0.1)
    bill.pools = [(number, hour, resource, billed + 2.0, known) for number, hour, resource, billed, known in bill.pools]
    factors = bill.learn()
    assert values(factors) == pytest.approx({("job", "tail"): 0.5}, abs=0.1)
    assert not any(factor.is_used for factor in factors), "a server costs more here than the function"


def test_a_resource_that_something_else_costs_teaches_nothing() -> None:
    bill = Bill()
    bill.pool("A10G", {("job", "tail"): 0.5}, noise=0.1)
    bill.pool("H100", {("job", "tail"): 0.5}, noise=0.1)
    bill.pool("CPU", {("hook", "tail"): 0.5}, extra=1.0)
    job, hook = sorted(bill.learn(), key=lambda factor: factor.function, reverse=True)
    assert (job.is_used, job.resources) == (True, ("A10G", "H100"))
    assert not hook.is_used


def test_a_small_resource_alone_teaches_nothing() -> None:
    bill = Bill()
    bill.pool("A10G", {("job", "tail"): 0.5}, extra=30.0)
    bill.pool("Memory", {("job", "tail"): 0.5}, noise=0.1)
    assert not any(factor.is_used for factor in bill.learn())


def test_samples_are_scaled_to_the_bill_and_hardly_moved_where_it_says_nothing() -> None:
    bill = Bill()
    bill.pool("A10G", {("short", "series"): 1.06, ("other", "series"): 0.97}, spread=0.05)
    found = bill.learn()
    assert values(found) == pytest.approx({("short", "series"): 1.06, ("other", "series"): 0.97}, abs=0.005)
    assert all(factor.is_used for factor in found)
    vague = Bill()
    vague.pool("A10G", {("short", "series"): 1.3}, noise=0.5, extra=0.1, spread=0.05)
    [factor] = vague.learn()
    assert 1.0 <= factor.value <= 1.2


def test_samples_of_many_lives_move_less_than_those_of_few() -> None:
    moved = {}
    for spread in (0.01, 0.2):
        vague = Bill()
        vague.pool("A10G", {("f", "series"): 1.3}, noise=0.5, extra=0.1, spread=spread)
        [factor] = vague.learn()
        moved[spread] = factor.value - 1
        assert factor.standard_error <= spread
    assert 0 < moved[0.01] < 0.03
    assert moved[0.2] > 0.15
