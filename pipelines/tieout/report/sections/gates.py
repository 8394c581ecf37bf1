"""The gates of the reconciliation, judged for the week (docs/reference/rules.md, "Reconciliation")."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from tieout.core.money import format_usd
from tieout.core.periods import IsoWeek
from tieout.report.formats.sheets import Sheet, SheetColumn
from tieout.report.inputs import DayState, ReportDay, days_of_week, states_of_landed_days, week_bounds
from tieout.report.sections.month_gates import read_month_gates
from tieout.report.sections.tie_out import Gate, GateOutcome, TieOut, read_tie_out
from tieout.report.wording import count, day_name, listing, share_of, signed_usd, spoken
from tieout.warehouse.parsed import answers

NO_CALLS = "__no_calls__"
WORST_LINES = 5

_CONTROLS = """
select control, count(*)
from staging.billing_totals
where reading = 'now' and hour >= $since and hour < $until
group by all
"""

_RESTATED = """
select file_after, count(*), sum(moved_usd)::decimal(38, 12)
from reconciliation.restated_pools
where hour >= $since and hour < $until
group by all
order by file_after
"""

_LOG_VS_BILL = """
select environment, function, day::date, outcome, billed_usd, modelled_usd
from reconciliation.log_vs_bill
where day >= $since and day < $until and (billed_usd != 0 or container_us > 0)
order by all
"""

_COMPLETENESS = """
select function, day::date, counted_calls, logged_calls + terminated_calls, outcome
from reconciliation.completeness
where day >= $since and day < $until
order by abs(counted_calls - logged_calls) desc, environment, app, function, day
"""

_RUNNING = """
select count(*) from usage.hours where hour >= $since and hour < $until and component = 'execution'
"""

_EQUAL_CONTROLS = ("equal", "rounding", "dropped")
_CLOSING_CONTROLS = ("off", "missing")


def read_gates(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, *, tie_out: TieOut, days: Sequence[ReportDay]
) -> tuple[Gate, ...]:
    """Judge every gate for the week, in the order of their codes."""
    return (
        _conservation(tie_out, days),
        _control_total(con, week, days),
        *read_month_gates(con, week),
        _log_against_bill(con, week, tie_out=tie_out, days=days),
        _freshness(con, week, days),
        _completeness(con, week),
    )


def judge_week(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> tuple[tuple[ReportDay, ...], tuple[Gate, ...]]:
    """Return the days of a built week and its gates, as its report judges them."""
    days = days_of_week(states_of_landed_days(con, week), week)
    return days, read_gates(con, week, tie_out=read_tie_out(con, week), days=days)


def obstacles(days: Sequence[ReportDay], gates: Sequence[Gate]) -> tuple[str, ...]:
    """Say what stands in the way of issuing a week: days that are not settled, gates that are closed."""
    unsettled = sum(day.state is not DayState.SETTLED for day in days)
    closed = [f"{gate.code} is not passed" for gate in gates if gate.outcome is GateOutcome.BLOCKED]
    if not unsettled:
        return tuple(closed)
    return f"{unsettled} of {count(len(days), 'day')} {'is' if unsettled == 1 else 'are'} not settled", *closed


def _conservation(tie_out: TieOut, days: Sequence[ReportDay]) -> Gate:
    title = "Attributed cost equals the bill in every pool"
    if not tie_out.pools:
        return Gate("G1", title, GateOutcome.NOT_MEASURED, _nothing_billed(days))
    if tie_out.pools_off:
        sentence = f"{tie_out.pools_off:,} of {count(tie_out.pools, 'pool')} differ; the week must not be used."
        return Gate("G1", title, GateOutcome.BLOCKED, sentence)
    sentence = f"{count(tie_out.pools, 'pool')}, none off, at zero tolerance."
    return Gate("G1", title, GateOutcome.PASSED, sentence)


def _nothing_billed(days: Sequence[ReportDay]) -> str:
    landed = [day for day in days if day.state is not DayState.NOT_LANDED]
    if not landed:
        return "No whole day's bill is landed for this week."
    missing = len(days) - len(landed)
    return f"Nothing was billed on the {count(len(landed), 'landed day')}{f' of {len(days)}' if missing else ''}."


def _control_total(con: duckdb.DuckDBPyConnection, week: IsoWeek, days: Sequence[ReportDay]) -> Gate:
    title = "The breakdown adds up to the plain report"
    controls: Counter[str] = Counter(dict(answers(con, _CONTROLS, week_bounds(week))))
    total = controls.total()
    if not total:
        return Gate("G2", title, GateOutcome.NOT_MEASURED, _nothing_billed(days))
    closing = sum(controls[control] for control in _CLOSING_CONTROLS)
    equal = sum(controls[control] for control in _EQUAL_CONTROLS)
    parts = [
        f"{controls['equal']:,} equal",
        f"{controls['rounding']:,} equal but for rounding (kept as rows of their own)",
        f"{controls['dropped']:,} without a breakdown (taken whole from the plain report)",
        f"{controls['older'] + controls['newer']:,} whose two reports were read at different times (the later holds)",
        f"{controls['plain only']:,} in the plain report only",
        f"{controls['breakdown only']:,} in the breakdown only (it lacks what Modal does not break down)",
        f"{controls['inexact']:,} whose own parts do not add up to them (the rest is kept as rows of their own)",
        f"{closing:,} off or missing",
    ]
    sentence = f"Of {count(total, 'total')}: {listing([part for part in parts if not part.startswith('0 ')])}."
    if closing:
        return Gate("G2", title, GateOutcome.BLOCKED, sentence)
    return Gate("G2", title, GateOutcome.PASSED if equal == total else GateOutcome.WARNING, sentence)


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
            f"{spoken(self.function)} on {day_name(self.day)}: {self.outcome}, bill {format_usd(self.billed_usd)}, "
            f"log {format_usd(self.modelled_usd)}{covered}."
        )


def _log_against_bill(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, *, tie_out: TieOut, days: Sequence[ReportDay]
) -> Gate:
    title = "The call log accounts for the bill"
    if not tie_out.pools and all(day.state is not DayState.NOT_LANDED for day in days):
        [(hours,)] = answers(con, _RUNNING, week_bounds(week))
        if hours:
            sentence = "Functions ran, but the landed bill of the whole week has no cost: it cannot be all of the bill."
            return Gate("G6", title, GateOutcome.BLOCKED, sentence)
    rows = answers(con, _LOG_VS_BILL, week_bounds(week))
    compared = [_FunctionDay(*row[1:]) for row in rows if is_logged(row[1])]
    if not compared:
        return Gate("G6", title, GateOutcome.NOT_MEASURED, "No function has calls or cost in this week.")
    outcomes = Counter(day.outcome for day in compared)
    worst = sorted((day for day in compared if day.outcome != "matched"), key=lambda day: (-day.gap_usd, day.day))
    counts = [f"{outcomes[name]:,} {name}" for name in ("matched", "bill only", "log only", "amount mismatch")]
    sentence = f"Of {count(len(compared), 'function day')}: {listing([c for c in counts if not c.startswith('0 ')])}."
    details = tuple(day.sentence for day in worst[:WORST_LINES])
    return Gate("G6", title, GateOutcome.WARNING if worst else GateOutcome.PASSED, sentence, details)


def is_logged(function: str) -> bool:
    """Whether a call log could account for the cost: that of functions and of idle apps, not of servers or volumes."""
    return function == NO_CALLS or not function.startswith("__")


def _freshness(con: duckdb.DuckDBPyConnection, week: IsoWeek, days: Sequence[ReportDay]) -> Gate:
    title = "Every day is settled"
    restated = answers(con, _RESTATED, week_bounds(week))
    details = tuple(
        f"{count(pools, 'settled pool')} restated by {signed_usd(moved)}: {path}." for path, pools, moved in restated
    )
    pools = sum(pools for _, pools, _ in restated)
    moved = f" {count(pools, 'pool')} restated since settled." if pools else ""
    open_days = [day for day in days if day.state is not DayState.SETTLED]
    if not open_days:
        return Gate("G7", title, GateOutcome.PASSED, f"{count(len(days), 'day')}, all settled.{moved}", details)
    details = (*(f"{day_name(day.day)}: {day.state}." for day in open_days), *details)
    sentence = f"{len(open_days)} of {count(len(days), 'day')} not settled; their cost may still move.{moved}"
    return Gate("G7", title, GateOutcome.WARNING, sentence, details)


def _completeness(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> Gate:
    title = "The call log has every call that Modal counts"
    rows = answers(con, _COMPLETENESS, week_bounds(week))
    if not rows:
        return Gate("G8", title, GateOutcome.NOT_MEASURED, "Modal's own counts of calls are not landed for this week.")
    outcomes = Counter(outcome for *_, outcome in rows)
    counts = [f"{outcomes[name]:,} {name}" for name in ("complete", "short", "beyond")]
    details = tuple(
        f"{spoken(function)} on {day_name(day)}: {outcome}, Modal counts {count(counted, 'call')}, "
        f"the log has {logged:,}."
        for function, day, counted, logged, outcome in rows
        if outcome != "complete"
    )
    return Gate(
        "G8",
        title,
        GateOutcome.WARNING if details else GateOutcome.PASSED,
        f"Of {count(len(rows), 'function day')}: {listing([c for c in counts if not c.startswith('0 ')])}.",
        details[:WORST_LINES],
    )


def write_gates(sheet: Sheet, gates: Iterable[Gate], *, summary: str) -> None:
    """Write the sheet of the gates."""
    sheet.title("Gates", below=summary)
    columns = (
        SheetColumn("Gate"),
        SheetColumn("Outcome"),
        SheetColumn("What it asks"),
        SheetColumn("What it came to", width=80, wraps=True),
    )
    rows = [(gate.code, gate.outcome.value, gate.title, " ".join((gate.sentence, *gate.details))) for gate in gates]
    sheet.browse(sheet.table(columns, rows), len(columns))
