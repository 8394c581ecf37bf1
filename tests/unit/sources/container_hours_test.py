"""The hours of containers, against a count of every microsecond that an input ran."""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.landing_folder import CALL, CALLS, LandingFolder
from tieout.sources import container_hours as hours
from tieout.sources.container_hours import HOUR_US, LONGEST_INPUT_US, container_hours

Input = tuple[int, int, int, int | None, int | None]
NAMES = ("file_id", "container_key", "started_us", "ended_us", "placed_us")
TYPES = (pa.int32(), pa.int32(), pa.int64(), pa.int64(), pa.int64())
START = 490_000 * HOUR_US


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    with LandingFolder(tmp_path) as folder:
        yield folder


def table_of(inputs: list[Input]) -> pa.Table:
    columns = list(zip(*inputs, strict=True)) if inputs else [()] * len(NAMES)
    return pa.table({name: pa.array(c, kind) for name, c, kind in zip(NAMES, columns, TYPES, strict=True)})


@st.composite
def inputs_of_logs(draw: st.DrawFn) -> list[Input]:
    """Inputs in quarters of an hour and single microseconds, so that ends, starts and hours meet."""
    inputs: list[Input] = []
    for _ in range(draw(st.integers(0, 12))):
        started = START + draw(st.integers(0, 20)) * (HOUR_US // 4) + draw(st.sampled_from([0, 0, 1, -1]))
        lasted = draw(st.integers(0, 12)) * (HOUR_US // 4) + draw(st.sampled_from([0, 0, 1]))
        longer = draw(st.sampled_from([0] * 8 + [LONGEST_INPUT_US - lasted, LONGEST_INPUT_US]))
        startup = draw(st.none() | st.integers(0, HOUR_US))
        ended = None if draw(st.integers(0, 15)) == 0 else started + lasted + longer
        placed = None if startup is None else started - startup
        inputs.append((draw(st.integers(1, 2)), draw(st.integers(1, 3)), started, ended, placed))
    return inputs


def expected(inputs: list[Input]) -> list[dict[str, Any]]:
    """The same by brute force: stretches between all starts and ends, each busy or not."""
    by_log: dict[tuple[int, int], list[Input]] = defaultdict(list)
    for one in inputs:
        by_log[one[:2]].append(one)
    rows = []
    for (file_id, container_key), of_log in sorted(by_log.items()):
        is_told = all(end is not None and end - start <= LONGEST_INPUT_US for *_, start, end, _ in of_log)
        busy = _busy_by_hour([(start, end) for *_, start, end, _ in of_log if end is not None]) if is_told else {}
        for hour in sorted({one[2] // HOUR_US for one in of_log} | set(busy)):
            of_hour = [one for one in of_log if one[2] // HOUR_US == hour]
            placed = [one[4] for one in of_hour if one[4] is not None]
            rows.append(
                {
                    "file_id": file_id,
                    "container_key": container_key,
                    "hour": hour * HOUR_US,
                    "inputs": len(of_hour),
                    "first_started_at": min((one[2] for one in of_hour), default=None),
                    "last_ended_at": max((one[2] if one[3] is None else one[3] for one in of_hour), default=None),
                    "startup_began_at": min([one[2] for one in of_hour] + placed, default=None),
                    "placed_at": min(placed, default=None),
                    "busy_us": busy.get(hour, 0) if is_told else None,
                }
            )
    return rows


def _busy_by_hour(stretches: list[tuple[int, int]]) -> dict[int, int]:
    bounds = {bound for stretch in stretches for bound in stretch}
    bounds |= {hour * HOUR_US for start, end in stretches for hour in range(start // HOUR_US, end // HOUR_US + 1)}
    ordered = sorted(bounds)
    busy: dict[int, int] = defaultdict(int)
    for since, until in itertools.pairwise(ordered):
        if any(start <= since and until <= end for start, end in stretches):
            busy[since // HOUR_US] += until - since
    return busy


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    times = [name for name in table.column_names if name.endswith("_at") or name == "hour"]
    for name in times:
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.int64()))
    return list(table.to_pylist())


@settings(deadline=None)
@given(inputs_of_logs())
def test_hours_are_those_of_a_count_of_every_stretch(inputs: list[Input]) -> None:
    assert rows_of(container_hours(table_of(inputs))) == expected(inputs)


@settings(deadline=None)
@given(inputs_of_logs(), st.sampled_from([(1, 1 << 16), (1 << 62, 1), (1 << 62, 2), (1, 3)]))
def test_hours_do_not_depend_on_how_many_inputs_are_summed_up_at_once(
    inputs: list[Input], at_once: tuple[int, int]
) -> None:
    before = hours._ROOM, hours._INPUTS_AT_ONCE
    try:
        hours._ROOM, hours._INPUTS_AT_ONCE = at_once
        assert rows_of(container_hours(table_of(inputs))) == expected(inputs)
    finally:
        hours._ROOM, hours._INPUTS_AT_ONCE = before


def test_inputs_that_run_at_once_are_counted_once() -> None:
    [row] = rows_of(container_hours(table_of([(1, 1, START, START + 100, None), (1, 1, START + 50, START + 80, None)])))
    assert (row["inputs"], row["busy_us"], row["last_ended_at"]) == (2, 100, START + 100)


def test_an_input_across_hours_is_busy_in_each_and_started_in_one() -> None:
    rows = rows_of(container_hours(table_of([(1, 1, START + HOUR_US - 10, START + 2 * HOUR_US + 5, None)])))
    assert [(row["inputs"], row["busy_us"]) for row in rows] == [(1, 10), (0, HOUR_US), (0, 5)]


def test_a_log_is_summed_up_when_it_is_loaded(folder: LandingFolder) -> None:
    failed: dict[str, Any] = {
        "started_at": None,
        "execution_time_seconds": None,
        "startup_time_seconds": None,
        "status": "init failure",
    }
    pending = failed | {"container_id": None, "status": "pending"}
    folder.put(
        f"{CALLS}/2026-11-02.json", [CALL, CALL | failed, CALL | failed | {"container_id": "ta-x"}, CALL | pending]
    )
    folder.load()
    assert folder.rows(
        """
        select hour::varchar, inputs, first_started_at::varchar, last_ended_at::varchar, startup_began_at::varchar,
            busy_us, failures, failing_since::varchar
        from raw.container_hours order by container_key
        """
    ) == [
        (
            "2026-11-02 00:00:00",
            1,
            "2026-11-02 00:00:41.5",
            "2026-11-02 00:01:54.874438",
            "2026-11-02 00:00:01.25",
            73374438,
            1,
            "2026-11-02 00:00:00.123456",
        ),
        ("2026-11-02 00:00:00", 0, None, None, None, 0, 1, "2026-11-02 00:00:00.123456"),
    ]


def test_logs_of_an_earlier_version_are_summed_up_by_the_next_load_some_containers_at_a_time(
    folder: LandingFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: dict[str, Any] = {
        "started_at": None,
        "execution_time_seconds": None,
        "startup_time_seconds": None,
        "status": "init failure",
    }
    for day in range(1, 5):
        served = [CALL | {"container_id": f"ta-{day % 3}-{n}"} for n in range(day)]
        folder.put(f"{CALLS}/2026-11-{day:02}.json", [*served, CALL | failed | {"container_id": f"ta-failed-{day}"}])
    folder.load()
    before = folder.rows("select * from raw.container_hours order by all")
    folder.con.execute("delete from raw.container_hours")
    monkeypatch.setattr(hours, "_CALLS_AT_ONCE", 2)
    folder.load()
    assert len(before) == 14
    assert folder.rows("select * from raw.container_hours order by all") == before
