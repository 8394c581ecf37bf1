"""Calls that one function may have taken over from another."""

from fractions import Fraction

import pytest

from tieout.savings.moved_work import WorkVolume, taken_over_usd_per_day


def volume(function: str, before: int, after: int, usd_each: str = "0.10") -> WorkVolume:
    usd = Fraction(usd_each)
    return WorkVolume(function, Fraction(before), Fraction(after), usd, before * usd)


def test_calls_beyond_the_growth_of_the_others_count_at_what_they_are_credited_with() -> None:
    taken = taken_over_usd_per_day([volume("caller", 100, 100), volume("worker", 200, 250)])
    assert taken == {"worker": Fraction("5.00")}


def test_others_that_grew_as_well_explain_as_much() -> None:
    taken = taken_over_usd_per_day([volume("caller", 100, 120), volume("worker", 200, 300)])
    assert taken == {"worker": Fraction("6.00")}


def test_others_that_shrank_count_as_constant() -> None:
    taken = taken_over_usd_per_day([volume("caller", 100, 50), volume("worker", 200, 210)])
    assert taken == {"worker": Fraction("1.00")}


def test_one_function_alone_takes_nothing_over() -> None:
    assert taken_over_usd_per_day([volume("worker", 100, 300)]) == {}


def test_a_function_without_work_in_the_baseline_takes_all_of_its_work_over() -> None:
    taken = taken_over_usd_per_day([volume("caller", 100, 100), volume("worker", 0, 50)])
    assert taken == {"worker": Fraction("5.00")}


def test_growth_by_a_twentieth_more_than_the_others_is_chance() -> None:
    assert taken_over_usd_per_day([volume("caller", 100, 100), volume("worker", 100, 105)]) == {}
    assert taken_over_usd_per_day([volume("caller", 100, 100), volume("worker", 100, 106)]) == {
        "worker": Fraction("0.60")
    }


@pytest.mark.parametrize("growth", [0, 1, 3])
def test_functions_that_grow_alike_take_nothing_over(growth: int) -> None:
    assert taken_over_usd_per_day([volume(f"{calls}", calls, calls * growth) for calls in (1, 70, 900)]) == {}
