"""Invoices, one file for each UTC month: `landing/invoices/2026-10.json`, typed off or exported from the billing page.

No Modal command prints an invoice, so the format is ours:

    {"number": "INV-2026-0042", "total": "4612.37", "currency": "USD", "date": "2026-11-01"}

`total` is a text, so that it stays exact: what the month comes to before tax, with the decimals that the invoice has.
`currency` (else USD) and `date` (of the invoice) may be left out. The month is that of the sidecar's range, else of the
file's name.
"""

import datetime as dt
import re
from decimal import Decimal

import pyarrow as pa

from tieout.sources.fields import USD, ParsedFile, Record, load_record, row_numbers
from tieout.sources.landing import LandingFile, Sidecar, month_of
from tieout.sources.tables import FILE_ID, ROW_NUMBER, Column, Table

TABLE = Table(
    "invoices",
    "One row per invoice, as somebody landed it.",
    (
        FILE_ID,
        ROW_NUMBER,
        Column("month", "DATE", "First day of the UTC month"),
        Column("number", "VARCHAR", "Number of the invoice"),
        Column("total", "DECIMAL(38, 12)", "What it comes to before tax, in its currency, exactly as written"),
        Column("currency", "VARCHAR", "Code of three letters; USD when the file does not say"),
        Column("issued_on", "DATE", "Date of the invoice; null when the file does not say"),
        Column("decimals", "INTEGER", "Decimals that the total is written with; null in rows of version 0.1.0"),
    ),
)

_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_FORM = 'Write it like {"number": "INV-2026-0042", "total": "4612.37", "currency": "USD", "date": "2026-11-01"}.'


def parse(text: str, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    """Read one invoice: columns month, number, total, currency, issued_on, decimals.

    Raises:
        RejectionError: no month, no number, a total that is not exact, or a currency or date that is none.
    """
    month = month_of(file, sidecar)
    invoice = load_record(text, fix=_FORM)
    number = invoice.text("number").strip()
    if not number:
        invoice.refuse("number", "is empty")
    rows = pa.table(
        {
            "row_number": row_numbers(1),
            "month": pa.array([month], pa.date32()),
            "number": pa.array([number], pa.string()),
            "total": pa.array([invoice.usd("total")], USD),
            "currency": pa.array([_currency(invoice)], pa.string()),
            "issued_on": pa.array([_date(invoice)], pa.date32()),
            "decimals": pa.array([_decimals(invoice)], pa.int32()),
        }
    )
    return ParsedFile(rows, month=month)


def _currency(invoice: Record) -> str:
    currency = (invoice.optional_text("currency") or "USD").strip().upper()
    if not _CURRENCY.fullmatch(currency):
        invoice.refuse("currency", f"is {currency[:60]!r}, not a code of three letters like USD")
    return currency


def _decimals(invoice: Record) -> int:
    """Count the decimals of the total as it is written: 2 of "4612.37" and of "4612.30", 0 of "4612"."""
    exponent = Decimal(invoice.text("total")).as_tuple().exponent
    return max(0, -int(exponent))


def _date(invoice: Record) -> dt.date | None:
    text = invoice.optional_text("date")
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        invoice.refuse("date", f"is {text[:60]!r}, not a date like 2026-11-01")
