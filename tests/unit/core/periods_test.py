import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.core.ids import created_at, encode
from tieout.core.periods import IsoWeek, day_start, days_between

DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1))


def test_week_46_of_2026_runs_from_the_9th_to_the_15th_of_november() -> None:
    week = IsoWeek.parse("2026-W46")
    assert (week.start, week.end) == (dt.date(2026, 11, 9), dt.date(2026, 11, 16))
    assert week.label == "2026-W46"
    assert week.days()[-1] == dt.date(2026, 11, 15)


def test_the_iso_year_has_53_weeks_only_sometimes() -> None:
    assert IsoWeek.parse("2026-W53").start == dt.date(2026, 12, 28)
    assert IsoWeek.parse("2026-W53").next() == IsoWeek(2027, 1)
    with pytest.raises(ValueError, match="2025 has no week 53"):
        IsoWeek.parse("2025-W53")


@pytest.mark.parametrize("text", ["", "46", "2026-46", "2026-W4", "2026-W46-1", "last week"])
def test_what_is_not_a_week_is_refused_with_the_form_to_use(text: str) -> None:
    with pytest.raises(ValueError, match="2026-W46"):
        IsoWeek.parse(text)


@given(DAYS)
def test_every_day_lies_in_exactly_its_week(day: dt.date) -> None:
    week = IsoWeek.of(day)
    assert week.start <= day < week.end
    assert IsoWeek.parse(week.label) == week
    assert week.next().previous() == week
    assert len(days_between(week.start, week.end)) == 7


def test_a_day_starts_at_midnight_without_an_offset() -> None:
    assert day_start(dt.date(2028, 2, 29)) == dt.datetime.fromisoformat("2028-02-29")


@given(st.integers(1_577_836_800_000, 4_102_444_799_999), st.integers(0, 2**80 - 1))
def test_a_container_id_tells_the_millisecond_it_was_created(milliseconds: int, randomness: int) -> None:
    moment = created_at(encode("ta", milliseconds, randomness))
    assert moment == dt.datetime.fromisoformat("1970-01-01") + dt.timedelta(milliseconds=milliseconds)


@pytest.mark.parametrize(
    "identifier", ["ta-short", "ta-" + "u" * 26, "ta-" + "0" * 26, "01KB1MNAPSD9XH8T7E4VQZ2C5R", ""]
)
def test_older_ids_tell_no_time(identifier: str) -> None:
    assert created_at(identifier) is None


def test_a_ulid_holds_no_more_than_its_bits() -> None:
    with pytest.raises(ValueError, match="48 bits"):
        encode("ta", 2**48, 0)
