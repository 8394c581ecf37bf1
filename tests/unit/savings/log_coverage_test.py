"""A missing call log is told from a day without calls, as far as that can be told."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from tieout.core.periods import day_start, days_between
from tieout.savings.log_coverage import LogRange, days_billed_without_log, days_without_log

DAYS = days_between(dt.date(2026, 10, 5), dt.date(2026, 10, 26))
HOLE = DAYS[8:12]
_DAY = dt.timedelta(days=1)


def pulled(day: dt.date) -> LogRange:
    return LogRange(day_start(day), day_start(day + _DAY), is_pulled=True)


def by_hand(day: dt.date) -> LogRange:
    """A file dropped by hand: it speaks from its first call to its last."""
    return LogRange(day_start(day) + dt.timedelta(hours=6), day_start(day) + dt.timedelta(hours=22), is_pulled=False)


def calls(days: Iterable[dt.date], count: int = 100) -> dict[dt.date, int]:
    return dict.fromkeys(days, count)


KEPT = [day for day in DAYS if day not in HOLE]


# Pulled logs


def test_days_between_two_pulls_are_missing_whether_the_function_is_called_often_or_not() -> None:
    logs = [pulled(day) for day in KEPT]
    assert days_without_log(logs, calls(KEPT)) == tuple(HOLE)
    assert days_without_log(logs[::-1], {}) == tuple(HOLE)


def test_a_pull_that_found_no_call_is_a_log() -> None:
    assert days_without_log([pulled(day) for day in DAYS], calls(KEPT)) == ()


def test_a_day_of_which_modal_had_forgotten_a_part_is_missing() -> None:
    rest = LogRange(day_start(HOLE[0]) + dt.timedelta(hours=14), day_start(HOLE[0] + _DAY), is_pulled=True)
    logs = [*(pulled(day) for day in DAYS if day != HOLE[0]), rest]
    assert days_without_log(logs, calls(DAYS)) == (HOLE[0],)


def test_an_hour_between_two_pulls_is_no_missing_day() -> None:
    rest = LogRange(day_start(HOLE[0]) + dt.timedelta(hours=1), day_start(HOLE[0] + _DAY), is_pulled=True)
    logs = [*(pulled(day) for day in DAYS if day != HOLE[0]), rest]
    assert days_without_log(logs, calls(DAYS)) == ()


def test_one_long_pull_speaks_for_the_days_that_shorter_ones_leave_out() -> None:
    whole = LogRange(day_start(DAYS[0]), day_start(DAYS[-1] + _DAY), is_pulled=True)
    assert days_without_log([whole, *(pulled(day) for day in KEPT)], calls(DAYS)) == ()


# Logs by hand


def test_whole_days_that_a_busy_function_lacks_are_missing() -> None:
    assert days_without_log([by_hand(day) for day in KEPT], calls(KEPT)) == tuple(HOLE)


def test_a_function_that_is_called_now_and_then_lacks_nothing() -> None:
    seldom = DAYS[::3]
    assert days_without_log([by_hand(day) for day in seldom], calls(seldom)) == ()
    assert days_without_log([by_hand(day) for day in KEPT], calls(KEPT, 3)) == ()


def test_a_function_that_rests_at_weekends_lacks_nothing() -> None:
    weekdays = [day for day in DAYS if day.isoweekday() < 6]
    assert days_without_log([by_hand(day) for day in weekdays], calls(weekdays)) == ()


def test_the_nights_between_logs_by_hand_are_no_hole() -> None:
    assert days_without_log([by_hand(day) for day in DAYS], calls(DAYS)) == ()


def test_a_few_days_prove_no_habit() -> None:
    few = [day for day in DAYS[5:15] if day not in HOLE]
    assert days_without_log([by_hand(day) for day in few], calls(few)) == ()


# The end


def test_a_busy_function_that_lags_behind_its_app_lacks_the_last_days() -> None:
    logs, end = [pulled(day) for day in DAYS[:-2]], day_start(DAYS[-1] + _DAY)
    assert days_without_log(logs, calls(DAYS[:-2]), expected_until=end) == tuple(DAYS[-2:])
    assert days_without_log(logs, calls(DAYS[:-10]), expected_until=end) == ()
    assert days_without_log(logs, calls(DAYS[:-2])) == ()


def test_without_a_log_nothing_is_known_to_be_missing() -> None:
    assert days_without_log([], {}, expected_until=day_start(DAYS[-1])) == ()


# The beginning


def test_a_busy_function_that_begins_after_its_app_lacks_the_first_days() -> None:
    logs, start = [pulled(day) for day in DAYS[2:]], day_start(DAYS[0])
    assert days_without_log(logs, calls(DAYS[2:]), expected_from=start) == tuple(DAYS[:2])
    assert days_without_log(logs, calls(DAYS[10:]), expected_from=start) == ()
    assert days_without_log(logs, calls(DAYS[2:])) == ()


# The bill of the app


def bill(usd: str = "10") -> dict[dt.date, Decimal]:
    return dict.fromkeys(DAYS, Decimal(usd))


def test_days_that_are_billed_before_the_first_log_of_an_app_and_after_its_last_lack_theirs() -> None:
    assert days_billed_without_log(map(pulled, DAYS[3:-2]), bill()) == (*DAYS[:3], *DAYS[-2:])
    assert days_billed_without_log(map(by_hand, DAYS[3:-2]), bill()) == (*DAYS[:3], *DAYS[-2:])
    assert days_billed_without_log(map(pulled, DAYS), bill()) == ()


def test_the_first_day_of_which_modal_had_forgotten_a_part_lacks_its_log_too() -> None:
    rest = LogRange(day_start(DAYS[0]) + dt.timedelta(hours=14), day_start(DAYS[0] + _DAY), is_pulled=True)
    assert days_billed_without_log([rest, *map(pulled, DAYS[1:])], bill()) == (DAYS[0],)
    assert days_billed_without_log(map(by_hand, DAYS), bill()) == ()


def test_a_day_that_was_hardly_billed_needs_no_log() -> None:
    quiet = {**bill(), DAYS[0]: Decimal("0.99"), DAYS[1]: Decimal("1.00"), DAYS[-1]: Decimal("-10")}
    assert days_billed_without_log(map(pulled, DAYS[2:-1]), quiet) == (DAYS[1],)


def test_an_app_without_any_log_lacks_it_on_every_day_that_it_was_billed() -> None:
    assert days_billed_without_log([], {**bill(), DAYS[0]: Decimal(0)}) == tuple(DAYS[1:])
