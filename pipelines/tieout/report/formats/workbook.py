"""The weekly report as an Excel workbook: amounts as numbers in cents, totals as formulas, proofs as exact text.

The result that is kept beside every formula is the report's own, and recalculating gives the same cents.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from tieout.audit.entries import AuditEntry, Detail
from tieout.core.files import write_whole
from tieout.core.periods import day_start
from tieout.report.contents import WeeklyReport
from tieout.report.formats.sheets import Book, Cell, Kind, Placed, Sheet, SheetColumn
from tieout.report.sections.months import MonthReconciled
from tieout.report.sections.savings import SavingLine
from tieout.report.wording import Share

Row = Sequence[object]

_FIRST_SHEET_WIDTHS = (40, 19, 19, 28)
_BILL_PLACES = 8  # Modal bills in hundred-millionths of a dollar; the text beside has every digit


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
            "subject": "Weekly cost and savings, tied out to the bill",
            "author": "Tieout",
            "keywords": f"{report.week.label}, cost, savings, tie-out",
            "comments": f"Input hash {report.inputs.sha256}, method version {report.method_version}",
        },
        created=report.inputs.as_of or day_start(report.week.end),
        footer=f"{report.programme} · {report.week.label} · input {report.inputs.sha256[:12]}",
    )
    summary = book.sheet("Summary")
    _ledger(book.sheet("Ledger", is_wide=True), report)
    _savings(book.sheet("Savings", is_wide=True), report)
    spend = _spend(book.sheet("Spend"), report)
    daily = _daily(book.sheet("Daily"), report)
    _bridge(book.sheet("Bridge", is_wide=True), report)
    _guardrails(book.sheet("Guardrails", is_wide=True), report)
    _reconciliation(book.sheet("Reconciliation"), report)
    _gates(book.sheet("Gates", is_wide=True), report)
    _audit(book.sheet("Audit", is_wide=True), report)
    _definitions(book.sheet("Definitions"), report)
    _summary(summary, report, spend, daily)
    return book.content


# Summary


def _summary(sheet: Sheet, report: WeeklyReport, spend: Placed, daily: Placed) -> None:
    sheet.widths(*_FIRST_SHEET_WIDTHS)
    sheet.title(f"{report.programme}, week {report.week.label}", below=f"{report.span}, UTC. {report.as_of_sentence}")
    for sentence in (*report.sentences, report.tie_out.sentence, report.days_sentence):
        sheet.paragraph(sentence, columns=len(_FIRST_SHEET_WIDTHS))
    sheet.heading("What was saved")
    money = Kind.CENTS
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
        list(_cost_rows(report, spend, daily)),
    )
    sheet.heading("Whether it ties to the bill")
    sheet.table(
        (SheetColumn("This week, in dollars to the last digit"), SheetColumn("", Kind.EXACT, width=19)),
        _tie_out_rows(report),
    )
    sheet.line(report.gates_sentence)
    sheet.heading("What it was made from")
    sheet.table((SheetColumn("Input"), SheetColumn("", width=19)), _input_rows(report))


def _saving_rows(report: WeeklyReport) -> Iterator[Row]:
    headline, rates = report.headline, report.headline.rates
    yield "Status", Cell(headline.standing.state, Kind.EXACT, is_bold=True), None
    yield "Avoided cost", headline.avoided_usd, headline.avoided_usd_per_day
    yield "± half of its 90% interval", headline.half_width_usd, headline.half_width_usd_per_day
    yield "Measured days", Cell(headline.measured_days, Kind.COUNT), None
    yield "Saving as published", None, headline.published_usd_per_day
    yield "Projection at measured seconds per call", None, headline.restated_usd_per_day
    yield "Realized of the published saving", None, _share(rates.vs_published)
    yield "Realized of the restated projection", None, _share(rates.vs_restated)
    yield "Cost cut for the same work", None, _share(rates.cost_cut)
    yield "Cost cut as claimed", None, _share(rates.claimed_cost_cut)


def _cost_rows(report: WeeklyReport, spend: Placed, daily: Placed) -> Iterator[Row]:
    cost = report.spend.total_usd
    yield "Attributed to functions, in cents", cost, None
    for placed, column in ((spend, _SPEND_COST), (daily, _DAILY_COST)):
        total = f"ROUND(SUM({placed.column(column)}),2)" if placed.rows else "0"
        agreement = Cell("agrees", Kind.TEXT, f'IF({total}={cost},"agrees","differs")')
        yield f"Sum of the sheet {placed.sheet}", Cell(cost, Kind.CENTS, total), agreement


def _tie_out_rows(report: WeeklyReport) -> list[Row]:
    tie_out = report.tie_out
    return [
        ("Billed amounts (pools)", Cell(tie_out.pools, Kind.COUNT)),
        ("of them off", Cell(tie_out.pools_off, Kind.COUNT)),
        ("Billed, as metered", tie_out.billed_usd),
        ("Attributed to functions", tie_out.attributed_usd),
        ("Difference", tie_out.difference_usd),
    ]


def _input_rows(report: WeeklyReport) -> list[Row]:
    inputs = report.inputs
    return [
        ("Input hash", inputs.sha256),
        ("Bills and call logs it covers", f"{inputs.deliveries:,}"),
        ("Catalog", inputs.catalog_sha256),
        ("Frozen baseline", "not frozen" if inputs.baseline_sha256 is None else inputs.baseline_sha256),
        ("Method version", report.method_version),
        ("Revision of this week", report.revision.number),
    ]


def _share(share: Share | None) -> Cell | None:
    """A share as the number that its sheet shows in percent, rounded to a millionth."""
    if share is None:
        return None
    millionths = round(Fraction(share.part) / Fraction(share.whole) * 1_000_000)
    return Cell(Decimal(millionths).scaleb(-6), Kind.SHARE)


# The saving


def _ledger(sheet: Sheet, report: WeeklyReport) -> None:
    sheet.title("Ledger: every function in every phase", below=report.savings.baseline_sentence)
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
        for row in report.ledger.rows
    ]
    sheet.browse(sheet.table(columns, rows, total="Total"), len(columns), fixed=2)


def _savings(sheet: Sheet, report: WeeklyReport) -> None:
    sheet.title("Realized against projected", below="Counterfactual, actual and avoided cost are of all measured days.")
    rows = [_saving_row(group.title, line) for group in report.savings.groups for line in group.lines]
    sheet.browse(sheet.table(_SAVING_COLUMNS, rows, total="Total"), len(_SAVING_COLUMNS), fixed=2)


_SAVING_COLUMNS = (
    SheetColumn("Group"),
    SheetColumn("Function"),
    SheetColumn("State"),
    SheetColumn("Counterfactual", Kind.CENTS, has_total=True),
    SheetColumn("Actual", Kind.CENTS, has_total=True),
    SheetColumn("Avoided cost", Kind.CENTS, has_total=True),
    SheetColumn("Projected a day", Kind.CENTS),
    SheetColumn("Realized", Kind.SHARE),
    SheetColumn("Calls", Kind.COUNT),
    SheetColumn("A call before", Kind.UNIT_USD),
    SheetColumn("A call now", Kind.UNIT_USD),
)


def _saving_row(group: str, line: SavingLine) -> Row:
    return (
        group,
        line.function,
        line.standing.state,
        line.counterfactual_usd,
        line.actual_usd,
        line.avoided_usd,
        line.projected_usd_per_day,
        _share(line.realization),
        line.successful_calls,
        line.before_unit_usd,
        line.after_unit_usd,
    )


def _bridge(sheet: Sheet, report: WeeklyReport) -> None:
    sheet.title("Bridge from the published to the realized saving, dollars a day")
    bridge = report.bridge
    if bridge is None:
        sheet.line("Nothing is claimed, so there is no bridge.")
        return
    columns = (
        SheetColumn("Step"),
        *(SheetColumn(phase, Kind.CENTS) for phase in bridge.phases),
        SheetColumn("Total", Kind.CENTS),
    )
    for title, stage in zip(("From published to restated", "From restated to realized"), bridge.stages, strict=True):
        sheet.heading(title)
        amounts = [(row.label, (*row.phases, row.total_usd), row.is_end) for row in stage]
        sheet.table(columns, [_bridge_row(label, values, is_end) for label, values, is_end in amounts])
    for remark in bridge.remarks:
        sheet.paragraph(remark, columns=len(columns))


def _bridge_row(label: str, amounts: Sequence[Decimal | None], is_end: bool) -> Row:
    return Cell(label, Kind.TEXT, is_bold=is_end), *(Cell(amount, Kind.CENTS, is_bold=is_end) for amount in amounts)


def _guardrails(sheet: Sheet, report: WeeklyReport) -> None:
    sheet.title(
        "Guardrails: what the rollout must not harm", below="Bounds are one-sided at 95%; pp: percentage points."
    )
    titles = ("Function", "Test", "Before", "After", "Change", "Bound", "Margin", "Verdict", "Because")
    rows = [
        (group.function, row.test, row.before, row.after, row.change, row.bound, row.margin, row.verdict, row.because)
        for group in report.guardrails
        for row in group.rows
    ]
    sheet.browse(sheet.table([SheetColumn(title) for title in titles], rows), len(titles), fixed=1)


# The cost

_SPEND_COST = 3
_DAILY_COST = 4


def _spend(sheet: Sheet, report: WeeklyReport) -> Placed:
    sheet.title("Spend by function, phase and component", below=f"{report.span}, UTC. The total follows the filter.")
    columns = (
        SheetColumn("Function"),
        SheetColumn("Phase"),
        SheetColumn("Component"),
        SheetColumn("Cost", Kind.CENTS, has_total=True),
    )
    rows = [
        (function.function, phase.phase, part.component, part.amount_usd)
        for function in report.spend.functions
        for phase in function.phases
        for part in phase.components
        if part.amount_usd
    ]
    placed = sheet.table(columns, rows, total="Total")
    sheet.browse(placed, len(columns))
    return placed


def _daily(sheet: Sheet, report: WeeklyReport) -> Placed:
    sheet.title("Cost and calls, day by day", below=f"{report.span}, UTC. The totals follow the filter.")
    columns = (
        SheetColumn("Day", Kind.DAY),
        SheetColumn("Bill"),
        SheetColumn("Function"),
        SheetColumn("Phase"),
        SheetColumn("Cost", Kind.CENTS, has_total=True),
        SheetColumn("Successful calls", Kind.COUNT, has_total=True),
        SheetColumn("Cost, every digit", Kind.EXACT),
    )
    states = {day.day: day.state.value for day in report.days}
    rows = [
        (line.day, states[line.day], line.function, line.phase, line.amount_usd, line.successful_calls, line.exact_usd)
        for line in report.daily
    ]
    placed = sheet.table(columns, rows, total="Total")
    sheet.browse(placed, len(columns), fixed=1)
    return placed


# The proof


def _reconciliation(sheet: Sheet, report: WeeklyReport) -> None:
    sheet.title("Reconciliation: from attributed to metered, billed and the invoice", below="Amounts in US dollars.")
    sheet.table((SheetColumn("The week"), SheetColumn("Every digit", Kind.EXACT)), _tie_out_rows(report))
    for month in report.months:
        sheet.heading(f"The month {month.month:%Y-%m}")
        columns = (
            SheetColumn("Step"),
            SheetColumn("Every digit", Kind.EXACT),
            SheetColumn("Amount", Kind.USD),
            SheetColumn("Gate"),
        )
        sheet.table(columns, _month_rows(month, first=sheet.next_row + 1))


def _month_rows(month: MonthReconciled, *, first: int) -> list[Row]:
    """The steps from itemised to the invoice; differences are formulas over the amounts, which stand in column C."""
    metered, billed = first + 2, first + 3 + len(month.adjustments)
    itemised = f"ROUND(C{metered}-C{first},{_BILL_PLACES})"
    adjusted = f"ROUND(SUM(C{metered}:C{billed - 1})-C{billed},{_BILL_PLACES})"
    rows = [
        _step("Itemised in landed reports", month.itemised_usd),
        _step("Not itemised", month.not_itemised_usd, gate="G3", formula=itemised),
        _step("Metered", month.metered_usd, is_end=True),
        *(_step(f"Adjustment: {each.name}", each.amount_usd) for each in month.adjustments),
        _step("Billed", month.billed_usd, is_end=True),
        _step("Metered plus adjustments less billed", month.bill_difference_usd, gate="G4", formula=adjusted),
    ]
    if month.invoice_number is None:
        return [*rows, _step("Invoice", None, gate="G5: none is landed")]
    invoiced = f"ROUND(C{billed}-C{billed + 2},{_BILL_PLACES})"
    return [
        *rows,
        _step(f"Invoice {month.invoice_number}, {month.invoice_currency}", month.invoice_total, is_end=True),
        _step("Billed less invoice", month.invoice_difference_usd, gate="G5", formula=invoiced),
    ]


def _step(label: str, amount: Decimal | None, *, gate: str = "", formula: str = "", is_end: bool = False) -> Row:
    return (
        Cell(label, Kind.TEXT, is_bold=is_end),
        Cell(amount, Kind.EXACT, is_bold=is_end),
        Cell(amount, Kind.USD, formula, is_bold=is_end),
        gate,
    )


def _gates(sheet: Sheet, report: WeeklyReport) -> None:
    sheet.title("Gates", below=report.gates_sentence)
    columns = (
        SheetColumn("Gate"),
        SheetColumn("Outcome"),
        SheetColumn("What it asks"),
        SheetColumn("What it came to", width=80, wraps=True),
    )
    rows = [
        (gate.code, gate.outcome.value, gate.title, " ".join((gate.sentence, *gate.details))) for gate in report.gates
    ]
    sheet.browse(sheet.table(columns, rows), len(columns))


def _audit(sheet: Sheet, report: WeeklyReport) -> None:
    sheet.title("The projection audited", below="What the claim says against its own figures and the rate card.")
    columns = (
        SheetColumn("Severity"),
        SheetColumn("Subject"),
        SheetColumn("Statement", width=60, wraps=True),
        SheetColumn("Arithmetic", width=50, wraps=True),
        SheetColumn("Published"),
        SheetColumn("Computed"),
    )
    rows = [row for entry in report.audit for row in _audit_rows(entry)]
    sheet.browse(sheet.table(columns, rows), len(columns))


def _audit_rows(entry: AuditEntry) -> Iterator[Row]:
    """The entry, and below it its details."""
    yield entry.severity.value, entry.subject, entry.statement, *_audit_figures(entry)
    for detail in entry.details:
        yield entry.severity.value, detail.subject, detail.label, *_audit_figures(detail)


def _audit_figures(line: AuditEntry | Detail) -> Row:
    return line.arithmetic, None if line.published is None else line.published.text, line.computed.text


def _definitions(sheet: Sheet, report: WeeklyReport) -> None:
    sheet.title("Definitions", below="The short form of docs/method.md.")
    rows = [(definition.term, definition.text) for definition in report.definitions]
    sheet.browse(sheet.table((SheetColumn("Term"), SheetColumn("Meaning", width=90, wraps=True)), rows), 2)
