"""The replay of arrivals through a configuration, against containers that a person can follow by hand."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tieout.savings.replay import Arrivals, ContainerLives, ContainerModel, replay
from tieout.savings.replay_days import ContainerTime, container_time
from tieout.savings.saving_terms import ContainerRates

SECOND = 1_000_000
DAY = 86_400 * SECOND
MINUTE_WINDOW = ContainerModel(window_us=60 * SECOND)


def seconds(values: Sequence[float]) -> np.ndarray:
    return np.array([round(value * SECOND) for value in values], dtype=np.int64)


def run(
    enqueued: Sequence[float],
    model: ContainerModel = MINUTE_WINDOW,
    *,
    execution: float = 10,
    startup: float = 5,
    until: float = 86_400,
) -> ContainerLives:
    arrivals = Arrivals(seconds(enqueued), seconds([execution] * len(enqueued)), seconds([startup] * len(enqueued)))
    return replay(arrivals, model, start_us=0, end_us=round(until * SECOND))


def spans(lives: ContainerLives) -> list[tuple[float, float]]:
    """From creation to stop of every container, in seconds."""
    return [
        (created / SECOND, stopped / SECOND)
        for created, stopped in zip(lives.created_us.tolist(), lives.stopped_us.tolist(), strict=True)
    ]


def time_of(lives: ContainerLives, *edges: float) -> tuple[ContainerTime, ...]:
    return container_time(lives, [round(edge * SECOND) for edge in edges])


def test_one_input_is_start_up_execution_and_its_window() -> None:
    [time] = time_of(run([100]), 0, 86_400)
    assert (time.startup_us, time.execution_us, time.idle_us, time.warm_us) == (5 * SECOND, 10 * SECOND, 60 * SECOND, 0)


def test_an_input_within_the_window_goes_to_the_container_that_waits() -> None:
    lives = run([100, 174])
    assert spans(lives) == [(100, 174 + 10 + 60)]
    assert time_of(lives, 0, 86_400)[0].idle_us == (59 + 60) * SECOND


def test_an_input_after_the_window_starts_a_container_of_its_own() -> None:
    assert spans(run([100, 176])) == [(100, 175), (176, 251)]


def test_a_waiting_input_takes_what_is_free_first() -> None:
    # The second input starts a container at 112, ready at 117; the first one's is free at 115 and takes it.
    lives = run([100, 112])
    assert spans(lives) == [(100, 115 + 10 + 60), (112, 117 + 60)]
    assert lives.has_served.tolist() == [True, False]
    assert time_of(lives, 0, 86_400)[0].warm_us == 65 * SECOND


def test_the_container_that_was_used_last_serves_first() -> None:
    # Two at 100; one input every 30 s afterwards keeps one of them, and the other stops.
    assert spans(run([100, 100, 130, 160, 190])) == [(100, 175), (100, 260)]


def test_no_more_containers_than_the_bound() -> None:
    bounded = replace(MINUTE_WINDOW, max_containers=1)
    assert spans(run([100, 100, 100], bounded)) == [(100, 105 + 30 + 60)]


def test_concurrent_inputs_share_a_container_and_its_time() -> None:
    lives = run([100, 100, 108], replace(MINUTE_WINDOW, concurrent_inputs=3))
    assert spans(lives) == [(100, 118 + 60)]
    assert time_of(lives, 0, 86_400)[0].execution_us == 13 * SECOND


def test_more_inputs_than_slots_start_another_container() -> None:
    assert len(spans(run([100] * 5, replace(MINUTE_WINDOW, concurrent_inputs=2)))) == 3


def test_a_single_use_container_ends_with_its_input() -> None:
    assert spans(run([100, 116], replace(MINUTE_WINDOW, single_use=True))) == [(100, 115), (116, 131)]


def test_the_floor_lives_without_inputs() -> None:
    lives = run([], replace(MINUTE_WINDOW, min_containers=2))
    assert spans(lives) == [(0, 86_400)] * 2
    assert time_of(lives, 0, 86_400)[0].warm_us == 2 * DAY


def test_the_floor_serves_and_only_what_exceeds_it_stops() -> None:
    # The floor is idle from 110, the other from 115: the first window that ends takes one, then one is left.
    assert spans(run([100, 100], replace(MINUTE_WINDOW, min_containers=1), until=1000)) == [(0, 170), (100, 1000)]


def test_a_busy_function_keeps_its_buffer() -> None:
    lives = run([100], replace(MINUTE_WINDOW, buffer_containers=1), execution=600)
    # Busy from 105 to 705. The buffer is ready at 110 and stops with the first window that ends when nothing runs.
    assert spans(lives) == [(100, 765), (105, 710)]


def test_days_share_a_stretch_at_midnight() -> None:
    first, second = time_of(run([86_390], until=2 * 86_400), 0, 86_400, 2 * 86_400)
    assert (first.startup_us, first.execution_us, first.idle_us) == (5 * SECOND, 5 * SECOND, 0)
    assert (second.startup_us, second.execution_us, second.idle_us) == (0, 5 * SECOND, 60 * SECOND)


def test_what_still_lives_at_the_end_is_cut_there() -> None:
    assert spans(run([100], until=110)) == [(100, 110)]
    assert time_of(run([100], until=110), 0, 86_400)[0].execution_us == 5 * SECOND
    assert time_of(run([100], until=103), 0, 86_400)[0].warm_us == 3 * SECOND


def test_cost_is_the_price_of_a_second_times_the_seconds_rounded_once() -> None:
    rates = ContainerRates(Fraction(1, 3), Fraction(1, 1000), Fraction(0))
    time = ContainerTime(SECOND, SECOND, SECOND, 0)
    assert time.cost_usd(rates) == Decimal("1.003000000000")


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="one entry for every input"):
        Arrivals(seconds([1, 2]), seconds([1]), seconds([1, 2]))
    with pytest.raises(ValueError, match="ascending"):
        Arrivals(seconds([2, 1]), seconds([1, 1]), seconds([1, 1]))


_models = st.builds(
    ContainerModel,
    window_us=st.sampled_from([0, 1, 30 * SECOND]),
    min_containers=st.integers(0, 2),
    max_containers=st.sampled_from([None, 3]),
    buffer_containers=st.integers(0, 2),
    concurrent_inputs=st.sampled_from([1, 3]),
    single_use=st.booleans(),
)


@given(st.lists(st.integers(0, 3600), max_size=40), _models, st.integers(0, 90))
@settings(max_examples=200, deadline=None)
def test_every_input_runs_once_and_containers_keep_their_bounds(
    enqueued: list[int], model: ContainerModel, execution: int
) -> None:
    # Long enough that even one container at a time has served all of them.
    lives = run(sorted(enqueued), model, execution=execution, until=20_000)
    slots = 1 if model.single_use else model.concurrent_inputs
    busy = int((lives.busy_until_us - lives.busy_from_us).sum())
    work = len(enqueued) * execution * SECOND
    assert work / slots <= busy <= work
    assert np.all((lives.created_us <= lives.ready_us) & (lives.ready_us <= lives.stopped_us))
    edges = np.unique(np.concatenate([lives.created_us, lives.stopped_us]))
    alive = [int(((lives.created_us <= at) & (at < lives.stopped_us)).sum()) for at in edges[edges < 20_000 * SECOND]]
    assert max(alive, default=0) <= (model.max_containers or 10**9)
    assert min(alive, default=model.min_containers) >= (0 if model.single_use else model.min_containers)
    parts = time_of(lives, 0, 5000, 20_000)
    assert sum(part.total_us for part in parts) == int((lives.stopped_us - lives.created_us).sum())


def test_a_day_replayed_alone_after_a_warm_up_is_the_day_of_the_whole() -> None:
    random = np.random.default_rng(7)
    enqueued = np.sort(random.integers(0, 2 * DAY, 4000))
    whole = Arrivals(enqueued, random.integers(1, 30 * SECOND, 4000), random.integers(1, 9 * SECOND, 4000))
    since = DAY - 3600 * SECOND
    late = enqueued >= since
    part = Arrivals(whole.enqueued_us[late], whole.execution_us[late], whole.startup_us[late])
    of_whole = container_time(replay(whole, MINUTE_WINDOW, start_us=0, end_us=2 * DAY), [DAY, 2 * DAY])
    assert container_time(replay(part, MINUTE_WINDOW, start_us=since, end_us=2 * DAY), [DAY, 2 * DAY]) == of_whole
