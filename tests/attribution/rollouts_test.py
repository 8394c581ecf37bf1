"""Savings of simulated rollouts, from landed exports to the measured week, beside what was truly saved."""

from dataclasses import replace
from decimal import Decimal
from functools import cache

import pytest

from benchmarks.rollout_readings import read_world
from benchmarks.rollouts import TrueFigure, measured
from tieout.savings.status import ReasonCode, Status
from tieout.simulator.rollout import INFER, RolloutWorld, rollout_scenarios, run_rollout
from tieout.simulator.rollout_setting import RolloutKind, RolloutSetting
from tieout.simulator.scenario import DemandShift, Maps, PriceChange, Scenario
from tieout.simulator.workloads import price, prices
from tieout.simulator.world import run

SETTING = RolloutSetting(RolloutKind.SAVING, seed=5, weeks_before=2, weeks_after=1, calls_per_day=60)
DEPLOYED = SETTING.deployed_at.date()
CHEAPER = [
    PriceChange(name, price(name) * Decimal("0.8"), DEPLOYED) for name in ("gpu_hour_cost_a10g", "gpu_hour_cost_t4")
]


def with_maps(scenario: Scenario) -> Scenario:
    """Half of the baseline's work of a function comes as two maps a day; nobody maps after the deployment."""
    maps = Maps(per_day=2, inputs=30, shift=DemandShift(0.0, DEPLOYED))
    return replace(
        scenario,
        functions=tuple(
            replace(function, demand=replace(function.demand, maps=maps)) if function.name == INFER else function
            for function in scenario.functions
        ),
    )


def as_it_is(scenario: Scenario) -> Scenario:
    return scenario


def at_lower_prices(scenario: Scenario) -> Scenario:
    """Modal lowers the prices of both GPUs of a function by a fifth, on the day of the deployment."""
    return replace(scenario, prices=prices(*CHEAPER))


@cache
def total(change: object) -> TrueFigure:
    """The total of the first week of a rollout, where actual world and twin are changed alike."""
    assert callable(change)
    worlds = [
        run(change(scenario), SETTING.seed, SETTING.weeks, has_twin=False) for scenario in rollout_scenarios(SETTING)
    ]
    [[week]] = read_world(RolloutWorld(SETTING, *worlds), [SETTING])
    return measured(week).total


@pytest.mark.slow
def test_maps_in_the_baseline_do_not_change_the_saving() -> None:
    plain, mapped = total(as_it_is), total(with_maps)
    assert plain.is_covered
    assert mapped.is_covered
    assert plain.avoided_usd is not None and plain.half_width_usd is not None and mapped.avoided_usd is not None
    assert abs(mapped.true_usd - plain.true_usd) < plain.true_usd / 100
    assert abs(mapped.avoided_usd - plain.avoided_usd) <= plain.half_width_usd


@pytest.mark.slow
def test_a_lower_list_price_is_no_saving() -> None:
    plain, cheaper = total(as_it_is), total(at_lower_prices)
    assert cheaper.is_covered
    assert cheaper.half_width_usd is not None and cheaper.half_width_usd < cheaper.true_usd / 4
    assert cheaper.true_usd < plain.true_usd


@pytest.mark.slow
@pytest.mark.parametrize("kind", [RolloutKind.HALVED, RolloutKind.DOUBLED])
def test_inputs_that_become_other_work_show_neither_a_saving_nor_a_rise(kind: RolloutKind) -> None:
    setting = replace(SETTING, kind=kind, calls_per_day=120)
    [[week]] = read_world(run_rollout(setting), [setting])
    rollout = measured(week)
    assert rollout.total.true_usd == 0
    for figure in (rollout.total, *rollout.functions):
        assert figure.status == Status.NOT_DETERMINABLE
        assert ReasonCode.WORK_UNIT_SHIFTED in figure.reasons
