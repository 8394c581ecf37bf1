"""A build that keeps rows of `usage.containers` comes to the table that is written whole from what is there."""

import datetime as dt
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sql.container_hours_test import DAY, FUNCTIONS, MINUTE, Log, land_containers, land_log, logs
from tests.support.empty_warehouse import open_empty_warehouse
from tests.support.examples import examples
from tests.support.usage import MONDAY, configure
from tieout.sources import container_hours
from tieout.warehouse.build import Period, write_model
from tieout.warehouse.models import model_named

_WEEK = dt.timedelta(days=7)
FIRST, SECOND, BOTH = (
    Period((MONDAY + since).date(), (MONDAY + until).date())
    for since, until in ((-_WEEK, 0 * _WEEK), (0 * _WEEK, _WEEK), (-_WEEK, _WEEK))
)
_TABLES = (
    *("staging.superseded_calls", "staging.call_logs", "staging.container_lives"),
    *("usage.container_days", "usage.observed_lives"),
)
NOTHING = "select 1"
# What other files than logs can say of the same time.
CHANGES = (
    NOTHING,
    "update staging.configurations set scaledown_window_seconds = scaledown_window_seconds + 60 where function = 'f'",
    "insert into staging.deployments by name select 'main' as environment, 'a' as app, 'v1' as version, "
    "timestamp '2026-11-04 12:00:00' as deployed_at",
    "insert into staging.apps by name select 'ap-1' as app_id, 'main' as environment, 'a' as app, 'deployed' as state, "
    "timestamp '2026-10-20' as created_at, true as is_deployed",
    "insert into raw.files by name select 0 as file_id, 'telemetry' as source, '0' as sha256; "
    "insert into raw.deliveries by name select 0 as file_id, 'p' as path, timestamp '2026-11-06' as fetched_at, "
    "timestamp '2026-11-01' as range_start, timestamp '2026-11-06' as range_end, true as has_sidecar; "
    "insert into raw.telemetry by name select 0 as file_id, 'modal.container.running' as metric, "
    "'ta-1' as container_id, 'main' as environment_name, 'a' as app_name, 'f' as function_name, "
    "timestamp '2026-11-01 12:00:00' as first_at, timestamp '2026-11-05 12:00:00' as last_at",
)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_empty_warehouse() as opened:
        configure(opened, "a", dict.fromkeys(FUNCTIONS, 1))
        land_containers(opened)
        yield opened


def land_and_build(con: duckdb.DuckDBPyConnection, file_id: int, log: Log, period: Period) -> Period | None:
    """Land a log and build the days of a period; return the period if rows of others were kept."""
    land_log(con, file_id, log)
    container_hours.insert(con, file_id, file_id)
    return build(con, period)


def build(con: duckdb.DuckDBPyConnection, period: Period) -> Period | None:
    for name in _TABLES:
        write_model(con, model_named(name), period, is_described=False)
    return write_model(con, model_named("usage.containers"), period, is_described=False)


def assert_whole(con: duckdb.DuckDBPyConnection) -> None:
    """Compare the table with what its SQL makes of everything that is there."""
    assert con.execute("select * from meta.kept_containers").fetchall() == []
    whole = con.execute(f"select * from ({model_named('usage.containers').sql}) order by container_key").fetchall()
    assert con.execute("select * from usage.containers order by container_key").fetchall() == whole


def call(key: int, day: int, minutes: int = 15, *, started: bool = True) -> tuple[object, ...]:
    """A call of so many minutes at noon of a day, on a container, or one that no container came up for."""
    noon = MONDAY + day * DAY + 720 * MINUTE
    if not started:
        return (key, noon, None, None, None, "init failure")
    return (key, noon, noon, 5_000_000, minutes * 60_000_000, "success")


# The first log of every example is built whole; it is those after it that keep rows.
@pytest.mark.slow
@settings(
    deadline=None,
    max_examples=examples(15),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_logs_in_any_order_and_changes_between_them(con: duckdb.DuckDBPyConnection, data: st.DataObject) -> None:
    con.execute("begin")
    try:
        for file_id, log in enumerate(data.draw(logs(fewest=3)), start=1):
            con.execute(data.draw(st.sampled_from(CHANGES)))
            land_and_build(con, file_id, log, data.draw(st.sampled_from([FIRST, SECOND, BOTH])))
            assert_whole(con)
    finally:
        con.execute("rollback")


def test_a_new_day_keeps_the_rows_of_others(con: duckdb.DuckDBPyConnection) -> None:
    assert land_and_build(con, 1, ("f", -3, 1, 0, [call(3, -3)]), FIRST) is None  # nothing was known of a build before
    assert land_and_build(con, 2, ("f", 0, 1, 0, [call(4, 0)]), SECOND) == SECOND
    assert land_and_build(con, 3, ("f", 1, 1, 0, [call(4, 1), call(1, 1, started=False)]), SECOND) == SECOND
    assert_whole(con)
    assert build(con, SECOND) == SECOND
    assert_whole(con)


def test_a_late_log_lengthens_a_life(con: duckdb.DuckDBPyConnection) -> None:
    land_and_build(con, 1, ("f", 0, 1, 0, [call(3, 0)]), SECOND)
    assert land_and_build(con, 2, ("f", -1, 1, 90, [call(3, -1)]), BOTH) == BOTH
    assert_whole(con)
    [(days,)] = con.execute("select date_diff('day', first_day, last_day) from usage.containers").fetchall()
    assert days == 1


def test_a_later_log_without_the_calls_takes_a_container_out(con: duckdb.DuckDBPyConnection) -> None:
    land_and_build(con, 1, ("f", 0, 1, 0, [call(3, 0), call(4, 0)]), SECOND)
    assert land_and_build(con, 2, ("f", 0, 1, 9, [call(4, 0)]), SECOND) == SECOND
    assert_whole(con)
    assert con.execute("select container_key from usage.containers").fetchall() == [(4,)]


def test_calls_of_the_day_after_are_replaced_before_and_after_its_week_is_built(con: duckdb.DuckDBPyConnection) -> None:
    """What started on the Monday after is of no built day, so no day tells that it is there no longer."""
    overnight = (1, MONDAY - 600 * MINUTE, MONDAY, None, 0, "success")
    land_and_build(con, 1, ("f", -1, 1, 0, [overnight]), FIRST)
    land_and_build(con, 2, ("f", -1, 1, 9, []), FIRST)
    assert_whole(con)
    assert con.execute("select container_key from usage.containers").fetchall() == []

    land_and_build(con, 3, ("f", -1, 1, 20, [overnight, call(3, -1)]), FIRST)
    land_log(con, 4, ("f", -1, 1, 29, [call(3, -1)]))
    container_hours.insert(con, 4, 4)
    assert land_and_build(con, 5, ("f", 2, 1, 0, [call(4, 2)]), BOTH) == BOTH
    assert_whole(con)
    assert con.execute("select container_key from usage.containers order by all").fetchall() == [(3,), (4,)]


def test_a_failed_start_up_takes_the_usual_time_of_all_days(con: duckdb.DuckDBPyConnection) -> None:
    land_and_build(con, 1, ("f", -3, 1, 0, [call(3, -3), call(1, -3, started=False)]), FIRST)
    slow = (4, MONDAY + 720 * MINUTE, MONDAY + 730 * MINUTE, 600_000_000, 60_000_000, "success")
    assert land_and_build(con, 2, ("f", 0, 1, 0, [slow]), SECOND) == SECOND
    assert_whole(con)


@pytest.mark.parametrize("change", CHANGES[1:])
def test_a_changed_setting_writes_all_rows(con: duckdb.DuckDBPyConnection, change: str) -> None:
    land_and_build(con, 1, ("f", -3, 1, 0, [call(1, -3), call(3, -3)]), FIRST)
    con.execute(change)
    assert build(con, SECOND) is None
    assert_whole(con)


def test_days_that_a_build_is_not_about_write_all_rows(con: duckdb.DuckDBPyConnection) -> None:
    land_and_build(con, 1, ("f", -3, 1, 0, [call(3, -3)]), FIRST)
    con.execute("update usage.container_days set last_ended_at = last_ended_at + interval 1 hour")
    assert build(con, SECOND) is None
    assert_whole(con)
