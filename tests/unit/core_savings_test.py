import datetime as dt
from decimal import Decimal

from pipelines.core.periods import IsoWeek, days_between
from pipelines.core.savings import (
    BaselinePeriod,
    FunctionDay,
    FunctionSaving,
    NoClaimReason,
    baseline_period,
    measured_days,
    projected_usd_per_day,
    weekly_savings,
)

WEEK = IsoWeek.parse("2026-W44")
BASELINE = BaselinePeriod(dt.date(2026, 10, 5), dt.date(2026, 10, 19))
DEPLOYED = {"phase-1": dt.date(2026, 10, 19)}


def _series(function: str, start: str, end: str, calls: int, cost: str) -> list[FunctionDay]:
    days = days_between(dt.date.fromisoformat(start), dt.date.fromisoformat(end))
    return [FunctionDay(function, day, calls, Decimal(cost)) for day in days]


def _measure(after_calls: int, after_cost: str, deployments: dict[str, dt.date] = DEPLOYED) -> FunctionSaving:
    series = _series("f", "2026-10-05", "2026-10-19", 100, "20")
    series += _series("f", "2026-10-19", "2026-11-02", after_calls, after_cost)
    return weekly_savings(series, WEEK, deployments=deployments, baseline=BASELINE)[0]


def test_the_same_work_for_less_is_a_saving() -> None:
    saving = _measure(100, "8")
    assert saving.measured_days == 7
    assert saving.counterfactual_usd == 140
    assert saving.avoided_usd == 84
    assert saving.cash_change_usd == 84


def test_a_volume_drop_is_not_a_saving() -> None:
    saving = _measure(60, "12")
    assert saving.avoided_usd == 0
    assert saving.cash_change_usd == 56


def test_more_work_at_the_same_cost_is_a_saving_without_cash() -> None:
    saving = _measure(150, "20")
    assert saving.avoided_usd == 70
    assert saving.cash_change_usd == 0


def test_a_rollout_that_makes_cost_worse_is_kept_negative() -> None:
    assert _measure(100, "25").avoided_usd == -35


def test_nothing_is_claimed_before_anything_was_deployed() -> None:
    saving = _measure(100, "8", {"phase-1": dt.date(2026, 11, 9)})
    assert saving.avoided_usd is None
    assert saving.reason is NoClaimReason.NO_DEPLOYMENT


def test_nothing_is_claimed_without_a_baseline_or_without_baseline_work() -> None:
    series = _series("f", "2026-10-26", "2026-11-02", 5, "1")
    missing = weekly_savings(series, WEEK, deployments=DEPLOYED, baseline=None)[0]
    assert missing.reason is NoClaimReason.NO_BASELINE
    silent = weekly_savings(series, WEEK, deployments=DEPLOYED, baseline=BASELINE)[0]
    assert silent.reason is NoClaimReason.NO_BASELINE_CALLS
    assert silent.actual_usd == 7


def test_deployment_days_are_blacked_out_on_both_sides() -> None:
    days = measured_days(
        IsoWeek.parse("2026-W43"), first_deployment=dt.date(2026, 10, 19), blackout=[dt.date(2026, 10, 21)]
    )
    assert days == tuple(dt.date(2026, 10, day) for day in (20, 22, 23, 24, 25))


def test_the_baseline_is_whole_weeks_and_eight_at_most() -> None:
    deployed = dt.date(2026, 10, 21)
    assert baseline_period(dt.date(2026, 9, 21), deployed) == BaselinePeriod(
        dt.date(2026, 9, 21), dt.date(2026, 10, 19)
    )
    assert baseline_period(dt.date(2026, 9, 22), deployed) == BaselinePeriod(
        dt.date(2026, 9, 28), dt.date(2026, 10, 19)
    )
    long = baseline_period(dt.date(2026, 1, 1), deployed)
    assert long is not None
    assert long.days == 56
    assert baseline_period(dt.date(2026, 10, 13), deployed) is None


def test_unit_costs_are_exact_until_they_are_rounded_once() -> None:
    series = _series("f", "2026-10-05", "2026-10-19", 3, "1")
    series += _series("f", "2026-10-26", "2026-11-02", 3, "0")
    saving = weekly_savings(series, WEEK, deployments=DEPLOYED, baseline=BASELINE)[0]
    assert saving.baseline_unit_usd == Decimal("0.333333333333")
    assert saving.counterfactual_usd == 7


def test_the_published_lines_of_the_projection() -> None:
    assert projected_usd_per_day(Decimal("2.50"), Decimal("0.02"), 20) == Decimal("1190.40")
    assert projected_usd_per_day(Decimal("1.80"), Decimal("0.90"), 50) == 1080
