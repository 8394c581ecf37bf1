import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.savings.counterfactual import (
    Counterfactual,
    ModelForm,
    PhaseRollout,
    PhaseSaving,
    PhaseUnitCost,
    avoided_cost,
    fit_counterfactual,
    normalized_saving_usd_per_day,
    phase_chain,
    phase_groups,
)
from tieout.savings.days import FunctionDay
from tieout.savings.fit_quality import fit_quality

FIRST = dt.date(2026, 10, 5)
CALLS = (500, 490, 515, 540, 480, 300, 290, 505, 500, 495, 550, 470, 310, 300)
# Noise without a trend, orthogonal to nothing in particular: cents a day.
NOISE = (3, -2, 1, -4, 2, 0, 1, -3, 4, -1, -2, 3, -1, -1)


def days_of(calls: tuple[int, ...], costs: list[str], first: dt.date = FIRST) -> list[FunctionDay]:
    return [
        FunctionDay("f", first + dt.timedelta(days=i), n, Decimal(cost))
        for i, (n, cost) in enumerate(zip(calls, costs, strict=True))
    ]


def fitted(calls: tuple[int, ...], costs: list[str]) -> Counterfactual:
    model = fit_counterfactual(days_of(calls, costs))
    assert model is not None
    return model


def costs_of(intercept_cents: int, millicents_per_call: int, calls: tuple[int, ...] = CALLS) -> list[str]:
    """Costs of a known line with a little scatter."""
    noise = (NOISE * 4)[: len(calls)]
    return [
        str(Decimal(1000 * (intercept_cents + e) + millicents_per_call * n) / 100_000)
        for n, e in zip(calls, noise, strict=True)
    ]


def test_a_baseline_is_fitted_once_for_all_weeks_that_ask_for_it() -> None:
    costs = [str(count) for count in CALLS]
    assert fitted(CALLS, costs) is fitted(CALLS, costs)
    assert fitted(CALLS, costs) is not fitted(CALLS, ["1", *costs[1:]])


def test_golden_fit_quality() -> None:
    quality = fit_quality([1, 3, 4, 1, 6], [2, 3, 3, 2, 4], parameters=2)
    assert quality.cvrmse == pytest.approx(0.394, abs=5e-4)
    assert quality.cvrmse_adjusted == pytest.approx(0.509, abs=5e-4)
    assert quality.nmbe == pytest.approx(-0.067, abs=5e-4)
    assert quality.lag_1_correlation == pytest.approx(-0.674, abs=5e-4)


def test_a_model_that_predicts_too_little_has_a_negative_bias() -> None:
    quality = fit_quality([2, 2, 2], [1, 1, 1], parameters=1)
    assert quality.nmbe == -0.5


def test_golden_phase_chain() -> None:
    chain = phase_chain(
        1000,
        Fraction(20, 100),
        [PhaseUnitCost(("phase-1",), Fraction(8, 100)), PhaseUnitCost(("phase-2",), Fraction(5, 100))],
    )
    assert chain == (PhaseSaving(("phase-1",), Fraction(120)), PhaseSaving(("phase-2",), Fraction(30)))


def test_cost_in_proportion_to_calls_is_fitted_exactly() -> None:
    model = fitted((1, 1, 1), ["0.1", "0.1", "0.133333333333"])
    assert model.form is ModelForm.PROPORTIONAL
    assert model.usd_per_day == 0
    assert model.usd_per_call == Fraction("0.333333333333") / 3
    assert model.cost_usd(3) == Decimal("0.333333333333")


def test_an_intercept_that_is_there_earns_its_place() -> None:
    model = fitted(CALLS, costs_of(intercept_cents=3000, millicents_per_call=10_000))
    assert model.form is ModelForm.AFFINE
    assert model.parameters == 2
    assert float(model.usd_per_day) == pytest.approx(30, abs=0.2)
    assert float(model.usd_per_call) == pytest.approx(0.1, abs=0.001)
    assert sum(model.residuals_usd) == pytest.approx(0, abs=1e-9)


def test_an_intercept_that_is_not_there_stays_out() -> None:
    assert fitted(CALLS, costs_of(intercept_cents=0, millicents_per_call=10_000)).form is ModelForm.PROPORTIONAL


def test_an_intercept_is_never_negative() -> None:
    assert fitted(CALLS, costs_of(intercept_cents=-1000, millicents_per_call=10_000)).usd_per_day == 0


def test_thirteen_days_are_too_few_for_an_intercept() -> None:
    calls = CALLS[:13]
    assert fitted(calls, costs_of(3000, 10_000, calls)).form is ModelForm.PROPORTIONAL


def test_a_cost_that_does_not_follow_calls_is_constant() -> None:
    model = fitted(CALLS, costs_of(intercept_cents=10_000, millicents_per_call=-100))
    assert model.form is ModelForm.CONSTANT
    assert model.usd_per_call == 0
    assert model.cost_usd(0, days=7) == model.cost_usd(9999, days=7)


def test_days_with_equal_calls_cannot_show_an_intercept() -> None:
    calls = (400,) * 14
    assert fitted(calls, costs_of(3000, 10_000, calls)).form is ModelForm.PROPORTIONAL


def test_warm_containers_make_a_volume_drop_no_saving() -> None:
    model = fitted(CALLS, costs_of(intercept_cents=3000, millicents_per_call=10_000))
    fewer = tuple(n * 6 // 10 for n in CALLS)
    avoided = avoided_cost(model, days_of(fewer, costs_of(3000, 10_000, fewer), dt.date(2026, 10, 20)))
    assert abs(avoided.avoided_usd) < Decimal("0.01") * avoided.actual_usd


def test_a_baseline_without_success_has_no_counterfactual() -> None:
    assert fit_counterfactual(days_of((0, 0), ["1", "2"])) is None
    assert fit_counterfactual([]) is None


def test_a_day_given_twice_is_refused() -> None:
    days = days_of((1, 2), ["1", "2"])
    with pytest.raises(ValueError, match="2026-10-05 appears twice"):
        fit_counterfactual([*days, days[0]])


def test_the_order_of_days_does_not_matter() -> None:
    days = days_of(CALLS, costs_of(3000, 10_000))
    assert fit_counterfactual(reversed(days)) == fit_counterfactual(days)


def test_volumes_beyond_a_tenth_of_the_range_are_extrapolated() -> None:
    model = fitted(CALLS, costs_of(0, 10_000))
    assert model.calls_range == (290, 550)
    assert [n for n in (260, 261, 605, 606) if model.is_extrapolated(n)] == [260, 606]
    measured = days_of((400, 606), ["30", "40"], dt.date(2026, 10, 20))
    avoided = avoided_cost(model, measured)
    assert avoided.extrapolated_days == (dt.date(2026, 10, 21),)
    assert avoided.extrapolated_usd == model.cost_usd(606)


def test_avoided_cost_counts_what_the_same_calls_would_have_cost() -> None:
    model = fitted((100, 100), ["20", "20"])
    avoided = avoided_cost(model, days_of((100, 50), ["8", "14"], dt.date(2026, 10, 20)))
    assert (avoided.days, avoided.calls) == (2, 150)
    assert avoided.counterfactual_usd == 30
    assert avoided.avoided_usd == 8


def test_the_normalized_saving_compares_both_models_at_the_projected_volume() -> None:
    before, after = fitted((100, 200), ["20", "40"]), fitted((10, 30), ["0.5", "1.5"])
    assert normalized_saving_usd_per_day(before, after, Fraction(480)) == 72


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**18)), min_size=1, max_size=30),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=10),
)
def test_coefficients_are_never_negative_and_the_baseline_is_met_in_total(
    baseline: list[tuple[int, int]], reporting: list[int]
) -> None:
    days = [
        FunctionDay("f", FIRST + dt.timedelta(days=i), n, Decimal(cost).scaleb(-12))
        for i, (n, cost) in enumerate(baseline)
    ]
    model = fit_counterfactual(days)
    if model is None:
        assert not any(n for n, _ in baseline)
        return
    assert model.usd_per_day >= 0
    assert model.usd_per_call >= 0
    assert model.cost_usd(sum(model.calls), len(days)) == sum((d.cost_usd for d in days), Decimal(0))
    assert model.cost_usd(sum(reporting), len(reporting)) >= 0


def rollout(phase: str, functions: str, first: int, last: int) -> PhaseRollout:
    return PhaseRollout(phase, frozenset(functions), dt.date(2026, 11, first), dt.date(2026, 11, last))


def test_phases_with_a_stable_window_between_them_are_apart() -> None:
    rollouts = [rollout("two", "fg", 10, 10), rollout("one", "f", 2, 8)]
    assert phase_groups("f", rollouts) == [("one",), ("two",)]
    assert phase_groups("g", rollouts) == [("two",)]
    assert phase_groups("h", rollouts) == []


@pytest.mark.parametrize("second", [2, 5, 8, 9])
def test_phases_that_share_a_function_and_a_blackout_are_joint(second: int) -> None:
    rollouts = [rollout("one", "f", 2, 8), rollout("two", "f", second, 9), rollout("other", "g", 3, 4)]
    assert phase_groups("f", rollouts) == [("one", "two")]


@given(
    st.integers(0, 10**6),
    st.fractions(-10, 10),
    st.lists(st.fractions(-10, 10), min_size=1, max_size=6),
)
def test_phases_add_up_and_never_count_twice(calls: int, baseline: Fraction, units: list[Fraction]) -> None:
    chain = phase_chain(calls, baseline, [PhaseUnitCost((str(i),), unit) for i, unit in enumerate(units)])
    assert sum(saving.saving_usd for saving in chain) == calls * (baseline - units[-1])
