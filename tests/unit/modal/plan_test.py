import datetime as dt
import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from tieout.modal import plan
from tieout.modal.client import Cause, ModalError
from tieout.modal.plan import (
    by_halves,
    earliest_bill_day,
    first_bill_day,
    handy_length,
    kept_since,
    midnight,
    open_months,
    pages,
    resumed_bill_day,
    retention_risk,
)
from tieout.modal.snapshots import PLAIN, RESOURCES, Range, Snapshot, Subject

MONDAY = dt.date(2026, 11, 2)
DAY, HOUR, SECOND = dt.timedelta(days=1), dt.timedelta(hours=1), dt.timedelta(seconds=1)
WEEK = [MONDAY + i * DAY for i in range(7)]


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def read(start: str, end: str, fetched_at: str, *, open_from: str | None = None, kind: str | None = None) -> Snapshot:
    return Snapshot(
        subject=Subject("function_calls", app="a", function="f"),
        kind=kind,
        range=Range(at(start), at(end)),
        fetched_at=at(fetched_at),
        open_from=None if open_from is None else at(open_from),
        path=Path("calls.json"),
    )


SIX_HOURS = dt.timedelta(hours=6)


def open_days(days: Sequence[dt.date], snapshots: Sequence[Snapshot]) -> list[dt.date]:
    return plan.open_days(days, snapshots, Range(midnight(days[0]), plan.FOREVER), settle_buffer=SIX_HOURS)


def test_with_a_longer_settle_buffer_a_day_stays_open_longer() -> None:
    day = Range(midnight(MONDAY), plan.FOREVER)
    log = read("2026-11-02", "2026-11-03", "2026-11-03T07:00")
    assert plan.open_days([MONDAY], [log], day, settle_buffer=SIX_HOURS) == []
    assert plan.open_days([MONDAY], [log], day, settle_buffer=2 * SIX_HOURS) == [MONDAY]


def test_a_day_that_was_read_after_its_settle_buffer_is_not_asked_for_again() -> None:
    assert open_days([MONDAY], [read("2026-11-02", "2026-11-03", "2026-11-03T06:00")]) == []


def test_a_day_that_was_read_before_it_had_settled_is_asked_for_again() -> None:
    assert open_days([MONDAY], [read("2026-11-02", "2026-11-03", "2026-11-03T05:59")]) == [MONDAY]


def test_a_range_of_days_settles_day_by_day() -> None:
    found = open_days(WEEK, [read("2026-11-02", "2026-11-05T07:00", "2026-11-05T07:00")])
    assert found == WEEK[3:]


def test_the_parts_of_a_day_settle_it_together_and_not_one_alone() -> None:
    morning = read("2026-11-02", "2026-11-02T12:00", "2026-11-04")
    evening = read("2026-11-02T12:00", "2026-11-03", "2026-11-04")
    assert open_days([MONDAY], [evening, morning]) == []
    assert open_days([MONDAY], [evening]) == [MONDAY]
    assert open_days([MONDAY], [morning]) == [MONDAY]


def test_a_day_with_a_call_that_still_ran_is_asked_for_again_but_not_for_ever() -> None:
    running = {"open_from": "2026-11-02T23:50"}
    assert open_days([MONDAY], [read("2026-11-02", "2026-11-03", "2026-11-03T07:00", **running)]) == [MONDAY]
    assert open_days([MONDAY], [read("2026-11-02", "2026-11-03", "2026-11-06T00:00", **running)]) == []


def test_a_running_call_keeps_the_days_before_it_settled() -> None:
    log = read("2026-11-02", "2026-11-05", "2026-11-05T07:00", open_from="2026-11-04T10:00")
    assert open_days(WEEK[:3], [log]) == [WEEK[2]]


def test_a_bill_is_there_when_its_plain_report_is() -> None:
    resources = read("2026-11-02", "2026-11-03", "2026-11-04", kind=RESOURCES)
    plain = read("2026-11-02", "2026-11-03", "2026-11-04", kind=PLAIN)
    assert open_days([MONDAY], [resources]) == [MONDAY]
    assert open_days([MONDAY], [resources, plain]) == []


def test_days_are_asked_for_in_ranges_of_a_week_at_most_up_to_now() -> None:
    days = [MONDAY + i * DAY for i in range(9)]
    now = at("2026-11-10T07:00:05")
    assert pages(days, Range(midnight(MONDAY), now)) == [
        Range(midnight(MONDAY), midnight(MONDAY + 7 * DAY)),
        Range(at("2026-11-09"), now),
    ]


def test_days_that_do_not_touch_are_ranges_of_their_own() -> None:
    within = Range(midnight(MONDAY), at("2026-11-30"))
    assert [str(page) for page in pages([WEEK[0], WEEK[2]], within)] == ["2026-11-02", "2026-11-04"]


def test_nothing_is_asked_for_beyond_now() -> None:
    assert pages([MONDAY], Range(midnight(MONDAY), midnight(MONDAY))) == []


def test_of_the_oldest_day_what_modal_still_has_is_asked_for_once() -> None:
    since = kept_since(at("2026-12-02T07:00"), 30)
    assert since == at("2026-11-02T07:05")
    assert pages([MONDAY], Range(since, at("2026-12-02"))) == [Range(since, at("2026-11-03"))]
    log = read("2026-11-02T07:05", "2026-11-03", "2026-12-02T07:00")
    later = Range(kept_since(at("2026-12-02T09:00"), 30), plan.FOREVER)
    assert plan.open_days([MONDAY], [log], later, settle_buffer=SIX_HOURS) == []


def test_a_day_beyond_what_is_believed_is_asked_for_again() -> None:
    log = read("2026-11-02", "2026-11-09", "2026-11-10")
    assert (
        plan.open_days(WEEK, [log], Range(midnight(MONDAY), at("2026-11-05T01:00")), settle_buffer=SIX_HOURS)
        == WEEK[3:]
    )


def test_what_is_too_much_is_asked_for_in_halves_that_leave_no_gap() -> None:
    answered: list[Range] = []

    def ask(page: Range) -> None:
        if page.end - page.start > dt.timedelta(hours=5):
            raise ModalError(Cause.TOO_MUCH, "Cannot fetch more than 1,000,000 inputs.")
        answered.append(page)

    by_halves(Range(at("2026-11-02"), at("2026-11-05T07:00")), SECOND, ask)
    assert answered[0].start == at("2026-11-02")
    assert answered[-1].end == at("2026-11-05T07:00")
    assert all(before.end == after.start for before, after in itertools.pairwise(answered))


def test_a_range_is_as_long_as_memory_holds_its_calls_by_the_densest_that_has_landed() -> None:
    day = Range(midnight(MONDAY), midnight(MONDAY) + DAY)
    assert handy_length([]) == DAY
    assert handy_length([(day, 3)]) == 7 * DAY
    assert handy_length([(day, 64_000_000)]) == DAY
    assert handy_length([(day, 3), (day, 300_000_000)]) == 5 * HOUR
    assert handy_length([(day, 10**12)]) == HOUR


def test_a_second_that_is_too_much_ends_it_without_trying_all_others() -> None:
    asked: list[Range] = []

    def ask(page: Range) -> None:
        asked.append(page)
        raise ModalError(Cause.TOO_MUCH, "too many inputs")

    with pytest.raises(ModalError):
        by_halves(Range(at("2026-11-02"), at("2026-11-09")), SECOND, ask)
    assert asked[-1].end - asked[-1].start == SECOND
    assert len(asked) < 30


def test_what_is_denied_is_not_asked_for_in_halves() -> None:
    asked: list[Range] = []

    def ask(page: Range) -> None:
        asked.append(page)
        raise ModalError(Cause.DENIED, "no")

    with pytest.raises(ModalError):
        by_halves(Range(at("2026-11-02"), at("2026-11-09")), HOUR, ask)
    assert len(asked) == 1


def test_the_first_pull_reads_the_bill_from_the_month_before() -> None:
    assert first_bill_day(dt.date(2026, 1, 15)) == dt.date(2025, 12, 1)
    assert resumed_bill_day(dt.date(2026, 1, 15), []) == dt.date(2025, 12, 1)


def test_after_a_pause_the_bill_begins_where_it_has_landed_but_no_more_than_13_months_ago() -> None:
    landed = [read("2026-11-01", "2026-11-23T17:00", "2026-11-23T17:00", kind=PLAIN)]
    assert resumed_bill_day(dt.date(2027, 1, 2), landed) == dt.date(2026, 11, 1)
    assert resumed_bill_day(dt.date(2026, 11, 24), landed) == dt.date(2026, 10, 1)
    assert (
        resumed_bill_day(dt.date(2028, 1, 2), landed) == earliest_bill_day(dt.date(2028, 1, 2)) == dt.date(2026, 12, 1)
    )


def test_a_months_summary_is_final_a_week_after_the_month() -> None:
    october = read("2026-10-01", "2026-11-01", "2026-11-08")
    early = read("2026-10-01", "2026-11-01", "2026-11-07T23:59")
    first, last = dt.date(2026, 10, 20), dt.date(2026, 11, 10)
    assert open_months(first, last, [early]) == [dt.date(2026, 10, 1), dt.date(2026, 11, 1)]
    assert open_months(first, last, [october]) == [dt.date(2026, 11, 1)]


def test_calls_that_nobody_pulled_in_time_are_said_to_be_gone() -> None:
    log = [read("2026-10-01", "2026-10-02", "2026-10-02T07:00")]
    assert retention_risk(log, at("2026-10-03T01:00")) is None  # pulled every day, a little later than the day before
    at_risk = retention_risk(log, at("2026-10-10"))
    assert at_risk is not None and "on Team they last until 2026-11-01" in at_risk.sentence
    assert (at_risk.since, at_risk.are_gone) == (at("2026-10-02"), False)
    gone = retention_risk(log, at("2026-11-10"))
    assert gone is not None and "2026-10-02 00:00 to 2026-10-11 00:00 UTC are gone" in gone.sentence
    assert gone.are_gone


def test_before_the_first_pull_nothing_is_at_risk() -> None:
    assert retention_risk([], at("2026-11-10")) is None
