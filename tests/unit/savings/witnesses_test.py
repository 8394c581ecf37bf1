"""Witnesses beside a saving: they agree, disagree, widen the interval, and decide whether it can be verified."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.unit.savings.week_test import (
    BASELINE,
    BEFORE,
    BETWEEN,
    FIRST_WEEK,
    GENERATE,
    PROGRAMME,
    codes,
    day_of_work,
    days_of_work,
    generate,
    rollout,
)
from tieout.savings.context import WeekContext
from tieout.savings.counterfactual import ModelForm
from tieout.savings.daily_work import DailyWork
from tieout.savings.disagreement import WitnessKind
from tieout.savings.replay_days import ContainerTime
from tieout.savings.replay_period import ReplayedDay
from tieout.savings.replay_shape import standing_share
from tieout.savings.status import ReasonCode, Status
from tieout.savings.week import WeekMeasurement, measure_week
from tieout.savings.witnesses import same_days_witness

SECOND = 1_000_000
MEASURED = FIRST_WEEK.days()


def replays(work: list[DailyWork], seconds: Callable[[int], int], *, variance: float = 0.0) -> WeekContext:
    """A context in which every day of work was replayed; `seconds` of container time by its calls."""
    days = {
        (value.function, value.day): ReplayedDay(
            ContainerTime(0, seconds(value.successful_calls) * SECOND, 0, 0), variance, str(value.day)
        )
        for value in work
    }
    return WeekContext(replays=days)


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


def busy_and_quiet_days() -> list[DailyWork]:
    """Four weeks of 80 to 120 calls a day at about $20 a hundred calls; ten cents up and down."""
    return [
        day_of_work(day, calls, f"{calls * 0.2 + (position % 3 - 1) * 0.1:.2f}")
        for position, day in enumerate(BEFORE)
        for calls in [80 + position % 5 * 10]
    ]


# The shape


def test_the_replay_decides_the_shape_and_the_baseline_the_level() -> None:
    # 1,000 s stand ready and a call takes 10 s: at the baseline's mean of 100 calls, half of the time stands.
    work = rollout(calls=150, cost="8")
    measurement = measure(work, replays(work, lambda calls: 1000 + 10 * calls))
    model = generate(measurement).model
    assert model is not None
    assert (model.form, model.usd_per_day, model.usd_per_call) == (ModelForm.REPLAYED, Fraction(10), Fraction(1, 10))
    assert measurement.avoided_usd == 7 * (10 + 15 - 8)


def test_more_calls_in_the_same_proportion_are_the_regressions_saving() -> None:
    work = rollout(calls=110, cost="8")
    with_replay = measure(work, replays(work, lambda calls: 10 * calls))
    assert with_replay.avoided_usd == measure(work, WeekContext()).avoided_usd


def test_without_a_replay_of_every_day_the_baseline_days_decide_alone() -> None:
    work = rollout()
    context = replays(work, lambda calls: 10 * calls)
    lacking = {key: value for key, value in context.replays.items() if key != (GENERATE, BEFORE[3])}
    measurement = measure(work, replace(context, replays=lacking))
    assert generate(measurement).model == generate(measure(work, WeekContext())).model
    assert measurement.testimony is not None
    assert measurement.testimony.witnesses == ()


@pytest.mark.parametrize(
    ("baseline_us", "measured_us", "share"),
    [([200, 400], [600], 0), ([400, 500], [600], Fraction(2, 3)), ([500, 400], [300], 1), ([100, 300], [500], 0)],
)
def test_the_standing_share_is_the_intercept_of_the_replay_within_bounds(
    baseline_us: list[int], measured_us: list[int], share: Fraction
) -> None:
    found = standing_share([100, 200], baseline_us, [300], measured_us)
    assert found is not None
    assert abs(found - share) < Fraction(1, 1_000_000)


def test_days_with_the_same_calls_tell_no_shape() -> None:
    assert standing_share([5, 5], [1, 2], [5], [3]) is None
    assert standing_share([0, 0], [1, 2], [5], [3]) is None


# Agreement


def test_witnesses_that_agree_leave_a_saving_verified() -> None:
    work = busy_and_quiet_days() + days_of_work(BETWEEN, 100, "8", phase="phase-1")
    measurement = measure(work, replays(work, lambda calls: 10 * calls))
    assert measurement.judgement.status is Status.VERIFIED
    assert measurement.testimony is not None
    assert [each.kind for each in measurement.testimony.witnesses] == [WitnessKind.REGRESSION, WitnessKind.REPLAY]
    assert measurement.testimony.disagreements == ()


def test_a_replay_that_says_otherwise_keeps_a_saving_from_being_verified_and_widens_it() -> None:
    # On the measured days the old containers would have needed half as much: their inputs came close together.
    work = busy_and_quiet_days() + days_of_work(BETWEEN, 100, "8", phase="phase-1")
    context = replays(work, lambda calls: 10 * calls)
    halved = {
        key: replace(value, time=ContainerTime(0, value.time.total_us // 2, 0, 0)) if key[1] in BETWEEN else value
        for key, value in context.replays.items()
    }
    measurement = measure(work, replace(context, replays=halved))
    assert measurement.judgement.status is not Status.VERIFIED
    assert ReasonCode.WITNESSES_DISAGREE in codes(measurement)
    assert measurement.half_width is not None
    assert measurement.testimony is not None
    assert measurement.half_width.disagreement_usd == measurement.testimony.difference_usd > 0
    assert measurement.half_width.half_width_usd >= measurement.half_width.disagreement_usd


def test_three_times_the_volume_is_only_plausible_when_the_replay_agrees() -> None:
    work = rollout(calls=300, cost="40")
    refused = measure(work, WeekContext())
    heard = measure(work, replays(work, lambda calls: 10 * calls))
    assert ReasonCode.IMPLAUSIBLE_COUNTERFACTUAL in codes(refused)
    assert ReasonCode.IMPLAUSIBLE_COUNTERFACTUAL not in codes(heard)


def test_a_sampled_replay_widens_the_interval() -> None:
    work = busy_and_quiet_days() + days_of_work(BETWEEN, 100, "8", phase="phase-1")
    whole = measure(work, replays(work, lambda calls: 10 * calls))
    sample = measure(work, replays(work, lambda calls: 10 * calls, variance=(50.0 * SECOND) ** 2))
    assert whole.half_width is not None
    assert sample.half_width is not None
    # 50 s a day at two cents a second, over seven days and the baseline's 28: 1.645 × 0.02 × 50 × √(7 + 28 ÷ 16).
    assert abs(float(sample.half_width.sampling_usd) - 1.6449 * 0.02 * 50 * (7 + 28 / 16) ** 0.5) < 0.01
    assert sample.half_width.half_width_usd > whole.half_width.half_width_usd


# Old against new on the same days


def both(day: dt.date, old: tuple[int, str], new: tuple[int, str]) -> list[DailyWork]:
    return [day_of_work(day, *old), day_of_work(day, *new, phase="phase-1")]


def test_old_and_new_on_the_same_days_say_what_a_moved_call_saves() -> None:
    work = [value for day in MEASURED for value in both(day, (40, "8.00"), (60, "3.00"))]
    witness = same_days_witness(work, MEASURED, newest="phase-1")
    assert witness is not None
    # $0.20 a call against $0.05, for 60 calls on each of seven days.
    assert witness.saving_usd == 63
    assert witness.actual_usd == 77
    assert witness.half_width_usd == 0


def test_a_few_who_stayed_are_no_witness() -> None:
    work = [value for day in MEASURED for value in both(day, (10, "9.00"), (90, "4.50"))]
    assert same_days_witness(work, MEASURED, newest="phase-1") is None
    two_days = [value for day in MEASURED[:2] for value in both(day, (50, "9.00"), (50, "4.50"))]
    assert same_days_witness(two_days, MEASURED, newest="phase-1") is None


def test_the_sum_of_functions_is_what_their_witnesses_say_together() -> None:
    other = days_of_work(BEFORE, 10, "5", function="evaluate_genome_modal")
    work = busy_and_quiet_days() + other + days_of_work(BETWEEN, 100, "8", phase="phase-1")
    measurement = measure(work, replays(work, lambda calls: 10 * calls))
    own = generate(measurement).testimony
    assert own is not None
    assert measurement.testimony is not None
    assert measurement.testimony.witnesses == tuple(
        replace(each, volume=None, half_width_usd=total.half_width_usd)
        for each, total in zip(own.witnesses, measurement.testimony.witnesses, strict=True)
    )
    assert measurement.testimony.saving_usd == measurement.avoided_usd != Decimal(0)
