"""A function's days on the old containers: drawn from the baseline, kept by content, sampled where there are many."""

import datetime as dt
from collections.abc import Mapping

import numpy as np

from tieout.savings.replay import ContainerModel
from tieout.savings.replay_days import ContainerTime
from tieout.savings.replay_period import Experience, ReplayedDay, replay_days

SECOND = 1_000_000
DAY_US = 86_400 * SECOND
MONDAY = dt.date(2026, 10, 5)
TUESDAY = dt.date(2026, 10, 6)
START_US = int(dt.datetime(2026, 10, 5, tzinfo=dt.UTC).timestamp()) * SECOND
MODEL = ContainerModel(window_us=60 * SECOND)
TEN_SECONDS = Experience(np.array([10 * SECOND]), np.array([5 * SECOND]))


def arrivals(count: int, days: int = 1, seed: int = 1) -> np.ndarray:
    return START_US + np.sort(np.random.default_rng(seed).integers(0, days * DAY_US, count))


def replayed(
    enqueued: np.ndarray,
    days: Mapping[dt.date, ContainerModel],
    *,
    known: Mapping[str, ReplayedDay] | None = None,
    experience: Experience = TEN_SECONDS,
    most_inputs: int = 10_000,
) -> dict[dt.date, ReplayedDay]:
    return dict(replay_days(enqueued, days, experience, known=known or {}, most_inputs=most_inputs))


def test_a_lonely_input_takes_what_the_baseline_saw_and_its_window() -> None:
    day = replayed(np.array([START_US + 3600 * SECOND]), {MONDAY: MODEL})[MONDAY]
    assert day.time == ContainerTime(5 * SECOND, 10 * SECOND, 60 * SECOND, 0)
    assert day.variance_us2 == 0


def test_a_day_without_inputs_takes_nothing() -> None:
    assert replayed(np.array([], dtype=np.int64), {MONDAY: MODEL})[MONDAY].time.total_us == 0


def test_what_began_the_day_before_is_still_there_after_midnight() -> None:
    late = replayed(np.array([START_US + DAY_US - 20 * SECOND]), {TUESDAY: MODEL})[TUESDAY]
    assert late.time == ContainerTime(0, 0, 55 * SECOND, 0)


def test_a_day_has_the_mean_of_the_baseline_and_not_its_luck() -> None:
    seen = Experience(np.arange(1, 1001) * SECOND // 10, np.array([SECOND]))
    day = replayed(arrivals(500), {MONDAY: ContainerModel(0, single_use=True)}, experience=seen)[MONDAY]
    assert abs(day.time.execution_us / (500 * 50.05 * SECOND) - 1) < 0.002


def test_a_known_day_is_not_replayed_again_and_a_changed_one_is() -> None:
    enqueued = arrivals(200, days=2)
    first = replayed(enqueued, {MONDAY: MODEL, TUESDAY: MODEL})
    marked = {day.content_hash: ReplayedDay(ContainerTime(1, 1, 1, 1), 0.0, day.content_hash) for day in first.values()}
    assert {
        day.time.total_us for day in replayed(enqueued, {MONDAY: MODEL, TUESDAY: MODEL}, known=marked).values()
    } == {4}
    one_more = np.append(enqueued, START_US + 2 * DAY_US - 1)
    again = replayed(one_more, {MONDAY: MODEL, TUESDAY: MODEL}, known=marked)
    assert again[MONDAY].time.total_us == 4
    assert again[TUESDAY].time.total_us > 4


def test_another_configuration_or_experience_is_another_day() -> None:
    enqueued = arrivals(20)
    other = Experience(np.array([11 * SECOND]), TEN_SECONDS.startup_us)
    hashes = {
        replayed(enqueued, {MONDAY: MODEL})[MONDAY].content_hash,
        replayed(enqueued, {MONDAY: ContainerModel(window_us=61 * SECOND)})[MONDAY].content_hash,
        replayed(enqueued, {MONDAY: MODEL}, experience=other)[MONDAY].content_hash,
    }
    assert len(hashes) == 3


def test_a_sample_of_the_hours_is_near_the_whole_and_says_how_near() -> None:
    # Twice as many inputs an hour in the working day, so that hours differ.
    enqueued = np.sort(np.concatenate([arrivals(6000), START_US + np.sort(arrivals(4000, seed=2) - START_US) // 3]))
    whole = replayed(enqueued, {MONDAY: MODEL})[MONDAY]
    sample = replayed(enqueued, {MONDAY: MODEL}, most_inputs=2500)[MONDAY]
    assert sample.variance_us2 > 0
    assert abs(sample.time.total_us - whole.time.total_us) < 3 * sample.variance_us2**0.5
    assert abs(sample.time.total_us / whole.time.total_us - 1) < 0.1
    assert sample == replayed(enqueued, {MONDAY: MODEL}, most_inputs=2500)[MONDAY]
