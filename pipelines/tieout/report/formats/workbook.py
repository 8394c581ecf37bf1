"""The weekly report as an Excel workbook: amounts as numbers in cents, totals as formulas, proofs as exact text.

The result that is kept beside every formula is the report's own, and recalculating gives the same cents.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tieout.core.files import write_whole
from tieout.core.periods import day_start
from tieout.report.contents import WeeklyReport, sheets_of
from tieout.report.formats.sheets import Book, Cell, Kind, Row, Sheet, SheetColumn, share_cell
from tieout.report.section import CostColumn
from tieout.report.sections.tie_out import tie_out_rows

_FIRST_SHEET_WIDTHS = (40, 19, 19, 28)


def workbook_name(report: WeeklyReport) -> str:
    """The file's name, `tieout-2026-W46.xlsx`."""
    return f"tieout-{report.week.label}.xlsx"


def write_workbook(report: WeeklyReport, path: Path) -> Path:
    """Write the workbook, whole or not at all, and return its path."""
    return write_whole(path, render_workbook(report))


def render_workbook(report: WeeklyReport) -> bytes:
    """Return the report as an Excel workbook; the same report gives the same bytes.

    Raises:
        ValueError: an amount of the report that is to be in cents is not.
    """
    book = Book(
        {
            "title": f"Tieout · {report.programme} · {report.week.label}",
            "subject": f"Weekly cost{'' if report.is_spend_only else ' and savings'}, tied out to the bill",
            "author": "Tieout",
            "keywords": f"{report.week.label}, cost, savings, tie-out",
            "comments": f"Input hash {report.inputs.sha256}, method version {report.method_version}",
        },
        created=report.inputs.as_of or day_start(report.week.end),
        footer=f"{report.programme} · {report.week.label} · input {report.inputs.sha256[:12]}",
    )
    summary = book.sheet("Summary")
    columns = [tab.write(book.sheet(tab.name, is_wide=tab.is_wide), report) for tab in sheets_of(report)]
    _summary(summary, report, [column for column in columns if column is not None])
    return book.content


def _summary(sheet: Sheet, report: WeeklyReport, costs: Sequence[CostColumn]) -> None:
    sheet.widths(*_FIRST_SHEET_WIDTHS)
    sheet.title(f"{report.programme}, week {report.week.label}", below=f"{report.span}, UTC. {report.as_of_sentence}")
    for sentence in (*report.sentences, report.tie_out.sentence, report.days_sentence):
        sheet.paragraph(sentence, columns=len(_FIRST_SHEET_WIDTHS))
    money = Kind.CENTS
    if not report.is_spend_only:
        sheet.heading("What was saved")
        sheet.table(
            (
                SheetColumn("Avoided cost against the baseline", width=40),
                SheetColumn("In the week", money, width=19),
                SheetColumn("A measured day", money, width=19),
            ),
            list(_saving_rows(report)),
        )
    sheet.heading("What it cost, and whether the sheets agree")
    sheet.table(
        (
            SheetColumn("Cost of the week"),
            SheetColumn("Amount", money, width=19),
            SheetColumn("Against the report", width=19),
        ),
        list(_cost_rows(report, costs)),
    )
    sheet.heading("Whether it ties to the bill")
    sheet.table(
        (SheetColumn("This week, in dollars to the last digit"), SheetColumn("", Kind.EXACT, width=19)),
        tie_out_rows(report.tie_out),
    )
    sheet.line(report.gates_sentence)


def _saving_rows(report: WeeklyReport) -> Iterator[Row]:
    headline, rates = report.headline, report.headline.rates
    yield "Status", Cell(headline.standing.state, Kind.EXACT, is_bold=True), None
    yield "Avoided cost", headline.avoided_usd, headline.avoided_usd_per_day
    yield "± half of its 90% interval", headline.half_width_usd, headline.half_width_usd_per_day
    yield "Measured days", Cell(headline.measured_days, Kind.COUNT), None
    if report.has_projection:
        yield "Saving as published", None, headline.published_usd_per_day
        yield "Projection at measured seconds per call", None, headline.restated_usd_per_day
        yield "Realized of the published saving", None, share_cell(rates.vs_published)
        yield "Realized of the restated projection", None, share_cell(rates.vs_restated)
    yield "Cost cut for the same work", None, share_cell(rates.cost_cut)
    if report.has_projection:
        yield "Cost cut as claimed", None, share_cell(rates.claimed_cost_cut)


def _cost_rows(report: WeeklyReport, costs: Sequence[CostColumn]) -> Iterator[Row]:
    cost = report.spend.total_usd
    yield "Attributed to functions, in cents", cost, None
    yield "Of it without a call", report.unattributed.total_usd, None
    for each in costs:
        placed = each.placed
        total = f"ROUND(SUM({placed.column(each.column)}),2)" if placed.rows else "0"
        agreement = Cell("agrees", Kind.TEXT, f'IF({total}={cost},"agrees","differs")')
        yield f"Sum of the sheet {placed.sheet}", Cell(cost, Kind.CENTS, total), agreement
