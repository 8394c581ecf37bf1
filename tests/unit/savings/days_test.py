import datetime as dt
from decimal import Decimal

from tieout.core.periods import IsoWeek
from tieout.savings.days import BaselinePeriod, baseline_period, measured_days, projected_usd_per_day


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


def test_the_published_lines_of_the_projection() -> None:
    assert projected_usd_per_day(Decimal("2.50"), Decimal("0.02"), 20) == Decimal("1190.40")
    assert projected_usd_per_day(Decimal("1.80"), Decimal("0.90"), 50) == 1080
