"""The rules on the calls of a container, against the same said plainly, input by input."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tieout.sources import create_raw_schema
from tieout.validation.suites import load_suite

SUITE = load_suite("raw.function_calls")
CROWDED = "A container serves no more inputs at once than it takes"
TWICE = "A call stands once in its log"
MIDNIGHT = dt.datetime(2026, 11, 2)  # noqa: DTZ001 - the warehouse's times are naive UTC

# Container (its number stands for the call, too), start in tenths of a second, tenths that it ran (None while it runs).
Inputs = list[tuple[int, int, int | None]]
INPUTS = st.lists(
    st.tuples(st.integers(1, 2), st.integers(0, 60), st.one_of(st.none(), st.integers(0, 60))), min_size=1, max_size=12
)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        create_raw_schema(connection)
        connection.execute(
            "insert into raw.files (file_id, source, app, function) values (1, 'function_calls', 'a', 'f')"
        )
        connection.execute(
            "insert into raw.files (file_id, source, app, function) values (2, 'function_info', 'a', 'f')"
        )
        connection.execute("insert into raw.function_info (file_id, max_concurrent_inputs) values (2, 1)")
        yield connection


def offending(con: duckdb.DuckDBPyConnection, inputs: Inputs, at_once: int) -> dict[str, list[dict[str, object]]]:
    """Land one log with these inputs of a function that takes so many at once, and return what breaks the two rules."""
    con.execute("update raw.function_info set max_concurrent_inputs = ?", [at_once])
    con.execute("delete from raw.function_calls")
    con.executemany(
        "insert into raw.function_calls by name select 1 as file_id, ? as function_call_id, ? as container_key, "
        "? as enqueued_at, ? as started_at, ? as execution_us",
        [
            (
                f"fc-{key}",
                key,
                MIDNIGHT,
                MIDNIGHT + dt.timedelta(milliseconds=100 * start),
                None if ran is None else ran * 100_000,
            )
            for key, start, ran in inputs
        ],
    )
    for name, select in SUITE.shared_selects("raw.function_calls").items():
        con.execute(f"create or replace temp table {name} as {select}")
    rules = {e.name: e.rule("raw.function_calls") for e in SUITE.expectations if e.name in (CROWDED, TWICE)}
    return {name: con.sql(rule).pl().to_dicts() for name, rule in rules.items()}


@settings(max_examples=50, deadline=None)
@given(inputs=INPUTS, at_once=st.integers(1, 3))
def test_a_container_is_crowded_when_one_starts_a_second_before_there_is_a_place(
    con: duckdb.DuckDBPyConnection, inputs: Inputs, at_once: int
) -> None:
    crowded = set()
    for container in {key for key, _, _ in inputs}:
        own = [(start, start + (ran or 0)) for key, start, ran in inputs if key == container]
        for moment, _ in own:
            begun = sum(start <= moment for start, _ in own)
            soon_over = sum(end <= moment + 10 for _, end in own)
            if begun - soon_over > at_once:
                crowded.add(container)
    assert {row["container_key"] for row in offending(con, inputs, at_once)[CROWDED]} == crowded


@settings(max_examples=50, deadline=None)
@given(inputs=INPUTS)
def test_a_call_stands_twice_when_container_start_and_duration_are_the_same_of_one_call(
    con: duckdb.DuckDBPyConnection, inputs: Inputs
) -> None:
    twice = {one: copies for one, copies in Counter(inputs).items() if copies > 1}
    found = offending(con, inputs, 1)[TWICE]
    assert [row["copies"] for row in found].count(0) == 0
    assert Counter(row["copies"] for row in found) == Counter(twice.values())
    assert {row["container_key"] for row in found} == {key for key, _, _ in twice}


def test_a_crowded_container_is_shown_with_the_first_input_too_many_and_the_next_free_place(
    con: duckdb.DuckDBPyConnection,
) -> None:
    [row] = offending(con, [(1, 0, 100), (1, 50, 20), (1, 60, 5)], 1)[CROWDED]
    assert (row["app"], row["function"], row["inputs_at_once"], row["inputs_beyond"]) == ("a", "f", 1, 1)
    assert row["first_began_at"] == MIDNIGHT + dt.timedelta(seconds=5)
    assert row["next_place_free_at"] == MIDNIGHT + dt.timedelta(seconds=6.5)


def other_ids(con: duckdb.DuckDBPyConnection) -> list[int]:
    """Give every call an id of its own, and return how many copies the rule finds of each."""
    con.execute("update raw.function_calls set function_call_id = function_call_id || rowid")
    rule = next(e for e in SUITE.expectations if e.name == TWICE).rule("raw.function_calls")
    return [int(copies) for copies in con.sql(rule).pl()["copies"]]


def test_a_batch_that_starts_and_ends_together_is_no_copy(con: duckdb.DuckDBPyConnection) -> None:
    offending(con, [(1, 0, 10), (1, 0, 10)], 2)
    assert other_ids(con) == []


def test_more_of_a_kind_than_a_container_takes_are_copies_whatever_their_ids(con: duckdb.DuckDBPyConnection) -> None:
    offending(con, [(1, 0, 10), (1, 0, 10), (1, 0, 10)], 2)
    assert other_ids(con) == [3]
    offending(con, [(1, 0, 10), (1, 0, 10)], 1)
    assert other_ids(con) == [2]
