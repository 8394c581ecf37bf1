"""The replay of a week, read off the warehouse: whose inputs, under which configuration, and what is known already."""

import datetime as dt
from collections.abc import Iterator

import duckdb
import pytest

from tieout.catalog.load import load_catalog
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.measure.replays import ReplayRow, read_replays, replayed_rows
from tieout.savings.days import BaselinePeriod

CATALOG = load_catalog(resource_path("catalog"))
OLD_APP, NEW_APP, CODE = "coral-x-production", "coral-x-production-optimized", "generate_code_modal"
WEEK = IsoWeek.parse("2026-W44")
BASELINE = BaselinePeriod(dt.date(2026, 10, 5), dt.date(2026, 10, 19))
SECOND = 1_000_000

_TABLES = """
create schema staging;
create schema savings;
create table staging.function_calls (
    environment varchar, app varchar, function varchar, enqueued_at timestamp, started_at timestamp,
    execution_us bigint, startup_us bigint, container_key integer
);
create table staging.configurations (
    environment varchar, app varchar, function varchar, phase varchar, valid_from timestamp, valid_to timestamp,
    scaledown_window_seconds integer, min_containers integer, max_containers integer, buffer_containers integer,
    single_use_containers boolean
);
create table savings.replays (
    week_start date, function varchar, day date, startup_us bigint, execution_us bigint, idle_us bigint, warm_us bigint,
    variance_us2 double, content_hash varchar
);
"""


def call(con: duckdb.DuckDBPyConnection, app: str, at: dt.datetime, container: int, *, seconds: int = 10) -> None:
    """A call whose container takes 5 s to come up."""
    started = at + dt.timedelta(seconds=5)
    con.execute(
        "insert into staging.function_calls values ('main', ?, ?, ?, ?, ?, ?, ?)",
        [app, CODE, at, started, seconds * SECOND, 5 * SECOND, container],
    )


def noon(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, 12)  # noqa: DTZ001 - the warehouse keeps naive UTC


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute(_TABLES)
        con.execute(
            "insert into staging.configurations values "
            "('main', ?, ?, 'baseline', '1970-01-01', '9999-12-31', 60, 0, null, 0, false), "
            "('main', ?, ?, 'phase-1', '2026-10-19', '9999-12-31', 2, 0, null, 0, false)",
            [OLD_APP, CODE, NEW_APP, CODE],
        )
        for position in range(14):
            call(con, OLD_APP, noon(BASELINE.start + dt.timedelta(days=position)), position)
        # Twice as long on the new app; a third call is somebody else's.
        call(con, NEW_APP, noon(WEEK.start), 100, seconds=20)
        call(con, OLD_APP, noon(WEEK.start) + dt.timedelta(hours=1), 101)
        call(con, "someone-elses", noon(WEEK.start), 102)
        yield con


def rows(con: duckdb.DuckDBPyConnection) -> list[ReplayRow]:
    return list(replayed_rows(con, WEEK, CATALOG, baseline=BASELINE))


def keep(con: duckdb.DuckDBPyConnection, row: ReplayRow, *, idle_us: int) -> None:
    time = row.replayed.time
    values = [time.startup_us, time.execution_us, idle_us, time.warm_us, 0.0, row.replayed.content_hash]
    con.execute(
        "insert into savings.replays values (?, ?, ?, ?, ?, ?, ?, ?, ?)", [WEEK.start, row.function, row.day, *values]
    )


def test_all_inputs_of_a_function_run_on_the_old_containers_with_the_times_of_the_baseline(
    con: duckdb.DuckDBPyConnection,
) -> None:
    found = {row.day: row for row in rows(con)}
    assert sum(row.is_baseline for row in found.values()) == 14
    monday = found[WEEK.start]
    assert (monday.app, monday.function, monday.inputs, monday.is_baseline) == (OLD_APP, CODE, 2, False)
    # Two containers of 5 s, 10 s and a window of 60 s each: not 20 s, not a window of 2 s.
    assert monday.replayed.time.total_us == 2 * 75 * SECOND
    assert found[WEEK.start + dt.timedelta(days=1)].replayed.time.total_us == 0


def test_inputs_that_ran_at_once_in_a_container_say_how_many_it_takes(con: duckdb.DuckDBPyConnection) -> None:
    call(con, OLD_APP, noon(BASELINE.start), 0)
    first = next(row for row in rows(con) if row.day == BASELINE.start)
    assert (first.inputs, first.replayed.time.total_us) == (2, 75 * SECOND)


@pytest.mark.all_threads
def test_inputs_of_many_batches_come_in_order_and_each_to_its_function(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tieout.measure.replays._ROWS_AT_ONCE", 2048)
    con.execute("set preserve_insertion_order = false")
    genome, calls = "evaluate_genome_modal", 20_000
    con.execute(
        "insert into staging.configurations select * replace ($genome as function) from staging.configurations",
        {"genome": genome},
    )
    con.execute(
        """
        insert into staging.function_calls
        select 'main', $app, case i % 2 when 0 then $code else $genome end, moment, moment, 1000000, null, i % 7
        from (select i, $day::timestamp + to_seconds(i * 7919 % 86400) as moment from range($calls) as r (i))
        """,
        {"app": NEW_APP, "code": CODE, "genome": genome, "calls": calls, "day": BASELINE.start},
    )
    arrived = {(row.function, row.day): row.inputs for row in rows(con)}
    assert len(arrived) == len(rows(con)) == 2 * len({day for _, day in arrived})
    assert (arrived[CODE, BASELINE.start], arrived[genome, BASELINE.start]) == (calls // 2 + 1, calls // 2)


def test_a_day_that_is_known_by_its_content_is_not_replayed_again(con: duckdb.DuckDBPyConnection) -> None:
    for row in rows(con):
        keep(con, row, idle_us=1)
    assert {row.replayed.time.idle_us for row in rows(con)} == {1}
    call(con, NEW_APP, noon(WEEK.start) + dt.timedelta(hours=2), 103)
    changed = [row.day for row in rows(con) if row.replayed.time.idle_us != 1]
    assert changed == [WEEK.start]


def test_a_week_reads_its_own_replays(con: duckdb.DuckDBPyConnection) -> None:
    [first, *_] = rows(con)
    keep(con, first, idle_us=7)
    assert read_replays(con, WEEK)[CODE, first.day].time.idle_us == 7
    assert read_replays(con, WEEK.previous()) == {}


def test_nothing_is_replayed_without_a_baseline_or_before_the_rollout(con: duckdb.DuckDBPyConnection) -> None:
    assert list(replayed_rows(con, WEEK, CATALOG, baseline=None)) == []
    assert list(replayed_rows(con, IsoWeek.parse("2026-W41"), CATALOG, baseline=BASELINE)) == []


def test_a_warehouse_without_the_table_has_no_replays(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("drop table savings.replays")
    assert read_replays(con, WEEK) == {}
    assert len(rows(con)) == 21
