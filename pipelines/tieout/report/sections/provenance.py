"""What a week was made from, as the last sheet of the workbook: hashes that nobody has to read first."""

from tieout.report.formats.sheets import Kind, Sheet, SheetColumn
from tieout.report.inputs import Inputs


def write_inputs(sheet: Sheet, inputs: Inputs, *, method: str, revision: int) -> None:
    """Write the sheet of the hashes, the method's version and the revision."""
    sheet.title("What the week was made from", below="The same inputs, catalog and method give the same figures.")
    sheet.table(
        (SheetColumn("Input"), SheetColumn("Value", Kind.EXACT)),
        [
            ("Input hash", inputs.sha256),
            ("Bills and call logs it covers", f"{inputs.deliveries:,}"),
            ("Catalog", inputs.catalog_sha256),
            ("Frozen baseline", "not frozen" if inputs.baseline_sha256 is None else inputs.baseline_sha256),
            ("Method version", method),
            ("Revision of this week", str(revision)),
        ],
    )
