"""Logs that follow each other are read as one stretch, which leaves out the same days as the logs one by one."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tieout.core.periods import day_start
from tieout.measure.log_coverage import _LOGS
from tieout.savings.log_coverage import LogRange, days_billed_without_log, days_without_log
from tieout.sources import create_raw_schema

START = day_start(dt.date(2026, 10, 5))
HOUR = dt.timedelta(hours=1)
UNTIL = START + 20 * 24 * HOUR
RANGES = st.tuples(st.integers(0, 400), st.sampled_from([1, 6, 24, 24, 24, 72]), st.booleans())


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        create_raw_schema(con)
        con.execute("create schema catalog; create table catalog.settings as select 'function_calls' as call_source")
        yield con


def stretches(con: duckdb.DuckDBPyConnection, logs: list[LogRange]) -> list[LogRange]:
    con.execute("delete from raw.deliveries; delete from raw.files")
    for number, log in enumerate(logs):
        con.execute(
            "insert into raw.files by name select $number as file_id, 'function_calls' as source, 'a' as app, "
            "'f' as function, $number::varchar as sha256, '' as path, 0 as bytes, 0 as row_count, $at as loaded_at",
            {"number": number, "at": START},
        )
        con.execute(
            "insert into raw.deliveries by name select $number as file_id, '' as path, $at as fetched_at, "
            "$start as range_start, $end as range_end, $is_pulled as has_sidecar",
            {"number": number, "at": START, "start": log.start, "end": log.end, "is_pulled": log.is_pulled},
        )
    rows = con.execute(_LOGS, {"environment": "main", "until": UNTIL}).fetchall()
    return [LogRange(start, end, is_pulled) for _, _, start, end, is_pulled in rows]


def test_a_year_of_daily_pulls_is_one_stretch(con: duckdb.DuckDBPyConnection) -> None:
    days = [START + number * 24 * HOUR for number in range(15)]
    assert stretches(con, [LogRange(day, day + 24 * HOUR, is_pulled=True) for day in days]) == [
        LogRange(START, START + 15 * 24 * HOUR, is_pulled=True)
    ]


@given(ranges=st.lists(RANGES, min_size=1, max_size=25), count=st.sampled_from([0, 100]))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_stretches_leave_out_the_same_days_as_their_logs(
    con: duckdb.DuckDBPyConnection, ranges: list[tuple[int, int, bool]], count: int
) -> None:
    logs = [
        LogRange(START + first * HOUR, min(START + (first + hours) * HOUR, UNTIL), is_pulled)
        for first, hours, is_pulled in ranges
    ]
    found = stretches(con, logs)
    days = [(START + number * 24 * HOUR).date() for number in range(20)]
    inputs = dict.fromkeys(days, count)
    assert days_without_log(found, inputs) == days_without_log(logs, inputs)
    billed = dict.fromkeys(days, Decimal(1))
    assert days_billed_without_log(found, billed) == days_billed_without_log(logs, billed)
    assert len(found) <= len(logs)
