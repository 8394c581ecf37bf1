import datetime as dt
import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tieout.catalog.load import load_catalog
from tieout.core.periods import IsoWeek, days_between
from tieout.core.resources import resource_path
from tieout.savings.cumulative import CumulativeDay, WeekClaim, cumulative_avoided
from tieout.savings.daily_work import DailyWork
from tieout.savings.days import BaselinePeriod
from tieout.savings.disagreement import WitnessKind
from tieout.savings.error_bars import CostBar
from tieout.savings.programme import Programme
from tieout.savings.uncertainty import MeasuredVolume, running_half_widths, total_half_width
from tieout.savings.week import WeekMeasurement, measure_week

PROGRAMME = Programme.of(load_catalog(resource_path("catalog")))
GENERATE, EVALUATE = "generate_code_modal", "evaluate_genome_modal"
BASELINE = BaselinePeriod(dt.date(2026, 9, 21), dt.date(2026, 10, 19))
PHASE_1, PHASE_2 = dt.date(2026, 10, 19), dt.date(2026, 11, 2)
END = dt.date(2026, 11, 16)
WEEKS = [IsoWeek.parse(f"2026-W{week}") for week in (43, 44, 45, 46)]
DAYS = days_between(BASELINE.start, END)


def day_of_work(function: str, day: dt.date, calls: int, cost: Decimal, phase: str = "baseline") -> DailyWork:
    return DailyWork(
        function=function,
        phase=phase,
        day=day,
        successful_calls=calls,
        function_calls=calls,
        inputs=calls,
        errors=0,
        timeouts=0,
        ooms=0,
        p50_seconds=9.0,
        p95_seconds=20.0,
        busy_us=calls * 10_000_000,
        container_us=calls * 12_000_000,
        cost_usd=cost,
        gpu_usd=cost,
        cpu_usd=Decimal(0),
        memory_usd=Decimal(0),
        is_settled=True,
    )


def two_phases(seed: int = 1) -> list[DailyWork]:
    """Eight weeks of two functions whose volume and cost go up and down; one gets cheaper in each phase."""
    chance = random.Random(seed)
    work = []
    for day in DAYS:
        for function, deployed in ((GENERATE, PHASE_1), (EVALUATE, PHASE_2)):
            calls = chance.randint(90, 131)
            unit = Decimal("0.0777") if day > deployed else Decimal("0.1931")
            work.append(
                day_of_work(function, day, calls, calls * unit + Decimal(chance.randint(-999_999, 999_999)) / 10**7)
            )
    return work


def measure(work: Sequence[DailyWork], week: IsoWeek, landed: Collection[dt.date] = DAYS) -> WeekMeasurement:
    return measure_week(week, work, programme=PROGRAMME, baseline=BASELINE, landed=landed, contradictions={})


def claims_of(work: Sequence[DailyWork]) -> dict[str, WeekClaim]:
    measured = measure(work, WEEKS[-1]).functions
    return {function.function: WeekClaim(function.model) for function in measured if function.model}


def accumulate(work: Sequence[DailyWork], landed: Iterable[dt.date] = DAYS) -> tuple[CumulativeDay, ...]:
    return cumulative_avoided(work, programme=PROGRAMME, claims=claims_of(work), landed=frozenset(landed), until=END)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), missing=st.sets(st.sampled_from(DAYS[29:]), max_size=9))
def test_the_days_add_up_to_what_every_week_said_of_itself(seed: int, missing: set[dt.date]) -> None:
    work = two_phases(seed)
    landed = [day for day in DAYS if day not in missing]
    days = accumulate(work, landed)
    for week in WEEKS:
        avoided = measure(work, week, landed).avoided_usd
        assert sum((day.avoided_usd for day in days if day.day in week.days()), Decimal(0)) == (avoided or 0)
    if days:
        assert days[-1].cumulative_usd == sum((day.avoided_usd for day in days), Decimal(0))


def test_a_deployment_day_and_a_day_without_its_bill_do_not_count() -> None:
    missing = dt.date(2026, 10, 30)
    days = [day.day for day in accumulate(two_phases(), [day for day in DAYS if day != missing])]
    assert days == [day for day in days_between(dt.date(2026, 10, 20), END) if day not in (missing, PHASE_2)]


def test_a_function_of_the_second_phase_joins_when_that_is_deployed() -> None:
    work = two_phases()
    alone = [value for value in work if value.function == GENERATE]
    for both, one in zip(accumulate(work), accumulate(alone), strict=True):
        assert (both.avoided_usd == one.avoided_usd) == (both.day < PHASE_2)


def test_a_loss_brings_the_cumulative_saving_down() -> None:
    dearer = [replace(v, cost_usd=v.cost_usd * 3) if v.day >= dt.date(2026, 11, 9) else v for v in two_phases()]
    days = accumulate(dearer)
    assert days[-1].avoided_usd < 0
    assert days[-1].cumulative_usd < max(day.cumulative_usd for day in days)


def test_nothing_is_cumulated_before_a_deployment() -> None:
    never = replace(PROGRAMME, phases=())
    work = two_phases()
    assert cumulative_avoided(work, programme=never, claims=claims_of(work), landed=DAYS, until=END) == ()


def test_the_interval_of_the_first_week_is_the_weeks_own() -> None:
    work = two_phases()
    [sunday] = [day for day in accumulate(work) if day.day == dt.date(2026, 10, 25)]
    weekly = measure(work, WEEKS[0]).half_width
    assert sunday.half_width is not None
    assert weekly is not None
    assert float(sunday.half_width.half_width_usd) == pytest.approx(float(weekly.half_width_usd))


def test_the_interval_of_all_days_is_the_estimator_on_all_days_and_no_sum_of_weeks() -> None:
    work = two_phases()
    last = accumulate(work)[-1].half_width
    weekly = [measure(work, week) for week in WEEKS]
    volumes = [
        MeasuredVolume(claim.model, tuple(calls for week in weekly for calls in week.function(name).calls_by_day))
        for name, claim in claims_of(work).items()
    ]
    expected = total_half_width(volumes)
    assert last is not None
    assert expected is not None
    assert float(last.half_width_usd) == pytest.approx(float(expected.half_width_usd))
    apart = sum(float(week.half_width.half_width_usd) for week in weekly if week.half_width)
    together = float(last.half_width_usd)
    assert together != pytest.approx(apart, rel=0.01)


def test_the_interval_grows_with_the_days() -> None:
    widths = [day.half_width.half_width_usd for day in accumulate(two_phases()) if day.half_width]
    assert len(widths) == 26
    assert widths == sorted(widths)


def test_without_a_function_no_interval_grows() -> None:
    assert running_half_widths([]) == []


def test_a_week_without_a_successful_call_adds_nothing() -> None:
    silent = set(WEEKS[1].days())
    work = [
        replace(value, successful_calls=0, cost_usd=Decimal(0)) if value.day in silent else value
        for value in two_phases()
    ]
    days = {value.day: value for value in accumulate(work)}
    assert {days[day].avoided_usd for day in silent} == {Decimal(0)}
    assert days[max(silent)].cumulative_usd == days[min(silent)].cumulative_usd


def test_a_week_at_other_list_prices_has_its_own_counterfactual() -> None:
    work = two_phases()
    claims = claims_of(work)
    dearer = {
        name: WeekClaim(replace(claim.model, usd_per_call=claim.model.usd_per_call * 2))
        for name, claim in claims.items()
    }
    plain = {value.day: value.avoided_usd for value in accumulate(work)}
    mixed = cumulative_avoided(
        work, programme=PROGRAMME, claims=claims, landed=frozenset(DAYS), until=END, earlier={WEEKS[0]: dearer}
    )
    for value in mixed:
        assert (value.avoided_usd == plain[value.day]) == (value.day not in WEEKS[0].days())


def test_the_interval_of_all_weeks_knows_how_far_the_witnesses_are_off_in_all_of_them() -> None:
    work, claims = two_phases(), claims_of(two_phases())
    plain = accumulate(work)

    def doubted(week: IsoWeek, share: str) -> dict[str, WeekClaim]:
        own, model = [v for v in work if v.day in week.days() and v.function == GENERATE], claims[GENERATE].model
        days = [value for value in own if value.day != PHASE_2 and value.day > PHASE_1]
        other = replace(model, usd_per_call=model.usd_per_call * Fraction(share))
        asked = MeasuredVolume(other, tuple(value.successful_calls for value in days))
        return {
            **claims,
            GENERATE: WeekClaim(model, {WitnessKind.REPLAY: asked}),
        }

    def last(shares: Sequence[str]) -> CumulativeDay:
        weeks = {week: doubted(week, share) for week, share in zip(WEEKS, shares, strict=True)}
        claimed = weeks.pop(WEEKS[-1])
        return cumulative_avoided(
            work, programme=PROGRAMME, claims=claimed, landed=frozenset(DAYS), until=END, earlier=weeks
        )[-1]

    calls = sum(value.successful_calls for value in work if value.function == GENERATE and value.day > PHASE_1)
    calls -= sum(value.successful_calls for value in work if value.function == GENERATE and value.day == PHASE_2)
    alike = last(["1.1"] * 4)
    assert alike.cumulative_usd == plain[-1].cumulative_usd
    assert alike.half_width is not None
    assert float(alike.half_width.disagreement_usd) == pytest.approx(
        0.1 * calls * float(claims[GENERATE].model.usd_per_call)
    )
    opposite = last(["1.1", "0.9", "1.1", "0.9"])
    assert opposite.half_width is not None
    assert opposite.half_width.disagreement_usd < alike.half_width.disagreement_usd / 4


def test_the_interval_of_all_weeks_has_the_error_bars_of_the_weeks_so_far() -> None:
    work = two_phases()
    bars = [
        CostBar("app", owner, IsoWeek.of(day).start, Decimal(100), Decimal(90), Decimal(110))
        for owner in (GENERATE, None)
        for day in DAYS[::7]
    ]
    days = cumulative_avoided(
        work, programme=PROGRAMME, claims=claims_of(work), landed=frozenset(DAYS), until=END, error_bars=bars
    )
    open_usd = [value.half_width.attribution_usd for value in days if value.half_width]
    assert open_usd == sorted(open_usd)
    assert open_usd[-1] > 40
