from decimal import Decimal

import duckdb
import pytest

from tests.support.empty_warehouse import open_empty_warehouse
from tieout.core.periods import IsoWeek
from tieout.report.sections.tie_out import TieOut, read_tie_out, tie_out_rows

WEEK = IsoWeek.parse("2026-W44")
USD = Decimal("1.5")
BILL = (
    "insert into staging.billing_totals (reading, environment, object_id, hour, resolution, total_usd, remainder_usd)"
)


def test_a_bill_of_twelve_decimals_leaves_nothing_to_say() -> None:
    assert TieOut(1, 2, 0, USD, USD).sentence == (
        "1 hour, 2 pools: $1.500000000000 billed = attributed, difference $0.000000000000."
    )
    assert len(tie_out_rows(TieOut(1, 2, 0, USD, USD))) == 5


def test_what_is_printed_beyond_twelve_decimals_is_said_and_listed_to_the_last_digit() -> None:
    tied = TieOut(1, 2, 0, USD, USD, remainders=1, remainder_usd=Decimal("4E-13"))
    assert tied.sentence.endswith(
        "difference $0.000000000000. Beyond 12 decimals the bill prints "
        "$0.00000000000040000000000000000000000000 more, on 1 amount."
    )
    assert tie_out_rows(tied)[-1] == ("Printed beyond 12 decimals", Decimal("4E-13"))


@pytest.mark.parametrize(("hour", "remainders"), [("2026-10-26 05:00", 1), ("2026-11-02 00:00", 0)])
def test_only_the_remainders_of_the_week_are_read(hour: str, remainders: int) -> None:
    with open_empty_warehouse() as con:
        land(con, hour)
        tied = read_tie_out(con, WEEK)
    assert (tied.remainders, tied.remainder_usd) == (remainders, remainders * Decimal("4E-13"))


def land(con: duckdb.DuckDBPyConnection, hour: str) -> None:
    con.execute(f"{BILL} values ('now', 'main', 'ap-1', ?, 'h', 1.5, '0.0000000000004')", [hour])
