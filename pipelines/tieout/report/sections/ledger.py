"""The ledger of the programme: every function in every phase."""

from dataclasses import dataclass
from decimal import Decimal

from tieout.core.money import CENT
from tieout.report.formats.sheets import Kind, Sheet, SheetColumn
from tieout.report.sections.savings import Savings, Standing, standing_of
from tieout.report.wording import count, listing
from tieout.savings.function_measurement import FunctionMeasurement
from tieout.savings.ledger import LedgerLine, LedgerState
from tieout.savings.printed import PrintedSaving
from tieout.savings.status import Status
from tieout.savings.week import WeekMeasurement

MOST_NAMED = 3


@dataclass(frozen=True)
class LedgerRow:
    """A function in a phase: where it stands, and its part of the week's avoided cost, in cents that add up."""

    phase: str
    function: str
    standing: Standing
    avoided_usd: Decimal | None
    half_width_usd: Decimal | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What stands against the amount, or why there is none."""
        return self.standing.notes(self.avoided_usd)


@dataclass(frozen=True)
class Ledger:
    """Function × phase; the rows add up to the total, the week's avoided cost."""

    rows: tuple[LedgerRow, ...]
    total_usd: Decimal | None
    half_width_usd: Decimal | None

    @property
    def width_remark(self) -> str | None:
        """Why the total is known better than a line of it; None where it is not."""
        widths = [row.half_width_usd for row in self.rows if row.half_width_usd is not None]
        if self.half_width_usd is None or not widths or self.half_width_usd >= max(widths):
            return None
        return (
            "The ± of the total is below that of a line: the functions share what was billed, so what one is charged "
            "too much, another is charged too little."
        )

    def total_remark(self, total: Standing) -> str | None:
        """Why the total is verified though none of its lines is; None where one is, or where it is not."""
        lines = {row.function: row.standing.state for row in self.rows if row.avoided_usd is not None}
        if total.state != Status.VERIFIED or Status.VERIFIED in lines.values():
            return None
        said = [f"{function} {state}" for function, state in list(lines.items())[:MOST_NAMED]]
        if more := len(lines) - len(said):
            said.append(count(more, "other"))
        return (
            f"The total is verified and none of its functions is ({listing(said)}). What one is charged too much, "
            "another is charged too little, so the sum is known better than its parts."
        )


def describe_ledger(measurement: WeekMeasurement, savings: Savings, printed: PrintedSaving) -> Ledger:
    """Set out function × phase; a function's phases add up to the cents of its line in `savings`."""
    return Ledger(
        rows=tuple(
            LedgerRow(
                phase=listing(line.phases),
                function=line.function,
                standing=_standing(line, measurement.function(line.function)),
                avoided_usd=printed.ledger_usd.get((line.function, line.phases)),
                half_width_usd=None if line.half_width_usd is None else line.half_width_usd.quantize(CENT),
            )
            for line in measurement.ledger
        ),
        total_usd=savings.total.avoided_usd,
        half_width_usd=savings.total.half_width_usd,
    )


def _standing(line: LedgerLine, function: FunctionMeasurement) -> Standing:
    if isinstance(line.state, LedgerState):
        return Standing(line.state.value)
    return standing_of(function.judgement)


def write_ledger(sheet: Sheet, ledger: Ledger, *, baseline: str, total: Standing) -> None:
    """Write the sheet of the ledger; `baseline` says which days the week is compared with."""
    remark = ledger.total_remark(total) or ledger.width_remark
    below = baseline if remark is None else f"{baseline} {remark}"
    sheet.title("Ledger: every function in every phase", below=below)
    columns = (
        SheetColumn("Phase"),
        SheetColumn("Function"),
        SheetColumn("State"),
        SheetColumn("Avoided cost", Kind.CENTS, has_total=True),
        SheetColumn("± (90%)", Kind.CENTS),
        SheetColumn("Why no better", width=70, wraps=True),
    )
    rows = [
        (row.phase, row.function, row.standing.state, row.avoided_usd, row.half_width_usd, "; ".join(row.notes))
        for row in ledger.rows
    ]
    sheet.browse(sheet.table(columns, rows, total="Total"), len(columns), fixed=2)
