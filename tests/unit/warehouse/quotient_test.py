"""Whole quotients of large integers, quick and exact."""

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.warehouse.schema import migrate

_MOST = 2**127 - 1


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        migrate(opened)
        yield opened


def _quotient(con: duckdb.DuckDBPyConnection, dividend: int, divisor: int) -> int:
    query = "select meta.quotient($dividend::hugeint, $divisor::hugeint)"
    [(quotient,)] = con.execute(query, {"dividend": str(dividend), "divisor": str(divisor)}).fetchall()
    return int(quotient)


@given(dividend=st.integers(0, _MOST), divisor=st.integers(1, _MOST))
def test_a_quotient_is_that_of_integers(con: duckdb.DuckDBPyConnection, dividend: int, divisor: int) -> None:
    assert _quotient(con, dividend, divisor) == dividend // divisor


@given(quotient=st.integers(1, 2 * 10**15), divisor=st.integers(1, 2**76), beside=st.sampled_from([-1, 0, 1]))
def test_a_quotient_is_exact_next_to_a_whole_one(
    con: duckdb.DuckDBPyConnection, quotient: int, divisor: int, beside: int
) -> None:
    dividend = quotient * divisor + beside
    assert _quotient(con, dividend, divisor) == dividend // divisor
