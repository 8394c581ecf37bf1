"""The audit of the projection: what the claim says against its own figures and the rate card."""

from collections.abc import Iterable, Iterator

from tieout.audit.entries import AuditEntry, Detail
from tieout.report.formats.sheets import Row, Sheet, SheetColumn


def write_audit(sheet: Sheet, entries: Iterable[AuditEntry]) -> None:
    """Write the sheet of the audit."""
    sheet.title("The projection audited", below="What the claim says against its own figures and the rate card.")
    columns = (
        SheetColumn("Severity"),
        SheetColumn("Subject"),
        SheetColumn("Statement", width=60, wraps=True),
        SheetColumn("Arithmetic", width=50, wraps=True),
        SheetColumn("Published"),
        SheetColumn("Computed"),
    )
    rows = [row for entry in entries for row in _rows(entry)]
    sheet.browse(sheet.table(columns, rows), len(columns))


def _rows(entry: AuditEntry) -> Iterator[Row]:
    """The entry, and below it its details."""
    yield entry.severity.value, entry.subject, entry.statement, *_figures(entry)
    for detail in entry.details:
        yield entry.severity.value, detail.subject, detail.label, *_figures(detail)


def _figures(line: AuditEntry | Detail) -> Row:
    return line.arithmetic, None if line.published is None else line.published.text, line.computed.text
