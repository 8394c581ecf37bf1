"""The tie-out and the gates of the reconciliation, read from the warehouse (docs/method.md, "Reconciliation")."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from tieout.core.money import CENT, format_usd
from tieout.core.periods import IsoWeek, day_start, days_between
from tieout.report.contents import DayState, Gate, Outcome, ReportDay, TieOut
from tieout.report.issue_contents import signed_usd
from tieout.report.wording import count, day_name, listing, share_of

NO_CALLS = "__no_calls__"
WORST_LINES = 5
DOLLARS = "USD"

_POOLS = """
select
    count(*),
    count(*) filter (where difference_usd != 0),
    coalesce(sum(billed_usd), 0)::decimal(38, 12),
    coalesce(sum(attributed_usd), 0)::decimal(38, 12)
from reconciliation.pools
where hour >= $since and hour < $until
"""

_BILLED_HOURS = """
select count(distinct hour) from (
    select hour from reconciliation.pools
    where hour >= $since and hour < $until and resolution = 'h'
    union all
    select unnest(range(hour, hour + interval 1 day, interval 1 hour)) as hour from reconciliation.pools
    where hour >= $since and hour < $until and resolution = 'd'
)
"""

_CONTROLS = """
select control, count(*)
from staging.billing_totals
where reading = 'now' and hour >= $since and hour < $until
group by all
"""

_MONTHS = """
select
    month, metered_usd, itemised_usd, not_itemised_usd, adjustments_usd, billed_usd, bill_difference_usd,
    breakdown_difference_usd, is_closed
from reconciliation.months
where month >= date_trunc('month', $since::timestamp)::date and month < $until
order by month
"""

_INVOICES = """
select number, currency, total, billed_usd, is_closed, difference_usd
from reconciliation.invoices
where month = $month
"""

_RESTATED = """
select file_after, count(*), sum(moved_usd)::decimal(38, 12)
from reconciliation.restated_pools
where hour >= $since and hour < $until
group by all
order by file_after
"""

_LANDED_IN_MONTH = """
select count(distinct hour::date)
from staging.billing_intervals
where reading = 'now' and hour >= $month and hour < $month::timestamp + interval 1 month
"""

_LOG_VS_BILL = """
select environment, function, day::date, outcome, billed_usd, modelled_usd
from reconciliation.log_vs_bill
where day >= $since and day < $until and (billed_usd != 0 or container_us > 0)
order by all
"""

_RUNNING = """
select count(*) from usage.hourly where hour >= $since and hour < $until and component = 'execution'
"""

_EQUAL_CONTROLS = ("equal", "rounding", "dropped")
_CLOSING_CONTROLS = ("off", "missing")


def read_tie_out(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> TieOut:
    """Compare the week's bill with what was attributed of it."""
    [(pools, off, billed, attributed)] = con.execute(_POOLS, _bounds(week)).fetchall()
    [(hours,)] = con.execute(_BILLED_HOURS, _bounds(week)).fetchall()
    return TieOut(hours=hours, pools=pools, pools_off=off, billed_usd=billed, attributed_usd=attributed)


def read_gates(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, *, tie_out: TieOut, days: Sequence[ReportDay]
) -> tuple[Gate, ...]:
    """Judge every gate for the week, in the order of their codes."""
    months = _months(con, week)
    return (
        _conservation(tie_out, days),
        _control_total(con, week, days),
        _itemised(months),
        _billed(months),
        _invoiced(_invoices(con, months)),
        _log_against_bill(con, week, tie_out=tie_out, days=days),
        _freshness(con, week, days),
    )


def obstacles(days: Sequence[ReportDay], gates: Sequence[Gate]) -> tuple[str, ...]:
    """Say what stands in the way of issuing a week: days that are not settled, gates that are closed."""
    unsettled = sum(day.state is not DayState.SETTLED for day in days)
    closed = [f"{gate.code} is not passed" for gate in gates if gate.outcome is Outcome.BLOCKED]
    if not unsettled:
        return tuple(closed)
    return f"{unsettled} of {count(len(days), 'day')} {'is' if unsettled == 1 else 'are'} not settled", *closed


def _bounds(week: IsoWeek) -> dict[str, dt.datetime]:
    return {"since": day_start(week.start), "until": day_start(week.end)}


def _conservation(tie_out: TieOut, days: Sequence[ReportDay]) -> Gate:
    title = "Attributed cost equals the bill in every pool"
    if not tie_out.pools:
        return Gate("G1", title, Outcome.NOT_MEASURED, _nothing_billed(days))
    if tie_out.pools_off:
        sentence = f"{tie_out.pools_off:,} of {count(tie_out.pools, 'pool')} differ; the week must not be used."
        return Gate("G1", title, Outcome.BLOCKED, sentence)
    sentence = f"{count(tie_out.pools, 'pool')}, none off, at zero tolerance."
    return Gate("G1", title, Outcome.PASSED, sentence)


def _nothing_billed(days: Sequence[ReportDay]) -> str:
    landed = [day for day in days if day.state is not DayState.NOT_LANDED]
    if not landed:
        return "No whole day's bill is landed for this week."
    missing = len(days) - len(landed)
    return f"Nothing was billed on the {count(len(landed), 'landed day')}{f' of {len(days)}' if missing else ''}."


def _control_total(con: duckdb.DuckDBPyConnection, week: IsoWeek, days: Sequence[ReportDay]) -> Gate:
    title = "The breakdown adds up to the plain report"
    controls: Counter[str] = Counter(dict(con.execute(_CONTROLS, _bounds(week)).fetchall()))
    total = controls.total()
    if not total:
        return Gate("G2", title, Outcome.NOT_MEASURED, _nothing_billed(days))
    closing = sum(controls[control] for control in _CLOSING_CONTROLS)
    equal = sum(controls[control] for control in _EQUAL_CONTROLS)
    parts = [
        f"{controls['equal']:,} equal",
        f"{controls['rounding']:,} equal but for rounding (kept as rows of their own)",
        f"{controls['dropped']:,} without a breakdown (taken whole from the plain report)",
        f"{controls['older'] + controls['newer']:,} whose two reports were read at different times (the later holds)",
        f"{controls['plain only']:,} in the plain report only",
        f"{controls['breakdown only']:,} in the breakdown only (it lacks what Modal does not break down)",
        f"{closing:,} off or missing",
    ]
    sentence = f"Of {count(total, 'total')}: {listing([part for part in parts if not part.startswith('0 ')])}."
    if closing:
        return Gate("G2", title, Outcome.BLOCKED, sentence)
    return Gate("G2", title, Outcome.PASSED if equal == total else Outcome.WARNING, sentence)


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


def _months(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> list[_Month]:
    summarised = {row[0]: row[1:] for row in con.execute(_MONTHS, _bounds(week)).fetchall()}
    months = []
    for first_day in sorted({day.replace(day=1) for day in week.days()}):
        [(landed,)] = con.execute(_LANDED_IN_MONTH, {"month": first_day}).fetchall()
        months.append(_Month(first_day, landed, first_day in summarised, *summarised.get(first_day, ())))
    return months


def _itemised(months: Sequence[_Month]) -> Gate:
    title = "Each month's items add up to what was metered"
    if not any(month.is_summarised for month in months):
        return Gate("G3", title, Outcome.NOT_MEASURED, _no_summary(months))
    sentences = [_itemised_sentence(month) for month in months]
    over = [month for month in months if abs(month.not_itemised_usd) > CENT]
    complete = all(month.is_summarised for month in months) and not over
    details = tuple(
        f"{month.name}: reports of {month.landed_days} of {count(month.days, 'day')} are landed; "
        "the month is complete only when all are."
        for month in months
        if month.landed_days < month.days
    )
    return Gate("G3", title, Outcome.PASSED if complete else Outcome.WARNING, " ".join(sentences), details)


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
        return Gate("G4", title, Outcome.NOT_MEASURED, _no_summary(months))
    sentences = [_billed_sentence(month) for month in months]
    if any(month.bill_difference_usd for month in months):
        outcome = Outcome.BLOCKED
    elif any(_breakdown_is_off(month) or not month.is_summarised for month in months):
        outcome = Outcome.WARNING
    else:
        outcome = Outcome.PASSED
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
    billed_usd: Decimal | None = None
    is_closed: bool | None = None
    difference_usd: Decimal | None = None

    @property
    def outcome(self) -> Outcome:
        if self.total is None:
            return Outcome.NOT_MEASURED
        if self.currency != DOLLARS or (self.difference_usd and self.is_closed):
            return Outcome.BLOCKED
        return Outcome.WARNING if self.difference_usd is None or self.difference_usd else Outcome.PASSED

    @property
    def sentence(self) -> str:
        if self.total is None:
            return f"{self.month}: no invoice is landed."
        if self.currency != DOLLARS:
            return (
                f"{self.month}: invoice {self.number} is over {self.total:,.2f} {self.currency}; "
                "only one in USD can be held against the bill."
            )
        named = f"{self.month}: invoice {self.number} over {format_usd(self.total, 8)}"
        if self.billed_usd is None or self.difference_usd is None:
            return f"{named}; no billing summary is landed to hold it against."
        compared = f"{named} against {format_usd(self.billed_usd, 8)} billed"
        if self.difference_usd and not self.is_closed:
            return f"{compared} by a summary read before the month was over; land a later one to hold it against."
        tax = " The file's total counts as before tax." if self.difference_usd < 0 else ""
        return f"{compared}, difference {format_usd(self.difference_usd, 8)}.{tax}"


def _invoices(con: duckdb.DuckDBPyConnection, months: Sequence[_Month]) -> list[_Invoice]:
    invoices = []
    for month in months:
        rows = con.execute(_INVOICES, {"month": month.first_day}).fetchall()
        invoices.append(_Invoice(month.name, *(rows[0] if rows else ())))
    return invoices


def _invoiced(invoices: Sequence[_Invoice]) -> Gate:
    """Judge by the worst of the months that have an invoice."""
    title = "The invoice is what was billed"
    outcomes = {invoice.outcome for invoice in invoices}
    severity = (Outcome.BLOCKED, Outcome.WARNING, Outcome.PASSED, Outcome.NOT_MEASURED)
    worst = next(outcome for outcome in severity if outcome in outcomes)
    return Gate("G5", title, worst, " ".join(invoice.sentence for invoice in invoices))


@dataclass(frozen=True)
class _FunctionDay:
    function: str
    day: dt.date
    outcome: str
    billed_usd: Decimal
    modelled_usd: Decimal

    @property
    def gap_usd(self) -> Decimal:
        return abs(self.billed_usd - self.modelled_usd)

    @property
    def sentence(self) -> str:
        coverage = share_of(self.modelled_usd, self.billed_usd)
        covered = f", coverage {coverage}" if coverage else ""
        return (
            f"{self.function} on {day_name(self.day)}: {self.outcome}, bill {format_usd(self.billed_usd)}, "
            f"log {format_usd(self.modelled_usd)}{covered}."
        )


def _log_against_bill(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, *, tie_out: TieOut, days: Sequence[ReportDay]
) -> Gate:
    title = "The call log accounts for the bill"
    if not tie_out.pools and all(day.state is not DayState.NOT_LANDED for day in days):
        [(hours,)] = con.execute(_RUNNING, _bounds(week)).fetchall()
        if hours:
            sentence = "Functions ran, but the landed bill of the whole week has no cost: it cannot be all of the bill."
            return Gate("G6", title, Outcome.BLOCKED, sentence)
    rows = con.execute(_LOG_VS_BILL, _bounds(week)).fetchall()
    compared = [_FunctionDay(*row[1:]) for row in rows if is_logged(row[1])]
    if not compared:
        return Gate("G6", title, Outcome.NOT_MEASURED, "No function has calls or cost in this week.")
    outcomes = Counter(day.outcome for day in compared)
    worst = sorted((day for day in compared if day.outcome != "matched"), key=lambda day: (-day.gap_usd, day.day))
    counts = [f"{outcomes[name]:,} {name}" for name in ("matched", "bill only", "log only", "amount mismatch")]
    sentence = f"Of {count(len(compared), 'function day')}: {listing([c for c in counts if not c.startswith('0 ')])}."
    details = tuple(day.sentence for day in worst[:WORST_LINES])
    return Gate("G6", title, Outcome.WARNING if worst else Outcome.PASSED, sentence, details)


def is_logged(function: str) -> bool:
    """Whether a call log could account for the cost: that of functions and of idle apps, not that of volumes."""
    return function == NO_CALLS or not (function.startswith("__") and function.endswith("__"))


def _freshness(con: duckdb.DuckDBPyConnection, week: IsoWeek, days: Sequence[ReportDay]) -> Gate:
    title = "Every day is settled"
    restated = con.execute(_RESTATED, _bounds(week)).fetchall()
    details = tuple(
        f"{count(pools, 'settled pool')} restated by {signed_usd(moved)}: {path}." for path, pools, moved in restated
    )
    pools = sum(pools for _, pools, _ in restated)
    moved = f" {count(pools, 'pool')} restated since settled." if pools else ""
    open_days = [day for day in days if day.state is not DayState.SETTLED]
    if not open_days:
        return Gate("G7", title, Outcome.PASSED, f"{count(len(days), 'day')}, all settled.{moved}", details)
    details = (*(f"{day_name(day.day)}: {day.state}." for day in open_days), *details)
    sentence = f"{len(open_days)} of {count(len(days), 'day')} not settled; their cost may still move.{moved}"
    return Gate("G7", title, Outcome.WARNING, sentence, details)
