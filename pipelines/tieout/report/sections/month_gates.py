"""The gates of a month: itemised, billed and invoiced (G3 to G5; docs/reference/rules.md, "Reconciliation")."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from tieout.core.money import CENT, format_usd
from tieout.core.periods import IsoWeek, days_between
from tieout.report.inputs import week_bounds
from tieout.report.sections.tie_out import Gate, GateOutcome
from tieout.report.wording import count, listing
from tieout.warehouse.parsed import answers

DOLLARS = "USD"

_MONTHS = """
select
    month, metered_usd, itemised_usd, not_itemised_usd, adjustments_usd, billed_usd, bill_difference_usd,
    breakdown_difference_usd, is_closed
from reconciliation.months
where month >= date_trunc('month', $since::timestamp)::date and month < $until
order by month
"""

_INVOICES = """
select number, currency, total, decimals, billed_usd, is_closed, rounding_usd, difference_usd
from reconciliation.invoices
where month = $month
"""

_LANDED_IN_MONTH = """
select count(distinct hour::date)
from staging.billing_intervals
where reading = 'now' and hour >= $month and hour < $month::timestamp + interval 1 month
"""


@dataclass(frozen=True)
class _Month:
    """A row of reconciliation.months, or a month without one, and how many of its days have landed reports."""

    first_day: dt.date
    landed_days: int
    is_summarised: bool
    metered_usd: Decimal = Decimal(0)
    itemised_usd: Decimal = Decimal(0)
    not_itemised_usd: Decimal = Decimal(0)
    adjustments_usd: Decimal = Decimal(0)
    billed_usd: Decimal = Decimal(0)
    bill_difference_usd: Decimal = Decimal(0)
    breakdown_difference_usd: Decimal | None = None
    is_closed: bool = True

    @property
    def name(self) -> str:
        return f"{self.first_day:%Y-%m}"

    @property
    def days(self) -> int:
        following = (self.first_day + dt.timedelta(days=32)).replace(day=1)
        return len(days_between(self.first_day, following))


def read_month_gates(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> tuple[Gate, Gate, Gate]:
    """Judge G3, G4 and G5 for the months that the week lies in."""
    months = _months(con, week)
    return _itemised(months), _billed(months), _invoiced(_invoices(con, months))


def _months(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> list[_Month]:
    summarised = {row[0]: row[1:] for row in answers(con, _MONTHS, week_bounds(week))}
    months = []
    for first_day in sorted({day.replace(day=1) for day in week.days()}):
        [(landed,)] = answers(con, _LANDED_IN_MONTH, {"month": first_day})
        months.append(_Month(first_day, landed, first_day in summarised, *summarised.get(first_day, ())))
    return months


def _itemised(months: Sequence[_Month]) -> Gate:
    title = "Each month's items add up to what was metered"
    if not any(month.is_summarised for month in months):
        return Gate("G3", title, GateOutcome.NOT_MEASURED, _no_summary(months))
    sentences = [_itemised_sentence(month) for month in months]
    over = [month for month in months if abs(month.not_itemised_usd) > CENT]
    complete = all(month.is_summarised for month in months) and not over
    details = tuple(
        f"{month.name}: reports of {month.landed_days} of {count(month.days, 'day')} are landed; "
        "the month is complete only when all are."
        for month in months
        if month.is_summarised and month.landed_days < month.days
    )
    return Gate("G3", title, GateOutcome.PASSED if complete else GateOutcome.WARNING, " ".join(sentences), details)


def _itemised_sentence(month: _Month) -> str:
    if not month.is_summarised:
        return f"{month.name}: no billing summary is landed."
    so_far = "" if month.is_closed else " by a summary read before the month was over"
    return (
        f"{month.name}: {format_usd(month.metered_usd, 8)} metered{so_far}, {format_usd(month.itemised_usd, 8)} "
        f"itemised, {format_usd(month.not_itemised_usd, 8)} not itemised."
    )


def _billed(months: Sequence[_Month]) -> Gate:
    title = "Metered plus adjustments equals billed"
    if not any(month.is_summarised for month in months):
        return Gate("G4", title, GateOutcome.NOT_MEASURED, _no_summary(months))
    sentences = [_billed_sentence(month) for month in months]
    if any(month.bill_difference_usd for month in months):
        outcome = GateOutcome.BLOCKED
    elif any(_breakdown_is_off(month) or not month.is_summarised for month in months):
        outcome = GateOutcome.WARNING
    else:
        outcome = GateOutcome.PASSED
    details = tuple(
        f"{month.name}: the summary's own parts differ from its total by "
        f"{format_usd(month.breakdown_difference_usd, 8)}."
        for month in months
        if month.breakdown_difference_usd
    )
    return Gate("G4", title, outcome, " ".join(sentences), details)


def _breakdown_is_off(month: _Month) -> bool:
    return month.breakdown_difference_usd is not None and abs(month.breakdown_difference_usd) > CENT


def _billed_sentence(month: _Month) -> str:
    if not month.is_summarised:
        return f"{month.name}: no billing summary is landed."
    sign = "−" if month.adjustments_usd < 0 else "+"
    return (
        f"{month.name}: {format_usd(month.metered_usd, 8)} {sign} {format_usd(abs(month.adjustments_usd), 8)} "
        f"against {format_usd(month.billed_usd, 8)} billed, difference {format_usd(month.bill_difference_usd, 8)}."
    )


def _no_summary(months: Sequence[_Month]) -> str:
    return f"No billing summary is landed for {listing([month.name for month in months])}."


@dataclass(frozen=True)
class _Invoice:
    """A row of reconciliation.invoices, or a month without one."""

    month: str
    number: str = ""
    currency: str = ""
    total: Decimal | None = None
    decimals: int = 2
    billed_usd: Decimal | None = None
    is_closed: bool | None = None
    rounding_usd: Decimal | None = None
    difference_usd: Decimal | None = None

    @property
    def outcome(self) -> GateOutcome:
        if self.total is None:
            return GateOutcome.NOT_MEASURED
        if self.currency != DOLLARS or (self.difference_usd and self.is_closed):
            return GateOutcome.BLOCKED
        return GateOutcome.WARNING if self.difference_usd is None or self.difference_usd else GateOutcome.PASSED

    @property
    def sentence(self) -> str:
        if self.total is None:
            return f"{self.month}: no invoice is landed."
        if self.currency != DOLLARS:
            return (
                f"{self.month}: invoice {self.number} is over {self.total:,.2f} {self.currency}; "
                "only one in USD can be held against the bill."
            )
        named = f"{self.month}: invoice {self.number} over {format_usd(self.total, self.decimals)}"
        if self.billed_usd is None or self.difference_usd is None:
            return f"{named}; no billing summary is landed to hold it against."
        compared = f"{named} against {format_usd(self.billed_usd, 8)} billed"
        if self.rounding_usd and self.is_closed:
            compared = f"{compared}, rounded to {format_usd(self.billed_usd + self.rounding_usd, self.decimals)}"
        if self.difference_usd and not self.is_closed:
            return f"{compared} by a summary read before the month was over; land a later one to hold it against."
        tax = " The file's total counts as before tax." if self.difference_usd < 0 else ""
        return f"{compared}, difference {format_usd(self.difference_usd, self.decimals)}.{tax}"


def _invoices(con: duckdb.DuckDBPyConnection, months: Sequence[_Month]) -> list[_Invoice]:
    invoices = []
    for month in months:
        rows = answers(con, _INVOICES, {"month": month.first_day})
        invoices.append(_Invoice(month.name, *(rows[0] if rows else ())))
    return invoices


def _invoiced(invoices: Sequence[_Invoice]) -> Gate:
    """Judge by the worst of the months that have an invoice."""
    title = "The invoice is what was billed"
    outcomes = {invoice.outcome for invoice in invoices}
    severity = (GateOutcome.BLOCKED, GateOutcome.WARNING, GateOutcome.PASSED, GateOutcome.NOT_MEASURED)
    worst = next(outcome for outcome in severity if outcome in outcomes)
    return Gate("G5", title, worst, " ".join(invoice.sentence for invoice in invoices))
