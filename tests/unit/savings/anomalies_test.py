"""Anomalies: a day is unusual against the function's own history, and a saving is none."""

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest

from tieout.savings.anomalies import LEAST_DAYS, Anomaly, find_anomalies

MONDAY = dt.date(2026, 9, 21)
CODE = "generate_code_modal"


def day(number: int) -> dt.date:
    return MONDAY + dt.timedelta(days=number)


def spend(days: int, *, usual: str = "60", weekend: str | None = None, seed: int = 1) -> dict[dt.date, Decimal]:
    """A daily cost that moves by a few percent, and may be another at weekends."""
    luck = random.Random(seed)
    costs = {}
    for number in range(days):
        level = Decimal(weekend if weekend is not None and day(number).weekday() >= 5 else usual)
        costs[day(number)] = level * Decimal(luck.randint(950, 1050)) / 1000
    return costs


def anomalies(
    costs: Mapping[dt.date, Decimal],
    *,
    judged: Sequence[dt.date] | None = None,
    landed: Sequence[dt.date] | None = None,
    changes: Sequence[dt.date] = (),
    calls: Mapping[dt.date, int] | None = None,
) -> tuple[Anomaly, ...]:
    last = max(costs)
    return find_anomalies(
        {CODE: costs},
        calls={CODE: calls} if calls else {},
        landed=landed or list(costs),
        judged=judged or [last],
        changes={CODE: changes},
    )


def test_a_day_like_the_others_is_none() -> None:
    costs = spend(56)
    assert anomalies(costs, judged=list(costs)) == ()


@pytest.mark.parametrize(("times", "sign"), [("2", 1), ("3", 1), ("0.5", -1)])
def test_a_day_that_costs_far_more_or_less_is_one(times: str, sign: int) -> None:
    costs = spend(57)
    costs[day(56)] *= Decimal(times)
    [found] = anomalies(costs)
    assert (found.function, found.day, found.actual_usd) == (CODE, day(56), costs[day(56)])
    assert 57 < found.expected_usd < 63
    assert found.ratio == pytest.approx(float(times), rel=0.1)
    assert found.deviations * sign > 3


def test_a_weekend_is_held_against_weekends() -> None:
    costs = spend(56, weekend="5")
    assert anomalies(costs, judged=[day(54), day(55)]) == ()
    costs[day(55)] = Decimal(60)
    [found] = anomalies(costs, judged=[day(54), day(55)])
    assert found.is_weekday
    assert found.compared_days == 7


def test_with_few_weekdays_it_is_held_against_all_days() -> None:
    costs = spend(19)
    costs[day(18)] *= 3
    [found] = anomalies(costs)
    assert not found.is_weekday
    assert found.compared_days == 14, "the working days"


def test_the_second_weekend_is_held_against_the_first() -> None:
    costs = spend(14, weekend="30")
    assert anomalies(costs, judged=[day(12), day(13)]) == ()
    costs[day(13)] = Decimal(60)
    [found] = anomalies(costs, judged=[day(12), day(13)])
    assert (found.day, found.compared_days, found.is_weekday) == (day(13), 3, False)


def test_a_short_history_says_nothing() -> None:
    costs = spend(LEAST_DAYS)
    costs[day(LEAST_DAYS - 1)] *= 100
    assert anomalies(costs) == ()


def test_a_saving_is_no_anomaly() -> None:
    before, after = spend(28), {moment: cost for moment, cost in spend(56, usual="20").items() if moment >= day(28)}
    costs = before | after
    assert anomalies(costs, judged=[day(number) for number in range(28, 56)], changes=[day(28)]) == ()
    assert anomalies(costs, judged=[day(29)])[0].ratio == pytest.approx(1 / 3, rel=0.15)


def test_the_day_of_a_deployment_is_not_judged() -> None:
    costs = spend(29)
    costs[day(28)] *= 5
    assert anomalies(costs, changes=[day(28)]) == ()


def test_one_bad_day_in_the_history_hides_no_other() -> None:
    costs = spend(57)
    for bad in (10, 30):
        costs[day(bad)] *= 10
    costs[day(56)] *= 2
    assert [found.day for found in anomalies(costs)] == [day(56)]


def test_cents_are_no_anomaly() -> None:
    costs = spend(57, usual="0.20")
    costs[day(56)] *= 4
    assert anomalies(costs) == ()


def test_days_without_a_landed_bill_are_neither_judged_nor_history() -> None:
    costs = spend(57)
    costs[day(56)] *= 3
    without = [moment for moment in costs if moment != day(56)]
    assert anomalies(costs, landed=without) == ()
    lacking = [moment for moment in costs if moment >= day(50)]
    assert anomalies(costs, landed=lacking) == ()


def test_a_day_that_costs_nothing_where_something_was_usual_is_one() -> None:
    costs = spend(56)
    [found] = find_anomalies({CODE: costs}, calls={}, landed=[*costs, day(56)], judged=[day(56)], changes={})
    assert found.actual_usd == 0


def test_a_function_that_begins_is_no_anomaly() -> None:
    begun = {moment: cost for moment, cost in spend(56).items() if moment >= day(50)}
    landed = [day(number) for number in range(56)]
    assert find_anomalies({CODE: begun}, calls={}, landed=landed, judged=landed, changes={}) == ()


def test_what_was_free_until_then_has_no_ratio() -> None:
    costs = dict.fromkeys(spend(56), Decimal(0)) | {day(56): Decimal(30)}
    [found] = anomalies(costs)
    assert found.expected_usd == Decimal("0.01")
    assert found.ratio == 3000


def test_honest_days_seldom_raise_an_alarm() -> None:
    luck = random.Random(7)
    alarms = 0
    for _ in range(20):
        costs = {day(n): Decimal(round(60 * luck.lognormvariate(0, 0.15), 2)) for n in range(84)}
        alarms += len(anomalies(costs, judged=[day(n) for n in range(28, 84)]))
    assert alarms <= 20, "20 functions over 8 weeks: less than one alarm a function"


def called(costs: Mapping[dt.date, Decimal], a_day: float, *, seed: int = 3) -> dict[dt.date, int]:
    """Calls that come independently of one another, as many as this on average."""
    luck = random.Random(seed)
    return {moment: sum(luck.random() < a_day / 100 for _ in range(100)) for moment in costs}


def test_a_day_without_any_of_the_few_calls_is_none() -> None:
    calls = called(spend(84), 2.5)
    assert 0 in calls.values()
    costs = {moment: Decimal(4) * count for moment, count in calls.items()}
    assert anomalies(costs, calls=calls, judged=list(costs)) == ()


def test_a_day_without_any_of_many_calls_is_one() -> None:
    calls = called(spend(57), 20) | {day(56): 0}
    [found] = anomalies({moment: Decimal(4) * count for moment, count in calls.items()}, calls=calls)
    assert found.actual_usd == 0


def test_a_job_that_runs_as_often_every_day_is_missed_when_it_does_not() -> None:
    calls = dict.fromkeys(spend(57), 3) | {day(56): 0}
    [found] = anomalies({moment: Decimal(4) * count for moment, count in calls.items()}, calls=calls)
    assert found.actual_usd == 0
