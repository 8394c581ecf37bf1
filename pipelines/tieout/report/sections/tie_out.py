"""The tie-out: the bill of the week against what was attributed of it (docs/reference/rules.md, "Reconciliation")."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import duckdb

from tieout.core.money import format_usd
from tieout.core.periods import IsoWeek
from tieout.report.formats.sheets import Cell, Kind, Row, Sheet, SheetColumn
from tieout.report.inputs import week_bounds
from tieout.report.sections.months import MonthReconciled, month_rows
from tieout.report.wording import count
from tieout.warehouse.parsed import answers

_POOLS = """
select
    count(*),
    count(*) filter (where difference_usd != 0),
    coalesce(sum(billed_usd), 0)::decimal(38, 12),
    coalesce(sum(attributed_usd), 0)::decimal(38, 12)
from reconciliation.pools
where hour >= $since and hour < $until
"""

_REMAINDERS = """
select count(*), coalesce(sum(remainder_usd), 0)
from reconciliation.remainders
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


@dataclass(frozen=True)
class TieOut:
    """The bill of the week against what was attributed of it, exact to 1e-12 $.

    Of `remainders` amounts the bill prints more than 12 decimals: `remainder_usd` is what is beyond them, to 38.
    """

    hours: int
    pools: int
    pools_off: int
    billed_usd: Decimal
    attributed_usd: Decimal
    remainders: int = 0
    remainder_usd: Decimal = Decimal(0)

    @property
    def difference_usd(self) -> Decimal:
        """Attributed less billed: zero, or the week is blocked."""
        return self.attributed_usd - self.billed_usd

    @property
    def sentence(self) -> str:
        """The line that proves the week."""
        if not self.pools:
            return "Nothing was billed in the landed reports of this week, so there is nothing to tie out."
        billed, attributed = format_usd(self.billed_usd, 12), format_usd(self.attributed_usd, 12)
        amounts = f"{billed} billed = attributed"
        if self.billed_usd != self.attributed_usd:
            amounts = f"{billed} billed, {attributed} attributed"
        off = f", {count(self.pools_off, 'pool')} off" if self.pools_off else ""
        return (
            f"{count(self.hours, 'hour')}, {count(self.pools, 'pool')}{off}: {amounts}, "
            f"difference {format_usd(self.difference_usd, 12)}.{self._beyond}"
        )

    @property
    def _beyond(self) -> str:
        if not self.remainders:
            return ""
        amounts = count(self.remainders, "amount")
        return f" Beyond 12 decimals the bill prints {format_usd(self.remainder_usd, 38)} more, on {amounts}."


class GateOutcome(StrEnum):
    """How a gate stands."""

    PASSED = "passed"
    WARNING = "warning"
    BLOCKED = "blocked"
    NOT_MEASURED = "not measured"


_SUBJECTS: Mapping[str, str] = {
    "G1": "conservation",
    "G2": "control total",
    "G3": "month",
    "G4": "bill",
    "G5": "invoice",
    "G6": "log against bill",
    "G7": "freshness",
    "G8": "completeness",
}


@dataclass(frozen=True)
class Gate:
    """One gate of the reconciliation: what it came to, in a sentence with its figures, and lines worth a look."""

    code: str
    title: str
    outcome: GateOutcome
    sentence: str
    details: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its code and what it is about: `G5 invoice`."""
        return f"{self.code} {_SUBJECTS[self.code]}"


@dataclass(frozen=True)
class TieVerdict:
    """A word or two, and how they stand."""

    word: str
    outcome: GateOutcome


def read_tie_out(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> TieOut:
    """Compare the week's bill with what was attributed of it."""
    [(pools, off, billed, attributed)] = answers(con, _POOLS, week_bounds(week))
    [(hours,)] = answers(con, _BILLED_HOURS, week_bounds(week))
    [(remainders, remainder)] = answers(con, _REMAINDERS, week_bounds(week))
    return TieOut(hours, pools, off, billed, attributed, remainders, remainder)


def write_reconciliation(sheet: Sheet, tie_out: TieOut, months: Iterable[MonthReconciled]) -> None:
    """Write the sheet from attributed to metered, billed and the invoice."""
    sheet.title("Reconciliation: from attributed to metered, billed and the invoice", below="Amounts in US dollars.")
    sheet.table((SheetColumn("The week"), SheetColumn("Every digit", Kind.EXACT)), tie_out_rows(tie_out))
    for month in months:
        sheet.heading(f"The month {month.month:%Y-%m}")
        columns = (
            SheetColumn("Step"),
            SheetColumn("Every digit", Kind.EXACT),
            SheetColumn("Amount", Kind.USD),
            SheetColumn("Gate"),
        )
        sheet.table(columns, month_rows(month, first=sheet.next_row + 1))


def tie_out_rows(tie_out: TieOut) -> list[Row]:
    """Return what proves the week, to the last digit."""
    rows: list[Row] = [
        ("Billed amounts (pools)", Cell(tie_out.pools, Kind.COUNT)),
        ("of them off", Cell(tie_out.pools_off, Kind.COUNT)),
        ("Billed, as metered", tie_out.billed_usd),
        ("Attributed to functions", tie_out.attributed_usd),
        ("Difference", tie_out.difference_usd),
    ]
    if tie_out.remainders:
        rows.append(("Printed beyond 12 decimals", tie_out.remainder_usd))
    return rows
