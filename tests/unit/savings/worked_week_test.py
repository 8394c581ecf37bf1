"""The worked week of docs/method.md: every figure on the page is what the method says."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.savings.week_test import FIRST_WEEK, GENERATE, PROGRAMME, day_of_work
from tieout.core.money import format_usd, round_picodollars
from tieout.core.periods import days_between
from tieout.savings.context import WeekContext
from tieout.savings.daily_work import DailyWork
from tieout.savings.days import BaselinePeriod
from tieout.savings.disagreement import WitnessKind
from tieout.savings.error_bars import CostBar
from tieout.savings.replay_days import ContainerTime
from tieout.savings.replay_period import ReplayedDay
from tieout.savings.status import Status
from tieout.savings.week import WeekMeasurement, measure_week

PAGE = Path(__file__).parents[3] / "docs" / "method.md"
BASELINE = BaselinePeriod(dt.date(2026, 10, 5), dt.date(2026, 10, 19))
STAYED = 3
SECOND = 1_000_000


def is_weekend(day: dt.date) -> bool:
    return day.isoweekday() > 5


def baseline_day(position: int, day: dt.date) -> DailyWork:
    """100 calls for $22, on a weekend 50 for $12, thirty cents up and down."""
    calls, cost = (50, Decimal(12)) if is_weekend(day) else (100, Decimal(22))
    return day_of_work(day, calls, str(cost + Decimal("0.3") * (position % 3 - 1)))


def measured_day(position: int, day: dt.date) -> list[DailyWork]:
    """110 calls, on a weekend 55, at 8 cents; on three days 22 of them still on the old app, at 21, 22 and 23 cents."""
    calls = 55 if is_weekend(day) else 110
    stayed = 22 if position < STAYED else 0
    moved = day_of_work(day, calls - stayed, str((calls - stayed) * Decimal("0.08")), phase="phase-1")
    return (
        [moved, day_of_work(day, stayed, str(stayed * (Decimal("0.21") + Decimal("0.01") * position)))]
        if stayed
        else [moved]
    )


def replayed(day: dt.date, seconds: int) -> tuple[tuple[str, dt.date], ReplayedDay]:
    return (GENERATE, day), ReplayedDay(ContainerTime(0, seconds * SECOND, 0, 0), 0.0, str(day))


def measured(error_bars: Sequence[CostBar] = ()) -> WeekMeasurement:
    before, after = days_between(BASELINE.start, BASELINE.end), FIRST_WEEK.days()
    old = [replayed(day, 1200 if is_weekend(day) else 2200) for day in before]
    new = [replayed(day, 1300 if is_weekend(day) else 2380) for day in after]
    work = [baseline_day(position, day) for position, day in enumerate(before)]
    work += [value for position, day in enumerate(after) for value in measured_day(position, day)]
    return measure_week(
        FIRST_WEEK,
        work,
        programme=PROGRAMME,
        baseline=BASELINE,
        landed={value.day for value in work},
        contradictions={},
        context=WeekContext(replays=dict([*old, *new]), error_bars=error_bars),
    )


@pytest.fixture(scope="module")
def week() -> WeekMeasurement:
    return measured()


def figures(week: WeekMeasurement) -> dict[str, str]:
    """The figures of the page by what they are."""
    function = week.function(GENERATE)
    model, width, testimony = function.model, function.half_width, week.testimony
    assert model is not None
    assert width is not None
    assert function.avoided is not None
    assert testimony is not None
    own = {each.kind: each for each in testimony.witnesses}
    said = {
        f"{kind.value} {what}": format_usd(getattr(own[kind], f"{what}_usd"))
        for kind in WitnessKind
        for what in ("saving", "half_width")
    }
    return said | {
        "standing": f"{float(model.standing_share):.1%}",
        "a day": format_usd(round_picodollars(model.usd_per_day)),
        "a call": f"${float(model.usd_per_call):.4f}",
        "counterfactual": format_usd(function.avoided.counterfactual_usd),
        "actual": format_usd(function.avoided.actual_usd),
        "avoided": format_usd(function.avoided.avoided_usd),
        "scatter": format_usd(width.scatter_usd),
        "shape": format_usd(width.shape_usd),
        "disagreement": format_usd(width.disagreement_usd),
        "half-width": format_usd(width.half_width_usd),
    }


def test_every_figure_of_the_page_is_what_the_method_says(week: WeekMeasurement) -> None:
    text = PAGE.read_text(encoding="utf-8")
    section = " ".join(text[text.index("### A worked week") : text.index("### What it refuses to say")].split())
    missing = {what: figure for what, figure in figures(week).items() if figure not in section}
    assert not missing


def test_the_worked_week_is_verified(week: WeekMeasurement) -> None:
    assert week.judgement.status is Status.VERIFIED
    assert week.judgement.reasons == ()


def test_a_neighbour_that_may_be_off_leaves_as_much_of_the_function_open() -> None:
    costs = {BASELINE.start: "133.70", BASELINE.start + dt.timedelta(weeks=1): "134.00", FIRST_WEEK.start: "62.04"}
    bars = [
        CostBar("app", owner, monday, cost, cost - off, cost + off)
        for monday, usd in costs.items()
        for owner, cost, off in ((GENERATE, Decimal(usd), Decimal(5)), (None, Decimal(10), Decimal("0.50")))
    ]
    width = measured(bars).function(GENERATE).half_width
    assert width is not None
    assert format_usd(width.attribution_usd) == "$0.74"
    assert format_usd(width.half_width_usd) == "$2.24"
