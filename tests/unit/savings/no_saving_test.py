"""What looks like a saving and is none: each kind is told, and none of them is verified."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.unit.savings.week_test import (
    BASELINE,
    BEFORE,
    BETWEEN,
    EVALUATE,
    FIRST_WEEK,
    GENERATE,
    PROGRAMME,
    codes,
    day_of_work,
    days_of_work,
    generate,
    rollout,
)
from tieout.savings.boundary import OutsideCost
from tieout.savings.bridge import Step
from tieout.savings.context import LogMatch, WeekContext
from tieout.savings.daily_work import DailyWork
from tieout.savings.error_bars import CostBar
from tieout.savings.status import ReasonCode, Status
from tieout.savings.week import WeekMeasurement, measure_week

APP = "coral-x-production"
MEASURED = FIRST_WEEK.days()


def measure(work: list[DailyWork], context: WeekContext) -> WeekMeasurement:
    return measure_week(
        FIRST_WEEK,
        work,
        programme=PROGRAMME,
        baseline=BASELINE,
        landed={value.day for value in work},
        contradictions={},
        context=context,
    )


def outside(before: str, after: str, *, app: str = APP, function: str = "unknown") -> list[OutsideCost]:
    """What a name that the catalog lacks costs on a day before and after."""
    sides = ((BEFORE, before), (MEASURED, after))
    return [OutsideCost(app, function, day, Fraction(cost)) for days, cost in sides for day in days]


# Moved


@pytest.mark.parametrize("function", ["generate_code_on_gpu", "__no_calls__", "__unexplained__"])
def test_work_that_moved_to_what_the_catalog_lacks_is_not_saved(function: str) -> None:
    measurement = measure(rollout(), WeekContext(outside=outside("0", "12", function=function)))
    assert measurement.outside.growth_usd == 84
    assert measurement.judgement.status is Status.NOT_DETERMINABLE
    assert ReasonCode.MOVED_OUTSIDE in codes(measurement)
    assert ReasonCode.MOVED_OUTSIDE in codes(generate(measurement))
    assert measurement.bridge is not None
    assert measurement.bridge.total.amount(Step.MOVED_OUTSIDE).exact_usd == -12
    assert measurement.bridge.total.realized.exact_usd == 0


def test_growth_outside_the_catalog_that_demand_explains_has_not_moved() -> None:
    work = rollout(calls=150, cost="12")
    assert measure(work, WeekContext(outside=outside("20", "30"))).outside.growth_usd == 0
    assert measure(work, WeekContext(outside=outside("20", "32"))).outside.growth_usd == 14


def test_a_little_growth_outside_the_catalog_keeps_a_saving_from_being_verified() -> None:
    measurement = measure(rollout(), WeekContext(outside=outside("1", "2")))
    assert codes(measurement) == [ReasonCode.OUTSIDE_GREW]
    assert measurement.judgement.status is Status.PROVISIONAL
    assert measurement.bridge is not None
    assert measurement.bridge.total.realized.exact_usd == 11


def test_a_residual_that_goes_with_the_programme_to_another_app_has_not_grown() -> None:
    gone, come = outside("3", "0", function="__no_calls__"), outside("0", "3", app="new", function="__no_calls__")
    measurement = measure(rollout(), WeekContext(outside=[*gone, *come]))
    assert measurement.outside.growth_usd == 0
    assert measurement.judgement.status is Status.VERIFIED


def test_what_shrank_outside_the_catalog_is_no_saving_and_hides_no_growth() -> None:
    costs = [*outside("50", "0", function="__no_calls__"), *outside("0", "12")]
    measurement = measure(rollout(), WeekContext(outside=costs))
    assert measurement.judgement.status is Status.NOT_DETERMINABLE
    assert measurement.avoided_usd == 84


def test_a_renamed_function_is_not_credited_with_its_baseline() -> None:
    # $10 a day stand ready whatever is called, so the model has an intercept.
    before = [day_of_work(day, 80 + i % 5 * 10, f"{10 + (80 + i % 5 * 10) * 0.1:.2f}") for i, day in enumerate(BEFORE)]
    silent = days_of_work(BETWEEN, 0, "0", phase="phase-1")
    measurement = measure(before + silent, WeekContext())
    function = generate(measurement)
    assert function.model is not None
    assert function.model.usd_per_day > 0
    assert function.avoided is None
    assert codes(function) == [ReasonCode.NO_SUCCESSFUL_CALL]
    assert function.judgement.status is Status.NOT_DETERMINABLE
    assert measurement.avoided_usd is None
    [line] = [line for line in measurement.ledger if line.function == GENERATE and line.phases == ("phase-1",)]
    assert (line.state, line.avoided_usd) == (Status.NOT_DETERMINABLE, None)


def test_a_renamed_function_takes_nothing_from_the_saving_of_another() -> None:
    # The other one cost $5 a day; now $5 a day are billed under a name that the catalog lacks.
    other = days_of_work(BEFORE, 10, "5", function=EVALUATE)
    measurement = measure(rollout() + other, WeekContext(outside=outside("0", "5", function="evaluate_v2")))
    assert measurement.outside.growth_usd == measurement.outside.silent_usd == 35
    assert measurement.bridge is not None
    assert measurement.bridge.total.amount(Step.MOVED_OUTSIDE).exact_usd == 0
    assert measurement.bridge.total.realized.exact_usd == 12
    assert (codes(measurement), measurement.judgement.status) == ([ReasonCode.OUTSIDE_GREW], Status.PROVISIONAL)


def test_growth_beyond_what_a_renamed_function_cost_has_moved() -> None:
    other = days_of_work(BEFORE, 10, "5", function=EVALUATE)
    measurement = measure(rollout() + other, WeekContext(outside=outside("0", "17", function="evaluate_v2")))
    assert measurement.bridge is not None
    assert measurement.bridge.total.amount(Step.MOVED_OUTSIDE).exact_usd == -12
    assert ReasonCode.MOVED_OUTSIDE in codes(measurement)


def test_one_silent_function_does_not_take_the_saving_of_another() -> None:
    other = days_of_work(BEFORE, 10, "5", function=EVALUATE)
    measurement = measure(rollout() + other, WeekContext())
    assert measurement.avoided_usd == 84


@pytest.mark.parametrize(
    ("after_usd", "reason"),
    [("24", ReasonCode.TAKEN_OVER), ("16", ReasonCode.GREW_APART), ("13", None)],
)
def test_work_that_another_function_of_the_catalog_took_over_is_not_saved(
    after_usd: str, reason: ReasonCode | None
) -> None:
    # Nothing is claimed for the other one yet; generating code saves $12 a day.
    other = days_of_work(BEFORE, 10, "12", function=EVALUATE) + days_of_work(BETWEEN, 20, after_usd, function=EVALUATE)
    measurement = measure(rollout() + other, WeekContext())
    assert measurement.avoided_usd == 84
    assert codes(measurement) == codes(generate(measurement)) == ([] if reason is None else [reason])
    expected = {ReasonCode.TAKEN_OVER: Status.NOT_DETERMINABLE, ReasonCode.GREW_APART: Status.PROVISIONAL}
    assert measurement.judgement.status is (Status.VERIFIED if reason is None else expected[reason])


def test_functions_that_grow_alike_take_nothing_over() -> None:
    other = days_of_work(BEFORE, 10, "12", function=EVALUATE) + days_of_work(BETWEEN, 12, "14.40", function=EVALUATE)
    measurement = measure(rollout(calls=120, cost="9.60") + other, WeekContext())
    assert ReasonCode.TAKEN_OVER not in codes(measurement)
    assert ReasonCode.GREW_APART not in codes(measurement)


@pytest.mark.parametrize(
    ("before", "after", "has_moved"),
    [
        (("0", "0"), "12", True),
        (("18", "22"), "32", True),
        # a little growth, far more than was saved, and no more than on some day before
        (("18", "22"), "24", False),
        (("18", "22"), "90", False),
        (("8", "40"), "36", False),
    ],
)
def test_an_app_that_grew_by_what_was_saved_may_have_taken_the_work(
    before: tuple[str, str], after: str, has_moved: bool
) -> None:
    costs = {day: Fraction(before[i % 2]) for i, day in enumerate(BEFORE)} | dict.fromkeys(MEASURED, Fraction(after))
    measurement = measure(rollout(), WeekContext(other_apps={"elsewhere": costs, "idle": {}}))
    expected = [ReasonCode.OTHER_APP_GREW] if has_moved else []
    assert codes(measurement) == codes(generate(measurement)) == expected
    assert measurement.judgement.status is (Status.NOT_DETERMINABLE if has_moved else Status.VERIFIED)


# What no log explains


@pytest.mark.parametrize(
    ("usd_a_day", "reason"),
    [("8", ReasonCode.UNEXPLAINED_BEFORE), ("4", ReasonCode.UNEXPLAINED_FELL), ("1", None)],
)
def test_cost_of_the_baseline_that_no_log_explains_proves_no_saving(usd_a_day: str, reason: ReasonCode | None) -> None:
    unexplained = {
        (GENERATE, day): LogMatch(Decimal(20), is_matched=True, unexplained_usd=Decimal(usd_a_day)) for day in BEFORE
    }
    of_function = measure(rollout(), WeekContext(log_matches=unexplained))
    of_app = measure(rollout(), WeekContext(outside=outside(usd_a_day, "0", function="__unexplained__")))
    for measurement in (of_function, of_app):
        assert measurement.evidence.unexplained_fell_usd == 7 * Decimal(usd_a_day)
        assert codes(measurement) == codes(generate(measurement)) == ([] if reason is None else [reason])


def test_as_much_unexplained_as_before_changes_nothing() -> None:
    every = [*BEFORE, *MEASURED]
    matches = {(GENERATE, day): LogMatch(Decimal(20), is_matched=True, unexplained_usd=Decimal(9)) for day in every}
    assert measure(rollout(), WeekContext(log_matches=matches)).judgement.status is Status.VERIFIED


@pytest.mark.parametrize(
    ("before", "after", "is_doubted"), [("0", "-4", True), ("0", "-1", False), ("-4", "-4", False)]
)
def test_a_bill_below_what_the_log_shows_proves_no_saving(before: str, after: str, is_doubted: bool) -> None:
    sides = ((BEFORE, before), (MEASURED, after))
    matches = {
        (GENERATE, day): LogMatch(Decimal(20), is_matched=True, unexplained_usd=Decimal(usd))
        for days, usd in sides
        for day in days
    }
    measurement = measure(rollout(), WeekContext(log_matches=matches))
    expected = [ReasonCode.BILL_BELOW_LOG] if is_doubted else []
    assert codes(measurement) == codes(generate(measurement)) == expected


# Units of work, volume and outages


def test_a_map_with_fewer_inputs_is_no_saving_and_its_unit_is_said_to_have_changed() -> None:
    before = [replace(day, function_calls=1) for day in days_of_work(BEFORE, 1000, "20")]
    after = [replace(day, function_calls=1) for day in days_of_work(BETWEEN, 300, "6", phase="phase-1")]
    measurement = measure(before + after, WeekContext())
    assert measurement.avoided_usd == 0
    assert ReasonCode.WORK_UNIT_CHANGED in codes(generate(measurement))


def test_maps_in_the_baseline_leave_the_saving_and_its_interval_as_they_are() -> None:
    single = [day_of_work(day, 100, f"{20 + i % 5 / 10:.2f}") for i, day in enumerate(BEFORE)]
    in_maps = [replace(day, function_calls=day.successful_calls // 10) for day in single]
    after = days_of_work(BETWEEN, 100, "8", phase="phase-1")
    with_maps, without = measure(in_maps + after, WeekContext()), measure(single + after, WeekContext())
    assert with_maps.avoided_usd == without.avoided_usd
    assert with_maps.half_width == without.half_width


def test_calls_with_a_tenth_more_inputs_are_still_the_same_unit() -> None:
    after = [replace(day, function_calls=100) for day in days_of_work(BETWEEN, 110, "8.80", phase="phase-1")]
    assert measure(days_of_work(BEFORE, 100, "20") + after, WeekContext()).judgement.status is Status.VERIFIED


def test_three_times_the_volume_is_no_headline() -> None:
    measurement = measure(rollout(calls=300, cost="40"), WeekContext())
    assert measurement.avoided_usd == 140
    assert measurement.judgement.status is Status.NOT_DETERMINABLE
    assert codes(measurement)[0] is ReasonCode.IMPLAUSIBLE_COUNTERFACTUAL


def test_a_volume_beyond_the_baseline_is_not_verified() -> None:
    measurement = measure(rollout(calls=130, cost="10"), WeekContext())
    assert codes(measurement) == [ReasonCode.EXTRAPOLATED]
    assert measurement.judgement.status is Status.PROVISIONAL


def test_a_log_that_is_mostly_lost_proves_no_saving() -> None:
    measurement = measure(rollout(calls=30, cost="5"), WeekContext())
    assert measurement.avoided_usd == 7
    assert ReasonCode.FAR_EXTRAPOLATED in codes(generate(measurement))
    assert measurement.judgement.status is Status.NOT_DETERMINABLE


def test_a_saving_that_rests_on_an_outage_of_the_baseline_is_none() -> None:
    # On four days calls failed and ran again: fewer succeeded, at twice the cost. Nothing else changed.
    outage = frozenset(BEFORE[8:12])
    before = [day_of_work(day, 60, "40") if day in outage else day_of_work(day, 100, "20") for day in BEFORE]
    measurement = measure(before + days_of_work(BETWEEN, 100, "20", phase="phase-1"), WeekContext())
    assert measurement.avoided_usd is not None
    assert measurement.avoided_usd == 20
    assert ReasonCode.BASELINE_OUTAGE in codes(generate(measurement))
    assert measurement.judgement.status is Status.NOT_DETERMINABLE


# Prices


def prices(change: Fraction) -> Mapping[tuple[str, dt.date], Fraction]:
    return {(GENERATE, day): change for day in BEFORE}


def test_a_list_price_that_falls_is_no_saving() -> None:
    measurement = measure(rollout(cost="16"), WeekContext(price_changes=prices(Fraction(-1, 5))))
    assert measurement.avoided_usd == 0
    assert measurement.bridge is not None
    assert measurement.bridge.total.amount(Step.LIST_PRICES).exact_usd == -4
    assert measurement.judgement.status is Status.NOT_DETERMINABLE


def test_a_saving_at_lower_list_prices_is_that_of_the_same_week_at_those_prices() -> None:
    measurement = measure(rollout(cost="8"), WeekContext(price_changes=prices(Fraction(-1, 5))))
    assert measurement.avoided_usd == 7 * (16 - 8)
    assert measurement.judgement.status is Status.VERIFIED
    assert measurement.bridge is not None
    bridge = measurement.bridge.total
    assert bridge.published.exact_usd + sum(step.amount.exact_usd for step in bridge.steps) == bridge.realized.exact_usd
    assert bridge.published.printed_usd + sum(s.amount.printed_usd for s in bridge.steps) == bridge.realized.printed_usd


def test_a_list_price_that_rises_hides_no_saving() -> None:
    measurement = measure(rollout(cost="24"), WeekContext(price_changes=prices(Fraction(1, 2))))
    assert measurement.avoided_usd == 7 * (30 - 24)


# Gates


def matches(days: list[dt.date]) -> dict[tuple[str, dt.date], LogMatch]:
    every = [*BEFORE, *MEASURED]
    return {(GENERATE, day): LogMatch(Decimal(20), is_matched=day not in days) for day in every}


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        (WeekContext(is_baseline_frozen=False), ReasonCode.BASELINE_NOT_FROZEN),
        (WeekContext(log_matches=matches(BEFORE[:3])), ReasonCode.BASELINE_NOT_MATCHED),
        (WeekContext(log_matches=matches(list(MEASURED[:1]))), ReasonCode.DAYS_NOT_MATCHED),
    ],
)
def test_an_open_gate_keeps_a_saving_from_being_verified(context: WeekContext, reason: ReasonCode) -> None:
    measurement = measure(rollout(), context)
    assert measurement.judgement.status is Status.PROVISIONAL
    assert codes(measurement) == codes(generate(measurement)) == [reason]


def test_days_that_carry_little_of_the_cost_may_differ() -> None:
    assert measure(rollout(), WeekContext(log_matches=matches(BEFORE[:2]))).judgement.status is Status.VERIFIED


def test_a_rollout_that_callers_have_not_followed_is_not_verified() -> None:
    stayed = days_of_work(BETWEEN, 20, "4")
    moved = days_of_work(BETWEEN, 80, "4", phase="phase-1")
    measurement = measure(days_of_work(BEFORE, 100, "20") + stayed + moved, WeekContext())
    assert codes(measurement) == [ReasonCode.ROLLOUT_INCOMPLETE]
    assert measurement.judgement.status is Status.PROVISIONAL


def test_a_rollback_is_said_as_one() -> None:
    measurement = measure(rollout(), WeekContext(rolled_back={GENERATE: "1 × A100-40GB"}))
    assert measurement.judgement.status is Status.NOT_DETERMINABLE
    assert generate(measurement).judgement.reasons[0].data == {"settings": "1 × A100-40GB"}


def bars(function: str | None, before: str, after: str, *, off: str) -> list[CostBar]:
    """Error bars of what costs something in each week of the baseline and in the measured one."""
    sides = {week.isoformat(): before for week in (BASELINE.start, BASELINE.start + dt.timedelta(weeks=1))}
    sides[FIRST_WEEK.start.isoformat()] = after
    return [
        CostBar(
            APP,
            function,
            dt.date.fromisoformat(week),
            Decimal(cost),
            Decimal(cost) - Decimal(off),
            Decimal(cost) + Decimal(off),
        )
        for week, cost in sides.items()
    ]


def test_the_error_bars_of_both_sides_widen_the_interval() -> None:
    others = bars(None, "100", "100", off="90")
    measurement = measure(rollout(), WeekContext(error_bars=[*bars(GENERATE, "140", "56", off="18"), *others]))
    assert measurement.half_width is not None
    # the baseline's 36 of 280 make 18 of the week's 140, the week itself is off by 18
    assert float(measurement.half_width.attribution_usd) == pytest.approx(18 * 2**0.5)
    assert codes(measurement) == [ReasonCode.WIDE_INTERVAL]


def test_a_function_is_off_by_no_more_than_all_others_of_its_app() -> None:
    others = bars(None, "20", "20", off="2")
    measurement = measure(rollout(), WeekContext(error_bars=[*bars(GENERATE, "140", "56", off="18"), *others]))
    assert measurement.half_width is not None
    assert float(measurement.half_width.attribution_usd) == pytest.approx(2 * 2**0.5)
    assert measurement.judgement.status is Status.VERIFIED
