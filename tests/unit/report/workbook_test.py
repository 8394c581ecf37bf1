"""The workbook: real numbers in cents, formulas that recompute to the report, and names that are only names."""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell
from openpyxl.utils import range_boundaries
from openpyxl.worksheet.worksheet import Worksheet

from tests.golden.edges import EMPTY, MANY
from tests.golden.handmade import REPORT, usd
from tieout.report.contents import SHEETS, WeeklyReport
from tieout.report.formats.html import render_pages
from tieout.report.formats.workbook import render_workbook, workbook_name, write_workbook

NAMES = ["Summary", *(tab.name for tab in SHEETS)]
HOSTILE = (
    "=cmd|' /C calc'!A0",
    "<img src=x>",
    "+1",
    "-1",
    "@SUM(A1)",
    '=HYPERLINK("http://x")',
    "http://x",
    "a\x1b\nb",
)

_SUBTOTAL = re.compile(r"=ROUND\(SUBTOTAL\(9,(?P<cells>[A-Z]+\d+:[A-Z]+\d+)\),(?P<places>2|8)\)")
_SUM = re.compile(r"=ROUND\(SUM\('(?P<sheet>\w+)'!(?P<cells>[A-Z]+\d+:[A-Z]+\d+)\),2\)")


def book(report: WeeklyReport, *, results: bool = False) -> Workbook:
    """Read the workbook as a program that calculates nothing: its formulas, or the results kept beside them."""
    return load_workbook(io.BytesIO(render_workbook(report)), data_only=results)


def cells(opened: Workbook) -> Iterator[Cell]:
    for sheet in opened.worksheets:
        for row in sheet.iter_rows():
            yield from (cell for cell in row if isinstance(cell, Cell) and cell.value is not None)


def formulas(opened: Workbook) -> dict[str, object]:
    return {f"{cell.parent.title}!{cell.coordinate}": cell.value for cell in cells(opened) if cell.data_type == "f"}


def table(sheet: Worksheet, header: str) -> list[dict[str, object]]:
    """The rows below the header that begins with a title, up to the first blank or total."""
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    start = next(i for i, row in enumerate(rows) if row[0] == header)
    found = []
    for row in rows[start + 1 :]:
        if row[0] in (None, "Total"):
            break
        found.append(dict(zip(rows[start], row, strict=True)))
    return found


def in_cents(value: object) -> Decimal:
    assert isinstance(value, int | float)
    return Decimal(repr(value)).quantize(Decimal("0.01"))


def added_up(opened: Workbook, sheet: str, area: str, places: int) -> Decimal:
    left, top, right, bottom = range_boundaries(area)
    rows = opened[sheet].iter_rows(min_col=left, min_row=top, max_col=right, max_row=bottom, values_only=True)
    values = (Decimal(repr(value)) for row in rows for value in row if value is not None)
    return sum(values, Decimal(0)).quantize(Decimal(1).scaleb(-places))


def renamed(name: str) -> WeeklyReport:
    """The handmade report with a name of somebody else's choosing for functions, phases and the programme."""
    first, *others = REPORT.spend.functions
    return replace(
        REPORT,
        programme=name,
        ledger=replace(REPORT.ledger, rows=tuple(replace(row, function=name) for row in REPORT.ledger.rows)),
        spend=replace(REPORT.spend, functions=(replace(first, function=name), *others)),
        guardrails=tuple(replace(group, function=name) for group in REPORT.guardrails),
        daily=tuple(replace(line, function=name, phase=name) for line in REPORT.daily),
    )


# Money


def test_spend_is_a_number_of_cents_for_each_component_and_adds_up_to_the_report() -> None:
    rows = table(book(REPORT)["Spend"], "Function")
    assert len(rows) == 8
    assert rows[0] == {"Function": "generate_code_modal", "Phase": "baseline", "Component": "execution", "Cost": 3}
    assert sum(in_cents(row["Cost"]) for row in rows) == REPORT.spend.total_usd


def test_every_amount_comes_back_as_the_same_cents() -> None:
    opened = book(REPORT, results=True)
    ledger = table(opened["Ledger"], "Phase")
    for row, line in zip(ledger, REPORT.ledger.rows, strict=True):
        assert (None if row["Avoided cost"] is None else in_cents(row["Avoided cost"])) == line.avoided_usd
    for row, day in zip(table(opened["Daily"], "Day"), REPORT.daily, strict=True):
        assert row["Cost"] == pytest.approx(float(day.exact_usd), abs=1e-12)
        assert row["Cost, every digit"] == format(day.exact_usd, "f")


def test_an_amount_that_is_no_whole_number_of_cents_is_refused() -> None:
    ledger = replace(REPORT.ledger, rows=(replace(REPORT.ledger.rows[0], avoided_usd=usd("1.005")),))
    with pytest.raises(ValueError, match=r"1\.005 is not a number of cents"):
        render_workbook(replace(REPORT, ledger=ledger))


def test_an_amount_beyond_the_digits_of_a_spreadsheet_is_refused() -> None:
    ledger = replace(REPORT.ledger, rows=(replace(REPORT.ledger.rows[0], avoided_usd=usd("12345678901234.56")),))
    with pytest.raises(ValueError, match="keeps exactly"):
        render_workbook(replace(REPORT, ledger=ledger))


def test_every_total_is_a_formula_whose_kept_result_is_what_it_recomputes_to() -> None:
    results, recomputed = book(REPORT, results=True), set()
    for place, formula in formulas(book(REPORT)).items():
        sheet, _, cell = place.partition("!")
        if found := _SUBTOTAL.fullmatch(str(formula)) or _SUM.fullmatch(str(formula)):
            summed, places = found.groupdict().get("sheet") or sheet, int(found.groupdict().get("places") or 2)
            kept = Decimal(repr(results[sheet][cell].value))
            assert kept == added_up(results, summed, found["cells"], places)
            recomputed.add(sheet)
    assert recomputed == {
        "Summary", "Ledger", "Savings", "Projection", "Spend", "Without a call", "Daily", "Functions of the bridge",
        "Restatements",
    }  # fmt: skip


def test_the_summary_says_whether_the_sheets_agree_with_the_report() -> None:
    rows = table(book(REPORT, results=True)["Summary"], "Cost of the week")
    compared = [row for row in rows if row["Against the report"] is not None]
    assert [in_cents(row["Amount"]) for row in (rows[0], *compared)] == [REPORT.spend.total_usd] * 3
    assert [row["Against the report"] for row in compared] == ["agrees", "agrees"]


def test_the_proof_has_every_digit() -> None:
    rows = table(book(REPORT)["Reconciliation"], "The week")
    assert {str(row["The week"]): row["Every digit"] for row in rows} == {
        "Billed amounts (pools)": 1342,
        "of them off": 0,
        "Billed, as metered": "100.001234567890",
        "Attributed to functions": "100.001234567890",
        "Difference": "0.000000000000",
    }


def test_a_month_leads_from_itemised_to_the_invoice() -> None:
    opened = book(REPORT, results=True)
    assert [(row["Step"], row["Every digit"], row["Gate"]) for row in table(opened["Reconciliation"], "Step")] == [
        ("Itemised in landed reports", "1721.138168080000", ""),
        ("Not itemised", "0.002259680000", "G3"),
        ("Metered", "1721.140427760000", ""),
        ("Adjustment: credits", "-102.228037360000", ""),
        ("Adjustment: plan", "250", ""),
        ("Billed", "1868.922390400000", ""),
        ("Metered plus adjustments less billed", "-0.010000000000", "G4"),
        ("Invoice 2026-11-0042, USD", "1868.922390400000", ""),
        ("Billed less invoice", "0.000000000000", "G5"),
    ]


# Form


def test_there_is_a_sheet_for_every_part_of_the_report() -> None:
    assert book(REPORT).sheetnames == NAMES


def test_the_trend_has_every_week_with_its_functions_and_pictures_of_the_spreadsheet() -> None:
    opened = book(REPORT)
    rows = table(opened["Trend"], "Week")
    assert [row["Week"] for row in rows] == [week.week.label for week in REPORT.history.weeks]
    for row, week in zip(rows, REPORT.history.weeks, strict=True):
        assert in_cents(row["Cost of the week"]) == week.total_usd
        assert sum(in_cents(row[name]) for name in ("generate_code_modal", "evaluate_genome_modal")) == week.total_usd
    assert in_cents(rows[-1]["Avoided so far"]) == usd("103.50")
    assert len(opened["Trend"]._charts) == 2


def test_hashes_stand_on_the_last_sheet_and_nowhere_before() -> None:
    opened = book(REPORT)
    said = [cell.parent.title for cell in cells(opened) if cell.value == REPORT.inputs.sha256]
    assert said == ["Inputs"]
    assert opened.sheetnames[-1] == "Inputs"


def test_amounts_look_like_dollars_and_days_are_dates() -> None:
    opened = book(REPORT)
    spend, daily = opened["Spend"], opened["Daily"]
    assert spend["D5"].number_format.startswith('"$"#,##0.00;')
    assert daily["A5"].is_date
    assert daily["A5"].number_format == "yyyy-mm-dd"
    for sheet in opened.worksheets:
        assert sheet.page_setup.paperSize == 9
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert REPORT.inputs.sha256[:12] in str(sheet.oddFooter.left.text)


@pytest.mark.parametrize(
    "name", ["Ledger", "Savings", "Spend", "Daily", "Guardrails", "Rollout", "Coverage", "Findings", "Gates", "Audit"]
)
def test_a_long_table_keeps_its_header_in_sight_and_can_be_filtered(name: str) -> None:
    sheet = book(REPORT)[name]
    assert sheet.freeze_panes is not None
    assert [area.autoFilter.ref for area in sheet.tables.values()]
    assert sheet.print_title_rows


def test_the_document_says_what_it_is() -> None:
    properties = book(REPORT).properties
    assert properties.title == "Tieout · CORAL-X · 2026-W46"
    assert REPORT.inputs.sha256 in properties.description
    assert properties.created == REPORT.inputs.as_of


def test_the_same_report_gives_the_same_bytes() -> None:
    assert render_workbook(REPORT) == render_workbook(REPORT)


def test_the_workbook_is_called_after_its_week(tmp_path: Path) -> None:
    assert workbook_name(REPORT) == "tieout-2026-W46.xlsx"
    path = write_workbook(REPORT, tmp_path / workbook_name(REPORT))
    assert path.read_bytes() == render_workbook(REPORT)
    assert list(tmp_path.iterdir()) == [path]


# Weeks and names of every kind


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_whatever_it_looks_like(name: str) -> None:
    content = render_workbook(renamed(name))
    opened = load_workbook(io.BytesIO(content))
    assert opened["Ledger"]["B5"].data_type == "s"
    assert opened["Ledger"]["B5"].value == "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name
    )
    assert formulas(opened) == formulas(book(REPORT))
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert not [part for part in parts.namelist() if "externalLink" in part or "vba" in part.lower()]
        assert b"<hyperlink" not in b"".join(parts.read(part) for part in parts.namelist())


def test_a_week_in_which_nothing_is_claimed_has_a_workbook() -> None:
    silent = replace(
        REPORT,
        inputs=replace(REPORT.inputs, as_of=None),
        spend=replace(REPORT.spend, total_usd=usd("0.00"), functions=(), components=()),
        savings=replace(REPORT.savings, groups=()),
        ledger=replace(REPORT.ledger, rows=(), total_usd=None, half_width_usd=None),
        bridge=None,
        guardrails=(),
        audit=(),
        daily=(),
        months=(),
    )
    opened = book(silent, results=True)
    of_a_projection = {"Projection", "Bridge", "Functions of the bridge", "Audit"}
    assert book(EMPTY).sheetnames == [name for name in NAMES if name not in of_a_projection]
    assert opened.sheetnames == NAMES
    said = [row["Against the report"] for row in table(opened["Summary"], "Cost of the week")]
    assert [word for word in said if word is not None] == ["agrees", "agrees"]


@pytest.fixture(scope="module")
def crowded() -> Workbook:
    return book(MANY)


@pytest.mark.parametrize(
    "name",
    [
        "Ledger", "Savings", "Projection", "Counterfactual", "Spend", "Without a call", "Functions of the bridge",
        "Rollout", "Guardrails", "Restatements", "Coverage",
    ],
)  # fmt: skip
def test_what_a_table_of_the_page_leaves_out_is_in_the_workbook(crowded: Workbook, name: str) -> None:
    found = {str(cell.value) for row in crowded[name].iter_rows() for cell in row}
    assert {function.function for function in MANY.spend.functions} <= found


def test_the_page_points_to_the_workbook_only_where_the_workbook_has_the_rest() -> None:
    pages = dict(render_pages(MANY))
    cut = [
        table_id
        for page in pages.values()
        for table_id, rows in re.findall(r'<caption id="([\w-]+)">(.*?)</table>', page, re.DOTALL)
        if "the workbook" in rows
    ]
    assert sorted(cut) == [
        "bridge-functions", "counterfactual", "coverage", "guardrails-passed", "ledger-rows", "normalized",
        "opportunity-lines", "realized", "restatements", "rollout", "spend-rows", "unattributed",
    ]  # fmt: skip


def test_no_cell_has_marks_of_another_format() -> None:
    assert [cell.value for cell in cells(book(REPORT)) if "`" in str(cell.value)] == []


def test_three_hundred_functions_are_three_hundred_rows() -> None:
    [line, *_] = REPORT.daily
    daily = tuple(replace(line, function=f"function_{number:03}") for number in range(300))
    opened = book(replace(REPORT, daily=daily), results=True)
    assert len(table(opened["Daily"], "Day")) == 300
