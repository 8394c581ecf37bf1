"""Inputs that become other work are told, and a real saving or a growing demand is not taken for one."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.unit.savings.no_saving_test import measure, outside
from tests.unit.savings.status_test import SOUND
from tests.unit.savings.week_test import BEFORE, BETWEEN, EVALUATE, codes, days_of_work, generate
from tieout.savings.context import WeekContext
from tieout.savings.daily_work import DailyWork
from tieout.savings.status import ReasonCode, Status, judge
from tieout.savings.unit_shift import UnitShift


def at_seconds(work: Iterable[DailyWork], seconds: float, *, busy: float | None = None) -> list[DailyWork]:
    """Work whose inputs take so long at the median, and as long as `busy` says of their containers' time."""
    each = seconds if busy is None else busy
    return [replace(day, p50_seconds=seconds, busy_us=round(day.successful_calls * each * 1_000_000)) for day in work]


def rollout(
    calls: int, cost: str, seconds: float, *, busy: float | None = None, generating: bool = True
) -> list[DailyWork]:
    """100 inputs of 10 s for $20 a day, then so many for so much a day."""
    name = {} if generating else {"function": EVALUATE}
    before = at_seconds(days_of_work(BEFORE, 100, "20", **name), 10)
    return before + at_seconds(days_of_work(BETWEEN, calls, cost, phase="phase-1", **name), seconds, busy=busy)


@pytest.mark.parametrize(("calls", "seconds"), [(200, 5), (300, 3.5), (220, 5), (150, 7)])
def test_smaller_pieces_of_the_same_work_save_nothing(calls: int, seconds: float) -> None:
    measurement = measure(rollout(calls, "20", seconds), WeekContext())
    assert measurement.avoided_usd == 7 * (calls - 100) * 20 / 100
    for judgement in (measurement.judgement, generate(measurement).judgement):
        assert judgement.status is Status.NOT_DETERMINABLE
        assert ReasonCode.WORK_UNIT_SHIFTED in {reason.code for reason in judgement.reasons}


def test_the_reason_says_how_inputs_moved() -> None:
    [reason] = [
        reason
        for reason in generate(measure(rollout(200, "20", 5), WeekContext())).judgement.reasons
        if reason.code is ReasonCode.WORK_UNIT_SHIFTED
    ]
    assert reason.data == {"function": "generate_code_modal", "inputs": "2.00", "seconds": "0.50"}


def test_larger_pieces_of_the_same_work_are_no_rise() -> None:
    measurement = measure(rollout(50, "20", 20), WeekContext())
    assert measurement.avoided_usd == -70
    assert measurement.judgement.status is generate(measurement).judgement.status is Status.NOT_DETERMINABLE
    assert ReasonCode.WORK_UNIT_SHIFTED in codes(measurement)
    assert ReasonCode.NEGATIVE_SAVING not in codes(measurement)


@pytest.mark.parametrize(
    ("calls", "cost", "seconds", "busy"),
    [
        pytest.param(100, "8", 4, None, id="faster inputs"),
        pytest.param(108, "8", 9.3, None, id="a little more demand, a little less time"),
        pytest.param(200, "16", 4, None, id="twice the demand, and faster"),
        pytest.param(130, "10", 6, None, id="more demand, and a cache"),
        pytest.param(200, "20", 10, 5, id="twice the demand in the same containers at once"),
        pytest.param(130, "26", 10, None, id="more demand alone"),
        pytest.param(60, "12", 10, None, id="less demand alone"),
        pytest.param(70, "14", 11, None, id="less demand, on a slower GPU"),
    ],
)
def test_a_saving_and_a_change_of_demand_are_no_other_work(
    calls: int, cost: str, seconds: float, busy: float | None
) -> None:
    measurement = measure(rollout(calls, cost, seconds, busy=busy), WeekContext())
    assert not {ReasonCode.WORK_UNIT_SHIFTED, ReasonCode.WORK_UNIT_UNSURE} & set(codes(measurement))


def test_demand_that_all_functions_share_is_no_other_work() -> None:
    # Both have twice the inputs, and generating takes half the time: as evaluating shows, demand has doubled.
    both = rollout(200, "20", 5) + rollout(200, "40", 10, generating=False)
    assert ReasonCode.WORK_UNIT_SHIFTED not in codes(generate(measure(both, WeekContext())))


def test_demand_beside_the_catalog_is_one_too() -> None:
    work = rollout(200, "20", 5)
    assert ReasonCode.WORK_UNIT_SHIFTED not in codes(generate(measure(work, WeekContext(outside=outside("10", "20")))))
    assert ReasonCode.WORK_UNIT_SHIFTED in codes(generate(measure(work, WeekContext(outside=outside("10", "10")))))


def test_a_neighbour_that_is_steady_shows_that_demand_has_not_doubled() -> None:
    both = rollout(200, "20", 5) + rollout(100, "19", 9.5, generating=False)
    measurement = measure(both, WeekContext())
    assert ReasonCode.WORK_UNIT_SHIFTED in codes(generate(measurement))
    assert ReasonCode.WORK_UNIT_SHIFTED not in codes(measurement.function(EVALUATE))


def test_a_number_of_inputs_that_always_varies_shows_nothing() -> None:
    before = [
        day
        for i, date in enumerate(BEFORE)
        for day in at_seconds(days_of_work([date], (30, 250)[i // 7 % 2], ("6", "50")[i // 7 % 2]), 10)
    ]
    after = at_seconds(days_of_work(BETWEEN, 200, "20", phase="phase-1"), 7)
    assert ReasonCode.WORK_UNIT_SHIFTED not in codes(generate(measure(before + after, WeekContext())))


@pytest.mark.parametrize(
    ("shifted", "status", "code"),
    [
        ("50", Status.NOT_DETERMINABLE, ReasonCode.WORK_UNIT_SHIFTED),
        ("49", Status.PROVISIONAL, ReasonCode.WORK_UNIT_UNSURE),
    ],
)
def test_a_total_bears_what_its_functions_cannot_tell(shifted: str, status: Status, code: ReasonCode) -> None:
    shift = UnitShift("generate_code_modal", inputs=2, seconds=0.5)
    judgement = judge(replace(SOUND, shifted_unit=shift, shifted_usd=Decimal(shifted)))
    assert (judgement.status, [reason.code for reason in judgement.reasons]) == (status, [code])
