import datetime as dt
import math
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest

from tieout.savings.counterfactual import Counterfactual, ModelForm, avoided_cost, fit_counterfactual
from tieout.savings.days import FunctionDay
from tieout.savings.uncertainty import (
    MeasuredVolume,
    autocorrelation,
    day_equivalents,
    half_width,
    leverage,
    shape_leverage,
    small_sample_autocorrelation,
    total_half_width,
)

FIRST = dt.date(2026, 10, 5)
COSTS = (102, 98, 105, 110, 97, 61, 58, 104, 99, 101, 113, 95, 63, 60)
CALLS = (500, 490, 515, 540, 480, 300, 290, 505, 500, 495, 550, 470, 310, 300)
REPORTING_CALLS = (520, 510, 500, 530, 490, 310, 305)


def model_of(calls: Sequence[int] = CALLS, costs: Sequence[int | str] = COSTS) -> Counterfactual:
    model = fit_counterfactual(
        FunctionDay("f", FIRST + dt.timedelta(days=i), n, Decimal(cost))
        for i, (n, cost) in enumerate(zip(calls, costs, strict=True))
    )
    assert model is not None
    return model


def usd(model: Counterfactual, calls: tuple[int, ...] = REPORTING_CALLS) -> float:
    width = half_width(MeasuredVolume(model, calls))
    assert width is not None
    return float(width.half_width_usd)


def test_golden_half_width() -> None:
    model = model_of()
    assert model.form is ModelForm.PROPORTIONAL
    assert float(model.usd_per_call) == pytest.approx(0.202722, abs=5e-7)
    measured = [
        FunctionDay("f", dt.date(2026, 10, 20) + dt.timedelta(days=i), n, Decimal(249 if i == 0 else 0))
        for i, n in enumerate(REPORTING_CALLS)
    ]
    avoided = avoided_cost(model, measured)
    assert float(avoided.avoided_usd) == pytest.approx(392.6157, abs=5e-5)
    volume = MeasuredVolume(model, REPORTING_CALLS)
    width, without_floor = half_width(volume), half_width(volume, least_autocorrelation=0)
    assert width is not None
    assert without_floor is not None
    assert width.autocorrelation == pytest.approx(-0.5226, abs=5e-5)
    assert width.day_equivalents == pytest.approx(7.09528, abs=5e-6)
    assert float(without_floor.half_width_usd) == pytest.approx(6.2709, abs=5e-5)
    assert float(width.half_width_usd) == pytest.approx(7.680, abs=5e-4)
    assert width.autocorrelation_used == 0.2
    assert (width.baseline_days, width.degrees_of_freedom) == (14, 13)


def test_the_affine_leverage_is_the_textbook_one() -> None:
    model = model_of(costs=[str(30 + n / 10 + (i % 3 - 1) / 50) for i, n in enumerate(CALLS)])
    assert model.form is ModelForm.AFFINE
    rows = np.column_stack([np.ones(14), CALLS])
    x = np.array([7.0, sum(REPORTING_CALLS)])
    volume = MeasuredVolume(model, REPORTING_CALLS)
    assert leverage(volume) == pytest.approx(float(x @ np.linalg.inv(rows.T @ rows) @ x))
    width = half_width(volume)
    assert width is not None
    assert width.degrees_of_freedom == 12


def test_a_cost_that_ignores_calls_is_uncertain_by_days() -> None:
    model = model_of(costs=[str(100 - n / 1000 + (i % 3 - 1) / 10) for i, n in enumerate(CALLS)])
    assert model.form is ModelForm.CONSTANT
    assert day_equivalents(MeasuredVolume(model, (14,) * 7)) == 7


def test_far_from_the_baselines_volumes_the_affine_interval_grows() -> None:
    model = model_of(costs=[str(30 + n / 10 + (i % 3 - 1) / 50) for i, n in enumerate(CALLS)])
    inside = leverage(MeasuredVolume(model, (446,) * 7))
    assert leverage(MeasuredVolume(model, (150,) * 7)) > 2 * inside


def test_at_the_baselines_volumes_the_shape_of_the_model_adds_nothing() -> None:
    width = half_width(MeasuredVolume(model_of(), REPORTING_CALLS))
    assert width is not None
    assert width.shape_usd == 0
    assert width.half_width_usd == width.scatter_usd


@pytest.mark.parametrize("costs", [COSTS, [str(30 + n / 10 + (i % 3 - 1) / 50) for i, n in enumerate(CALLS)]])
def test_after_a_shift_of_demand_the_shape_is_part_of_the_interval(costs: list[int | str]) -> None:
    model = model_of(costs=costs)
    width = half_width(MeasuredVolume(model, tuple(n * 7 // 5 for n in REPORTING_CALLS)))
    assert width is not None
    assert width.shape_usd > width.scatter_usd / 2
    both = math.hypot(float(width.scatter_usd), float(width.shape_usd))
    assert float(width.half_width_usd) == pytest.approx(both)


def test_equal_days_cannot_tell_the_shape() -> None:
    assert shape_leverage(MeasuredVolume(model_of((100,) * 14), (150,) * 7)) == 0


def test_more_autocorrelation_widens_the_interval() -> None:
    swinging = model_of((100,) * 14, [100 + (1 if i % 2 else -1) for i in range(14)])
    drifting = model_of((100,) * 14, [100 + (1 if i >= 7 else -1) for i in range(14)])
    assert usd(drifting) > 2 * usd(swinging)


def test_a_perfect_fit_has_no_width() -> None:
    assert usd(model_of((100,) * 14, (20,) * 14)) == 0


def test_one_baseline_day_has_no_interval() -> None:
    assert half_width(MeasuredVolume(model_of((100,), (20,)), (100,) * 7)) is None
    assert total_half_width([]) is None


def test_a_total_of_one_function_is_that_function() -> None:
    volume = MeasuredVolume(model_of(), REPORTING_CALLS)
    assert total_half_width([volume]) == half_width(volume)


def test_functions_that_move_together_add_their_half_widths() -> None:
    volume = MeasuredVolume(model_of(), REPORTING_CALLS)
    both = total_half_width([volume, volume])
    assert both is not None
    assert float(both.half_width_usd) == pytest.approx(2 * usd(volume.model))
    assert both.day_equivalents == pytest.approx(7.09528, abs=5e-6)


def test_functions_that_move_against_each_other_cancel() -> None:
    up = model_of((100,) * 14, [100 + i % 2 for i in range(14)])
    down = model_of((100,) * 14, [100 - i % 2 for i in range(14)])
    total = total_half_width([MeasuredVolume(up, (100,) * 7), MeasuredVolume(down, (100,) * 7)])
    assert total is not None
    assert float(total.half_width_usd) == pytest.approx(0, abs=1e-9)


def test_a_function_that_did_no_work_adds_nothing_to_the_total() -> None:
    measured, silent = model_of(), model_of(costs=tuple(reversed(COSTS)))
    total = total_half_width([MeasuredVolume(measured, REPORTING_CALLS), MeasuredVolume(silent, ())])
    assert total is not None
    assert float(total.half_width_usd) == pytest.approx(usd(measured))


def test_functions_of_a_total_share_their_baseline_days() -> None:
    volumes = [MeasuredVolume(model_of(), (100,)), MeasuredVolume(model_of(CALLS[1:], COSTS[1:]), (100,))]
    with pytest.raises(ValueError, match="share their baseline days"):
        total_half_width(volumes)


def test_a_missing_day_breaks_the_chain_of_neighbours() -> None:
    days = [FIRST, FIRST + dt.timedelta(days=2), FIRST + dt.timedelta(days=3)]
    assert autocorrelation(days, np.array([1.0, 1.0, 1.0])) == pytest.approx(1 / 3)


def test_autocorrelation_is_corrected_and_kept_within_bounds() -> None:
    assert small_sample_autocorrelation(0.4, 14) == pytest.approx(0.4 + 2.2 / 14)
    assert small_sample_autocorrelation(-0.9, 14) == 0.2
    assert small_sample_autocorrelation(0.95, 14) == 0.9
