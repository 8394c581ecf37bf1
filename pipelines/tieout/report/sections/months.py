"""The months that the week lies in, up to the invoice: itemised, metered, adjusted, billed."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from tieout.core.money import CENT, format_usd
from tieout.core.periods import IsoWeek
from tieout.report.formats.sheets import Cell, Kind, Row
from tieout.report.inputs import week_bounds
from tieout.warehouse.parsed import answers

BILL_PLACES = 8  # Modal bills in hundred-millionths of a dollar; the text beside has every digit

_MONTHS = """
select
    month, itemised_usd, not_itemised_usd, metered_usd, billed_usd, bill_difference_usd,
    invoice_number, invoice_currency, invoice_total, invoice_rounding_usd, invoice_difference_usd
from reconciliation.months
where month >= date_trunc('month', $since::timestamp)::date and month < $until
order by month
"""

_ADJUSTMENTS = """
select day, cause, amount_usd
from finance.adjustments
where applies_to = 'bill'
order by day, cause
"""


@dataclass(frozen=True)
class NamedAdjustment:
    """One adjustment of a month's bill, exact, by Modal's name for it."""

    name: str
    amount_usd: Decimal


@dataclass(frozen=True)
class MonthReconciled:
    """A summarised month, exact: itemised + not itemised = metered, + adjustments = billed, + rounding = invoice.

    Attributes:
        month: its first day.
        itemised_usd: sum of the landed reports.
        not_itemised_usd: metered, but in no landed report.
        metered_usd: usage at list price, by the summary.
        adjustments: credits, free storage, plan, reservations; they lead from metered to billed.
        billed_usd: what Modal charges.
        bill_difference_usd: metered plus adjustments less billed.
        invoice_number: None where no invoice is landed.
        invoice_currency: what its total is in.
        invoice_total: in its currency.
        invoice_rounding_usd: what rounding to the invoice's decimals adds to billed; None without one in dollars.
        invoice_difference_usd: billed plus rounding less invoice; None without an invoice in dollars.
    """

    month: dt.date
    itemised_usd: Decimal
    not_itemised_usd: Decimal
    metered_usd: Decimal
    adjustments: tuple[NamedAdjustment, ...]
    billed_usd: Decimal
    bill_difference_usd: Decimal
    invoice_number: str | None
    invoice_currency: str | None
    invoice_total: Decimal | None
    invoice_rounding_usd: Decimal | None
    invoice_difference_usd: Decimal | None

    @property
    def not_itemised_sentence(self) -> str | None:
        """How much of the month no landed report has, and what follows; None within a cent, as gate G3 allows."""
        amount = format_usd(abs(self.not_itemised_usd))
        if abs(self.not_itemised_usd) <= CENT:
            return None
        if self.not_itemised_usd < 0:
            return (
                f"The landed reports of {self.month:%B %Y} have {amount} more than Modal metered (gate G3): one of "
                "them is wrong, or newer than the summary."
            )
        return (
            f"{amount} of the {format_usd(self.metered_usd)} that Modal metered in {self.month:%B %Y} is in no landed "
            "report (gate G3): the spend of its weeks is that much too low until it is."
        )


def read_months(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> tuple[MonthReconciled, ...]:
    """Read the months that a week lies in."""
    adjustments: dict[dt.date, list[NamedAdjustment]] = defaultdict(list)
    for month, cause, amount in answers(con, _ADJUSTMENTS):
        adjustments[month].append(NamedAdjustment(cause, amount))
    rows = answers(con, _MONTHS, week_bounds(week))
    return tuple(
        MonthReconciled(month, itemised, not_itemised, metered, tuple(adjustments[month]), *rest)
        for month, itemised, not_itemised, metered, *rest in rows
    )


def month_rows(month: MonthReconciled, *, first: int) -> list[Row]:
    """The steps from itemised to the invoice; differences are formulas over the amounts, which stand in column C."""
    metered, billed = first + 2, first + 3 + len(month.adjustments)
    itemised = f"ROUND(C{metered}-C{first},{BILL_PLACES})"
    adjusted = f"ROUND(SUM(C{metered}:C{billed - 1})-C{billed},{BILL_PLACES})"
    rows = [
        _step("Itemised in landed reports", month.itemised_usd),
        _step("Not itemised", month.not_itemised_usd, gate="G3", formula=itemised),
        _step("Metered", month.metered_usd, is_end=True),
        *(_step(f"Adjustment: {each.name}", each.amount_usd) for each in month.adjustments),
        _step("Billed", month.billed_usd, is_end=True),
        _step("Metered plus adjustments less billed", month.bill_difference_usd, gate="G4", formula=adjusted),
    ]
    if month.invoice_number is None:
        return [*rows, _step("Invoice", None, gate="G5: none is landed")]
    rounding = [_step("Rounding to the invoice", month.invoice_rounding_usd)] if month.invoice_rounding_usd else []
    invoice = billed + 2 + len(rounding)
    invoiced = f"ROUND(C{billed}{f'+C{invoice - 1}' if rounding else ''}-C{invoice},{BILL_PLACES})"
    return [
        *rows,
        *rounding,
        _step(f"Invoice {month.invoice_number}, {month.invoice_currency}", month.invoice_total, is_end=True),
        _step("Billed less invoice", month.invoice_difference_usd, gate="G5", formula=invoiced),
    ]


def _step(label: str, amount: Decimal | None, *, gate: str = "", formula: str = "", is_end: bool = False) -> Row:
    return (
        Cell(label, Kind.TEXT, is_bold=is_end),
        Cell(amount, Kind.EXACT, is_bold=is_end),
        Cell(amount, Kind.USD, formula, is_bold=is_end),
        gate,
    )
