"""How a cost is known: what was learned from the bill, and what makes an error bar wide."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.support.empty_warehouse import open_empty_warehouse
from tieout.core.periods import IsoWeek, day_start
from tieout.report.attribution_words import words_of_attribution

WEEK = IsoWeek.parse("2026-W46")
AT = day_start(WEEK.start)
POOL = {"environment": "main", "object_id": "ap-1", "app": "a", "hour": AT, "resolution": "h", "resource": "A10G"}
NUMBER = 1
KEYS = {"job": 1, "web": 2, "hook": 3}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_empty_warehouse() as con:
        _put(con, "spend.pools", **POOL, pool_number=NUMBER)
        yield con


def _put(con: duckdb.DuckDBPyConnection, table: str, **row: Any) -> None:
    marks = ", ".join("?" for _ in row)
    con.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values()))


def _claim(con: duckdb.DuckDBPyConnection, function: str) -> None:
    key = KEYS[function]
    _put(con, "spend.claimants", window_start=AT, claimant_key=key, function=function, phase="none")
    claimed = {"component": "execution", "evidence": "seen", "claim_pd": 10**12}
    _put(con, "spend.function_claims", hour=AT, pool_number=NUMBER, claimant_key=key, **claimed)


def _learn(con: duckdb.DuckDBPyConnection, factor: str, value: str, *, is_used: bool = True, app: str = "a") -> None:
    where = {"environment": "main", "object_id": f"ap-{app}", "app": app, "window_start": AT, "function": "job"}
    learned = {"factor": factor, "value": Decimal(value), "hours": 168, "is_used": is_used}
    _put(con, "spend.learned_factors", **where, **learned)


def test_factors_that_are_used_are_said_with_the_hours_they_were_learned_from(con: duckdb.DuckDBPyConnection) -> None:
    _learn(con, "tail", "0.61")
    _learn(con, "cpu", "1.25")
    _learn(con, "memory", "3.5")
    assert words_of_attribution(con, WEEK)["main", "job"] == (
        "Idle containers lived 61% of their scaledown window, learned from 168 hours of the bill.",
        "Containers use 3.5 GiB of memory beyond their request, learned from 168 hours of the bill.",
        "While they work, containers use 1.25 cores beyond their request, learned from 168 hours of the bill.",
    )


def test_apps_that_differ_are_said_as_a_range(con: duckdb.DuckDBPyConnection) -> None:
    _learn(con, "tail", "1.07", app="old")
    _learn(con, "tail", "1.00", app="new")
    assert words_of_attribution(con, WEEK)["main", "job"] == (
        "Idle containers lived as long as their scaledown window, or up to 7% longer, "
        "learned from 168 hours of the bill.",
    )


def test_a_factor_that_is_not_used_is_not_said(con: duckdb.DuckDBPyConnection) -> None:
    _learn(con, "tail", "2.5", is_used=False)
    assert words_of_attribution(con, WEEK) == {}


def test_what_makes_an_error_bar_wide_is_said(con: duckdb.DuckDBPyConnection) -> None:
    for function in KEYS:
        _claim(con, function)
    [sentence] = words_of_attribution(con, WEEK)["main", "job"]
    assert sentence == (
        "What makes its range wide: its container series are not landed and 3 functions share the A10G pool."
    )


def test_a_function_alone_in_its_pool_with_series_has_nothing_to_say(con: duckdb.DuckDBPyConnection) -> None:
    _claim(con, "job")
    _put(con, "spend.observed_time", environment="main", app="a", function="job", hour=AT, container_us=1)
    assert words_of_attribution(con, WEEK) == {}
