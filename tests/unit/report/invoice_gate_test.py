from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest

from tests.support.empty_warehouse import open_empty_warehouse
from tieout.core.periods import IsoWeek
from tieout.report.formats.sheets import Cell
from tieout.report.sections.gates import read_gates
from tieout.report.sections.months import month_rows, read_months
from tieout.report.sections.tie_out import Gate, GateOutcome, read_tie_out
from tieout.warehouse.models import model_named

WEEK = IsoWeek.parse("2026-W44")  # 26 October to 1 November
OCTOBER, NOVEMBER = "2026-10-01", "2026-11-01"
NO_INVOICE = "2026-11: no invoice is landed."


@pytest.fixture(scope="module")
def empty_warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_empty_warehouse() as con:
        yield con


@pytest.fixture
def con(empty_warehouse: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    empty_warehouse.execute("begin")
    yield empty_warehouse
    empty_warehouse.execute("rollback")


def land(con: duckdb.DuckDBPyConnection, source: str, month: str, fetched_on: str) -> int:
    [(file_id,)] = con.execute("select count(*) + 1 from raw.files").fetchall()
    con.execute(
        "insert into raw.files (file_id, source, sha256, month, path) values (?, ?, ?, ?, ?)",
        [file_id, source, str(file_id), month, f"{source}/{month[:7]}.json"],
    )
    con.execute(
        "insert into raw.deliveries (file_id, path, fetched_at, has_sidecar) values (?, '', ?, false)",
        [file_id, fetched_on],
    )
    return int(file_id)


def bill(con: duckdb.DuckDBPyConnection, month: str, usd: str, fetched_on: str = "2026-12-01") -> None:
    file_id = land(con, "billing_summary", month, fetched_on)
    for kind in ("metered", "billed"):
        con.execute("insert into raw.billing_summary values (?, 1, ?, ?, ?, ?)", [file_id, month, kind, kind, usd])


def invoice(con: duckdb.DuckDBPyConnection, month: str, total: str, currency: str = "USD", day: int = 1) -> None:
    file_id = land(con, "invoices", month, f"2026-12-{day:02d}")
    decimals = len(total.partition(".")[2])
    row = [file_id, month, total, currency, decimals]
    con.execute("insert into raw.invoices values (?, 1, ?, 'INV-1', ?, ?, null, ?)", row)


def build(con: duckdb.DuckDBPyConnection) -> None:
    tables = ("staging.monthly_deliveries", "staging.billing_summaries", "staging.invoices", "reconciliation.months")
    for table in tables:
        con.execute(f"create or replace table {table} as {model_named(table).sql}")


def judged(con: duckdb.DuckDBPyConnection, code: str = "G5") -> Gate:
    build(con)
    gates = read_gates(con, WEEK, tie_out=read_tie_out(con, WEEK), days=())
    return next(gate for gate in gates if gate.code == code)


def test_without_an_invoice_the_gate_is_not_measured(con: duckdb.DuckDBPyConnection) -> None:
    bill(con, OCTOBER, "100")
    assert judged(con).outcome is GateOutcome.NOT_MEASURED
    assert judged(con).sentence == f"2026-10: no invoice is landed. {NO_INVOICE}"


def test_an_invoice_over_what_was_billed_passes_although_the_other_month_has_none(
    con: duckdb.DuckDBPyConnection,
) -> None:
    bill(con, OCTOBER, "100")
    invoice(con, OCTOBER, "100.00")
    assert judged(con).outcome is GateOutcome.PASSED
    assert judged(con).sentence == (
        f"2026-10: invoice INV-1 over $100.00 against $100.00000000 billed, difference $0.00. {NO_INVOICE}"
    )


def test_an_invoice_in_cents_is_what_was_billed_to_eight_decimals(con: duckdb.DuckDBPyConnection) -> None:
    bill(con, OCTOBER, "266.26900030")
    invoice(con, OCTOBER, "266.27")
    assert judged(con).outcome is GateOutcome.PASSED
    assert judged(con).sentence.startswith(
        "2026-10: invoice INV-1 over $266.27 against $266.26900030 billed, rounded to $266.27, difference $0.00."
    )


@pytest.mark.parametrize("total", ["266.26", "266.28", "266.3", "266", "266.2690", "266.26900031"])
def test_an_invoice_that_the_bill_does_not_round_to_closes_the_gate(con: duckdb.DuckDBPyConnection, total: str) -> None:
    bill(con, OCTOBER, "266.26950030")
    invoice(con, OCTOBER, total)
    assert judged(con).outcome is GateOutcome.BLOCKED


@pytest.mark.parametrize(("billed", "total"), [("0.005", "0.01"), ("0.00499999", "0.00"), ("-0.005", "-0.01")])
def test_half_a_cent_is_rounded_away_from_zero(con: duckdb.DuckDBPyConnection, billed: str, total: str) -> None:
    bill(con, OCTOBER, billed)
    invoice(con, OCTOBER, total)
    assert judged(con).outcome is GateOutcome.PASSED


@pytest.mark.parametrize("total", ["100.01", "99.99", "100.00000001", "-100"])
def test_an_invoice_over_another_amount_closes_the_gate(con: duckdb.DuckDBPyConnection, total: str) -> None:
    bill(con, OCTOBER, "100")
    invoice(con, OCTOBER, total)
    assert judged(con).outcome is GateOutcome.BLOCKED


def test_an_invoice_over_more_than_was_billed_may_have_tax_in_it(con: duckdb.DuckDBPyConnection) -> None:
    bill(con, OCTOBER, "100")
    invoice(con, OCTOBER, "119")
    assert "difference −$19.00. The file's total counts as before tax." in judged(con).sentence


def test_one_wrong_invoice_of_two_closes_the_gate(con: duckdb.DuckDBPyConnection) -> None:
    for month in (OCTOBER, NOVEMBER):
        bill(con, month, "100")
    invoice(con, OCTOBER, "100")
    invoice(con, NOVEMBER, "90")
    assert judged(con).outcome is GateOutcome.BLOCKED
    assert "2026-11: invoice INV-1 over $90.00 against $100.00000000" in judged(con).sentence


def test_a_corrected_invoice_takes_the_place_of_the_wrong_one(con: duckdb.DuckDBPyConnection) -> None:
    bill(con, OCTOBER, "100")
    invoice(con, OCTOBER, "100", day=9)
    invoice(con, OCTOBER, "90", day=2)
    assert judged(con).outcome is GateOutcome.PASSED


def test_an_invoice_in_another_currency_closes_the_gate_and_says_why(con: duckdb.DuckDBPyConnection) -> None:
    bill(con, OCTOBER, "100")
    invoice(con, OCTOBER, "100", currency="EUR")
    assert judged(con).outcome is GateOutcome.BLOCKED
    assert judged(con).sentence.startswith(
        "2026-10: invoice INV-1 is over 100.00 EUR; only one in USD can be held against the bill."
    )


def test_an_invoice_without_a_summary_is_a_warning(con: duckdb.DuckDBPyConnection) -> None:
    invoice(con, OCTOBER, "100")
    assert judged(con).outcome is GateOutcome.WARNING
    assert "no billing summary is landed to hold it against" in judged(con).sentence


def test_a_summary_of_a_running_month_holds_no_invoice_up(con: duckdb.DuckDBPyConnection) -> None:
    bill(con, OCTOBER, "40", fetched_on="2026-10-31")
    invoice(con, OCTOBER, "100")
    assert judged(con).outcome is GateOutcome.WARNING
    assert judged(con).sentence == (
        "2026-10: invoice INV-1 over $100.00 against $40.00000000 billed by a summary read before the month was "
        f"over; land a later one to hold it against. {NO_INVOICE}"
    )
    assert judged(con, "G3").sentence.startswith("2026-10: $40.00000000 metered by a summary read before the month was")
    bill(con, OCTOBER, "90", fetched_on="2026-11-01")
    assert judged(con).outcome is GateOutcome.BLOCKED


def test_the_month_shows_its_invoice_beside_its_bill(con: duckdb.DuckDBPyConnection) -> None:
    bill(con, OCTOBER, "100")
    invoice(con, OCTOBER, "90")
    build(con)
    [row] = con.execute("select number, difference_usd from reconciliation.invoices").fetchall()
    assert row == ("INV-1", Decimal(10))


def test_the_rest_below_a_cent_is_a_line_between_bill_and_invoice(con: duckdb.DuckDBPyConnection) -> None:
    bill(con, OCTOBER, "266.26900030")
    invoice(con, OCTOBER, "266.27")
    build(con)
    [month] = read_months(con, WEEK)
    assert (month.invoice_rounding_usd, month.invoice_difference_usd) == (Decimal("0.00099970"), Decimal(0))
    labels = [row[0].value for row in month_rows(month, first=10) if isinstance(row[0], Cell)]
    assert labels[-3:] == ["Rounding to the invoice", "Invoice INV-1, USD", "Billed less invoice"]
    [*_, last] = month_rows(month, first=10)
    assert [cell.formula for cell in last if isinstance(cell, Cell)][-1] == "ROUND(C13+C15-C16,8)"
