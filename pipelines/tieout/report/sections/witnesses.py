"""The witnesses of a week's saving: other ways to the same amount, beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tieout.core.money import CENT, format_usd, in_cents
from tieout.report.formats.sheets import Kind, Sheet, SheetColumn
from tieout.report.wording import listing
from tieout.savings.disagreement import WitnessKind
from tieout.savings.printed import PrintedSaving
from tieout.savings.week import WeekMeasurement

WITNESSES: Mapping[WitnessKind, str] = {
    WitnessKind.REGRESSION: "cost on calls alone",
    WitnessKind.REPLAY: "replay on the old containers",
    WitnessKind.SAME_DAYS: "old and new on the same days",
}
THIS_REPORT = "this report"


@dataclass(frozen=True)
class WitnessLine:
    """What one witness says of all functions together, in cents.

    Attributes:
        name: in words; the first line is the report's own.
        counterfactual_usd: what the measured days would have cost.
        saving_usd: that less what they did cost.
        half_width_usd: half of its own 90% interval; None without one.
        agrees: whether it agrees with the report; None for the report itself.
    """

    name: str
    counterfactual_usd: Decimal
    saving_usd: Decimal
    half_width_usd: Decimal | None
    agrees: bool | None

    @property
    def verdict(self) -> str:
        """`yes` or `no`; empty for the report itself."""
        return "" if self.agrees is None else "yes" if self.agrees else "no"


@dataclass(frozen=True)
class Witnesses:
    """The report's own amount and its witnesses.

    Attributes:
        lines: the report first; there is at least one witness.
        allowed_usd: how far a witness may be off, in cents; None without an interval.
    """

    lines: tuple[WitnessLine, ...]
    allowed_usd: Decimal | None

    @property
    def sentence(self) -> str:
        """Who agrees within what, and who does not."""
        if self.allowed_usd is None:
            return "Without an interval nobody can tell whether the witnesses agree."
        within = f"within {format_usd(self.allowed_usd)}, half the width of the interval without them"
        apart = [line.name for line in self.lines if line.agrees is False]
        if not apart:
            return f"All witnesses agree with the saving {within}."
        verb = "does" if len(apart) == 1 else "do"
        return f"{listing(apart).capitalize()} {verb} not agree with the saving {within}."


def describe_witnesses(measurement: WeekMeasurement, printed: PrintedSaving) -> Witnesses | None:
    """Set the witnesses beside the saving, against the same actual cost; None when there are none."""
    testimony, actual = measurement.testimony, printed.total_actual_usd
    if testimony is None or not testimony.witnesses or actual is None:
        return None
    width = measurement.half_width
    own = _line(THIS_REPORT, testimony.saving_usd, actual, None if width is None else width.half_width_usd, agrees=None)
    lines = (
        _line(WITNESSES[each.kind], each.saving_usd, actual, each.half_width_usd, agrees=testimony.agrees(each))
        for each in testimony.witnesses
    )
    allowed = testimony.half_width_usd
    return Witnesses((own, *lines), None if allowed is None else allowed.quantize(CENT))


def _line(
    name: str, saving_usd: Decimal, actual_usd: Decimal, half_width_usd: Decimal | None, *, agrees: bool | None
) -> WitnessLine:
    saving = in_cents(saving_usd)
    return WitnessLine(
        name=name,
        counterfactual_usd=saving + actual_usd,
        saving_usd=saving,
        half_width_usd=None if half_width_usd is None else half_width_usd.quantize(CENT),
        agrees=agrees,
    )


def write_witnesses(sheet: Sheet, witnesses: Witnesses | None) -> None:
    """Write the sheet of the witnesses; without any it says so."""
    if witnesses is None:
        sheet.title("Witnesses of the saving", below="Nothing is claimed, or nothing was replayed.")
        return
    sheet.title("Witnesses of the saving", below=witnesses.sentence)
    columns = (
        SheetColumn("Witness"),
        SheetColumn("Counterfactual", Kind.CENTS),
        SheetColumn("Saving", Kind.CENTS),
        SheetColumn("± (90%)", Kind.CENTS),
        SheetColumn("Agrees"),
    )
    rows = [
        (line.name, line.counterfactual_usd, line.saving_usd, line.half_width_usd, line.verdict)
        for line in witnesses.lines
    ]
    sheet.browse(sheet.table(columns, rows), len(columns), fixed=1)
