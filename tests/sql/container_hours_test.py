"""Usage from the hours of containers is, row for row, usage from their calls.

Both sides are built from the same logs: once as they were summed up, and once with every `busy_us` forgotten, so that
the calls of all containers are laid over one another.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.empty_warehouse import open_empty_warehouse
from tests.support.usage import MONDAY, all_rows, build_usage, configure
from tieout.sources import container_hours

DAY, MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)
FUNCTIONS = ("f", "g")


@pytest.fixture(scope="module")
def empty_warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_empty_warehouse() as con:
        configure(con, "a", dict.fromkeys(FUNCTIONS, 1))
        yield con


Log = tuple[str, int, int, int, list[tuple[Any, ...]]]


@st.composite
def logs(draw: st.DrawFn, *, fewest: int = 1) -> list[Log]:
    """Logs of a day or two, which may overlap or come late: function, first day, days, hour of the pull, calls."""
    found = []
    for _ in range(draw(st.integers(fewest, 5))):
        first, days = draw(st.integers(-2, 6)), draw(st.integers(1, 3))
        calls = []
        for _ in range(draw(st.integers(0, 8))):
            enqueued = MONDAY + first * DAY + draw(st.integers(0, days * 96 - 1)) * 15 * MINUTE
            waited = draw(st.sampled_from([0, 0, 1, 30, 600])) * MINUTE
            started = None if draw(st.integers(0, 7)) == 0 else enqueued + waited
            minutes = draw(st.sampled_from([0, 1, 15, 15, 59, 60, 200, 1439, 1440, 2000]))
            status = draw(st.sampled_from(["success", "success", "failure", "running", "init failure", "pending"]))
            execution = None if status in ("running", "pending") or started is None else minutes * 60_000_000
            startup = draw(st.sampled_from([None, None, 5_000_000]))
            calls.append((draw(st.integers(1, 4)), enqueued, started, startup, execution, status))
        found.append((draw(st.sampled_from(FUNCTIONS)), first, days, draw(st.integers(0, 30)), calls))
    return found


def land(con: duckdb.DuckDBPyConnection, landed: list[Log]) -> None:
    """Put logs into the raw tables, as a load does."""
    land_containers(con)
    for file_id, log in enumerate(landed, start=1):
        land_log(con, file_id, log)
    container_hours.insert(con, 0, len(landed))


def land_containers(con: duckdb.DuckDBPyConnection) -> None:
    """Number the containers that logs name: of the first two it is known when they were created."""
    con.execute(
        "insert into raw.containers select k, 'ta-' || k, null from range(1, 5) as r (k) where k > 2 union all "
        "select k, 'ta-' || k, timestamp '2026-11-01 12:00:00' from range(1, 3) as r (k)"
    )


def land_log(con: duckdb.DuckDBPyConnection, file_id: int, log: Log) -> None:
    """Put the calls of a log into the raw tables, without the hours of its containers."""
    function, first, days, read, calls = log
    times = [call[1] for call in calls]
    con.execute(
        "insert into raw.files by name select $1 as file_id, 'function_calls' as source, $1::varchar as sha256, "
        "'a' as app, $2 as function, $3::timestamp as content_start, $4::timestamp as content_end",
        [file_id, function, min(times, default=None), max(times) + dt.timedelta(microseconds=1) if times else None],
    )
    since, until = MONDAY + first * DAY, MONDAY + (first + days) * DAY
    con.execute(
        "insert into raw.deliveries by name select $1 as file_id, 'p' as path, $2::timestamp as fetched_at, "
        "$3::timestamp as range_start, $4::timestamp as range_end, true as has_sidecar",
        [file_id, until + read * 60 * MINUTE, since, until],
    )
    for number, (key, enqueued, started, startup, execution, status) in enumerate(calls, start=1):
        con.execute(
            "insert into raw.function_calls by name select $1 as file_id, $2 as row_number, 'fc' as "
            "function_call_id, $3 as container_key, $4::timestamp as enqueued_at, $5::timestamp as started_at, "
            "$6::bigint as startup_us, $7::bigint as execution_us, $8 as status",
            [file_id, number, key, enqueued, started, startup, execution, status],
        )


@pytest.mark.slow
@pytest.mark.all_threads
@settings(deadline=None, max_examples=8)
@given(logs())
def test_usage_from_hours_is_usage_from_calls(empty_warehouse: duckdb.DuckDBPyConnection, landed: list[Log]) -> None:
    con = empty_warehouse
    con.execute("begin")
    try:
        land(con, landed)
        from_hours = build_usage(con, all_rows)
        con.execute("update raw.container_hours set busy_us = null")
        from_calls = build_usage(con, all_rows)
    finally:
        con.execute("rollback")
    assert from_hours == from_calls
