"""Page, text, mail, PDF, workbook and the file for finance say the same, to the cent, of a week that was built."""

import datetime as dt
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from html import unescape

import duckdb
import pytest
from openpyxl import load_workbook

from tests.conftest import LAST_WEEK
from tests.support.pdf_text import pdf_text
from tieout.core.home import Home
from tieout.core.money import CENT, format_usd, to_cents
from tieout.mail.compose import Envelope, compose_report
from tieout.report.contents import WeeklyReport
from tieout.report.digest import digest_of
from tieout.report.formats.html import render_pages, render_text
from tieout.report.formats.pdf import render_pdf
from tieout.report.formats.workbook import render_workbook
from tieout.report.wording import spoken
from tieout.workspace import Workspace

ENVELOPE = Envelope("r1", "finance", "tieout@example.com", (), dt.datetime(2026, 11, 1, tzinfo=dt.UTC))


@pytest.fixture(scope="module")
def report(built_workspace: Home) -> WeeklyReport:
    with Workspace(built_workspace, built_workspace.catalog) as workspace:
        return workspace.report(LAST_WEEK)


@pytest.fixture(scope="module")
def pages(report: WeeklyReport) -> dict[str, str]:
    return {name: words(page) for name, page in render_pages(report)}


def words(page: str) -> str:
    body = re.sub(r"<(style|script|details)\b.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<wbr>|&shy;", "", body)).replace("</", " </").translate({0xAD: None}).split())


def shown(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", "", page).split())


def figures(report: WeeklyReport) -> Iterator[str]:
    """Every figure of the digest, as it is printed."""
    digest = digest_of(report)
    for answer in digest.answers:
        yield answer.figure
        yield answer.small
        for line in answer.lines:
            yield from re.findall(r"−?\$[\d,]+\.\d\d", line)
    for mover in digest.movers:
        yield from (mover.change, mover.now)
    yield from (each.figure for each in digest.opportunities)
    for caveat in digest.caveats:
        yield from re.findall(r"−?\$[\d,]+\.\d\d", caveat)


def test_every_figure_of_the_digest_is_in_every_form_of_it(report: WeeklyReport, pages: dict[str, str]) -> None:
    mail = compose_report(report, ENVELOPE, pictures=(), workbook=b"").preview
    forms = {
        "page": shown(pages["index.html"]),
        "text": " ".join(render_text(report).split()),
        "mail": shown(words(mail)),
        "PDF": pdf_text(render_pdf(report)),
    }
    printed = [figure for figure in figures(report) if figure]
    assert len(printed) > 12
    for name, form in forms.items():
        assert [figure for figure in printed if figure not in form] == [], name


def test_a_function_costs_the_same_cents_wherever_it_is_named(report: WeeklyReport, pages: dict[str, str]) -> None:
    for function in report.spend.functions:
        cost = format_usd(function.amount_usd)
        own = pages.get(report.pages_of_functions[function.function])
        assert own is not None
        for page in (own, pages["spend.html"]):
            assert cost in shown(page)
    [table] = re.findall(r'<caption id="coverage">.*?</table>', pages["data.html"], re.DOTALL)
    billed = dict(re.findall(r'<th scope="row" class="name">(.*?)</th ?><td class="n[^>]*"Billed">([^<]*)<', table))
    known = {line.function: format_usd(line.cents_usd) for line in report.coverage}
    assert {shown(name).strip(): amount.strip() for name, amount in billed.items()} == known
    costs = {function.function: format_usd(function.amount_usd) for function in report.spend.functions}
    assert known.items() <= costs.items()


@cache
def sheets(content: bytes) -> dict[str, list[tuple[object, ...]]]:
    book = load_workbook(io.BytesIO(content), data_only=True)
    return {sheet.title: [tuple(cell.value for cell in row) for row in sheet.iter_rows()] for sheet in book.worksheets}


def cents(value: object) -> Decimal:
    assert isinstance(value, int | float)
    return Decimal(repr(value)).quantize(CENT)


def test_the_workbook_has_the_figures_of_the_page(report: WeeklyReport) -> None:
    found = sheets(render_workbook(report))
    summary = {row[0]: row[1] for row in found["Summary"] if row[0]}
    assert cents(summary["Avoided cost"]) == report.headline.avoided_usd
    assert cents(summary["± half of its 90% interval"]) == report.headline.half_width_usd
    assert cents(summary["Attributed to functions, in cents"]) == report.spend.total_usd
    spent: dict[str, Decimal] = {}
    for function, _, component, amount, *_ in found["Spend"]:
        if component and component != "Component":
            spent[str(function)] = spent.get(str(function), Decimal(0)) + cents(amount)
    assert spent == {spoken(each.function): each.amount_usd for each in report.spend.functions}
    covered = {str(row[0]): cents(row[1]) for row in found["Coverage"] if isinstance(row[1], int | float)}
    assert covered == {line.function: line.cents_usd for line in report.coverage}


def test_the_file_for_finance_has_the_figures_of_the_page(report: WeeklyReport, built_workspace: Home) -> None:
    with duckdb.connect(built_workspace.finance, read_only=True) as con:
        by_function = con.execute(
            "select function, sum(amount_usd)::decimal(38, 12) from spend_daily where week = ? group by all",
            [LAST_WEEK],
        ).fetchall()
        [(avoided, half_width, status)] = con.execute(
            "select avoided_usd, half_width_usd, status from savings_weekly where week = ?", [LAST_WEEK]
        ).fetchall()
    assert to_cents([sum((amount for _, amount in by_function), Decimal(0))]) == [report.spend.total_usd]
    printed = {function.function: function.amount_usd for function in report.spend.functions}
    assert {function for function, _ in by_function} == printed.keys()
    for function, amount in by_function:
        assert abs(printed[function] - amount) < CENT  # the cents of the parts add up to the total's
    assert to_cents([avoided]) == [report.headline.avoided_usd]
    assert half_width.quantize(CENT) == report.headline.half_width_usd
    assert status == report.headline.standing.state
