"""No name that only the warehouse knows stands on anything that finance reads."""

import io
import re
from dataclasses import replace

from openpyxl import load_workbook

from tests.golden.edges import with_names
from tests.golden.handmade import REPORT
from tests.pictures import mail_of
from tieout.report.contents import WeeklyReport
from tieout.report.formats.html import render_pages, render_tables, render_text
from tieout.report.formats.workbook import render_workbook
from tieout.report.sections.functions import CallDay
from tieout.report.sections.guardrails import GuardrailRow

RESIDUALS = ("__no_calls__", "__unexplained__", "__volume__ (dev)", "__sandbox__", "__server__/llm")
# Apps, phases, files and functions of the programme never have these names.
REPORTED = replace(
    with_names(*RESIDUALS),
    programme="CORAL-X",
    unattributed=REPORT.unattributed,
    rollout=REPORT.rollout,
    gates=REPORT.gates,
    restatements=REPORT.restatements,
    ledger=REPORT.ledger,
    savings=REPORT.savings,
    normalized=REPORT.normalized,
    counterfactuals=REPORT.counterfactuals,
    bridge=REPORT.bridge,
    guardrails=REPORT.guardrails,
    daily=tuple(replace(REPORT.daily[0], function=name) for name in RESIDUALS),
)
_QUERIES = re.compile(r"<pre>.*?</pre>|href=\"data:[^\"]*\"", re.DOTALL)


def surfaces(report: WeeklyReport) -> dict[str, str]:
    pages = {name: _QUERIES.sub("", page) for name, page in render_pages(report)}
    book = load_workbook(io.BytesIO(render_workbook(report)))
    cells = {sheet.title: [str(cell.value) for row in sheet.iter_rows() for cell in row] for sheet in book.worksheets}
    return {
        **pages,
        **dict(render_tables(report, dict(render_pages(report)))),
        "text": render_text(report),
        "mail": mail_of(report),
        **{f"sheet {name}": " ".join(values) for name, values in cells.items()},
    }


def test_what_belongs_to_no_function_has_a_name_that_people_know() -> None:
    found = surfaces(REPORTED)
    assert [name for name, said in found.items() if "__" in said] == []
    assert "apps without calls" in found["sheet Coverage"]


def page_of(report: WeeklyReport) -> str:
    pages = dict(render_pages(report))
    return pages[report.functions[0].file]


def test_a_page_of_what_has_no_calls_has_no_table_of_them() -> None:
    first, *others = REPORT.functions
    silent = replace(first, days=tuple(CallDay(day.day, 0, 0, 0, 0, 0) for day in first.days))
    assert 'id="call-days"' in page_of(REPORT)
    assert 'id="call-days"' not in page_of(replace(REPORT, functions=(silent, *others)))


def test_what_does_not_pass_lists_no_test_that_does() -> None:
    page = dict(render_pages(REPORT))["guardrails.html"]
    [table] = re.findall(r'<caption id="guardrail-tests">.*?</table>', page, re.DOTALL)
    assert len(re.findall(r'data-label="Verdict"', table)) == 2
    [failing] = [group for group in REPORT.guardrails if group.verdict == "fail"]
    passing = GuardrailRow("p95 seconds", "57.34 s", "62.93 s", "×1.10", "≤ ×1.11", "×1.25", "pass", "")
    more = replace(REPORT, guardrails=(replace(failing, rows=(*failing.rows, passing)),))
    page = dict(render_pages(more))["guardrails.html"]
    [table] = re.findall(r'<caption id="guardrail-tests">.*?</table>', page, re.DOTALL)
    assert len(re.findall(r'data-label="Verdict"', table)) == 2
