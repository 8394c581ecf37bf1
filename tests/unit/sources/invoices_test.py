from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.landing_folder import LandingFolder

NAME = "invoices/2026-10.json"
INVOICE = {"number": "INV-2026-0042", "total": "4612.37000001", "currency": "USD", "date": "2026-11-01"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    with LandingFolder(tmp_path) as folder:
        yield folder


def invoice(folder: LandingFolder, **fields: object) -> list[tuple[object, ...]]:
    folder.put(NAME, INVOICE | fields)
    assert folder.load().rejected == ()
    return folder.rows("select month::varchar, number, total, currency, issued_on::varchar from raw.invoices")


def test_an_invoice_is_kept_to_the_last_digit(folder: LandingFolder) -> None:
    assert invoice(folder) == [("2026-10-01", "INV-2026-0042", Decimal("4612.37000001"), "USD", "2026-11-01")]


@pytest.mark.parametrize(
    ("total", "decimals"), [("4612.37", 2), ("4612.30", 2), ("4612", 0), ("1E2", 0), ("1.5E-7", 8)]
)
def test_the_decimals_of_the_total_are_those_it_is_written_with(
    folder: LandingFolder, total: str, decimals: int
) -> None:
    invoice(folder, total=total)
    assert folder.rows("select decimals from raw.invoices") == [(decimals,)]


def test_currency_and_date_may_be_left_out(folder: LandingFolder) -> None:
    assert invoice(folder, currency=None, date=None)[0][3:] == ("USD", None)


def test_a_currency_may_be_written_in_small_letters(folder: LandingFolder) -> None:
    assert invoice(folder, currency=" eur ")[0][3] == "EUR"


def test_the_sidecar_says_the_month_better_than_the_name(folder: LandingFolder) -> None:
    folder.put("invoices/newest.json", INVOICE)
    folder.put_sidecar("invoices/newest.json", range_start="2026-09-01T00:00:00Z", range_end="2026-10-01T00:00:00Z")
    assert folder.load().rejected == ()
    assert folder.rows("select month::varchar from raw.files") == [("2026-09-01",)]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"total": 4612.37}, "amounts must stay exact"),
        ({"total": "4,612.37"}, "is not a decimal number"),
        ({"total": None}, "total is null"),
        ({"number": "  "}, "number is empty"),
        ({"number": 42}, "not a text"),
        ({"currency": "US$"}, "not a code of three letters like USD"),
        ({"date": "01.11.2026"}, "not a date like 2026-11-01"),
    ],
)
def test_an_invoice_that_is_not_exact_is_refused(folder: LandingFolder, fields: dict[str, object], reason: str) -> None:
    folder.put(NAME, INVOICE | fields)
    assert reason in folder.refusal()


@pytest.mark.parametrize("field", ["number", "total"])
def test_an_invoice_needs_its_number_and_its_total(folder: LandingFolder, field: str) -> None:
    folder.put(NAME, {name: value for name, value in INVOICE.items() if name != field})
    assert f"{field} is missing" in folder.refusal()


@pytest.mark.parametrize("total", ["4,612.37", "$4612.37", 4612.37])
def test_a_total_that_is_none_is_refused_with_the_form(folder: LandingFolder, total: object) -> None:
    folder.put(NAME, INVOICE | {"total": total})
    [rejected] = folder.load().rejected
    assert rejected.reason.startswith("the file: total ")
    assert rejected.fix.startswith('Write it like {"number": "INV-2026-0042"')


def test_an_invoice_of_no_month_is_refused(folder: LandingFolder) -> None:
    folder.put("invoices/newest.json", INVOICE)
    assert "which month it is about" in folder.refusal()


def test_an_invoice_of_two_months_is_refused(folder: LandingFolder) -> None:
    folder.put("invoices/INV-2025-07-0042 for 2026-10.json", INVOICE)
    assert folder.refusal() == "the file's name says several months: 2025-07 and 2026-10"


@pytest.mark.parametrize("source", ["invoices", "billing_summary"])
def test_the_day_on_which_it_was_made_is_not_the_month_that_it_is_about(folder: LandingFolder, source: str) -> None:
    folder.put(f"{source}/2026-11-02.json", INVOICE)
    assert folder.refusal() == "the file's name says the day 2026-11-02, and not which month it is about"


@pytest.mark.parametrize("name", ["2026-10 of 2026-10-31", "INV-2026-0042 2026-10"])
def test_a_month_may_stand_twice_in_a_name(folder: LandingFolder, name: str) -> None:
    folder.put(f"invoices/{name}.json", INVOICE)
    assert folder.load().rejected == ()
    assert folder.rows("select month::varchar from raw.files") == [("2026-10-01",)]
