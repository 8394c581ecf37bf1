"""The figures behind the report's totals as frozen values: cost and calls day by day, and months up to the invoice."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class DailyCost:
    """A function in a phase on one UTC day.

    Attributes:
        day: the day.
        function: its name; outside the programme's environment, with its own.
        phase: rollout phase of the containers.
        amount_usd: cents; those of a week add up to its cost.
        exact_usd: the same to the last digit.
        successful_calls: distinct function calls that ended in success.
    """

    day: dt.date
    function: str
    phase: str
    amount_usd: Decimal
    exact_usd: Decimal
    successful_calls: int


@dataclass(frozen=True)
class NamedAdjustment:
    """One adjustment of a month's bill, exact, by Modal's name for it."""

    name: str
    amount_usd: Decimal


@dataclass(frozen=True)
class MonthReconciled:
    """A month that Modal summarised, exact: itemised + not itemised = metered, + adjustments = billed = invoice.

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
        invoice_difference_usd: billed less invoice; None without an invoice in dollars.
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
    invoice_difference_usd: Decimal | None


@dataclass(frozen=True)
class Workings:
    """What the workbook has beyond the printed report: every day of the week, and its months up to the invoice."""

    daily: tuple[DailyCost, ...]
    months: tuple[MonthReconciled, ...]
