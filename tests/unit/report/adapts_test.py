"""A report leaves out what a programme does not have: a projection, a claim, figures of neither week."""

from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.golden.edges import LOSS, SPEND_ONLY
from tests.golden.handmade import REPORT, share
from tieout.report.contents import WeeklyReport, sheets_of
from tieout.report.digest import QUERIES, digest_of
from tieout.report.formats.html import render_pages
from tieout.report.formats.workbook import render_workbook
from tieout.report.pages import pages_of
from tieout.report.sections.changes import Quantity, _is_said
from tieout.report.sections.headline import CHECKS, HeadlineRates, _checks, checks_of
from tieout.report.sections.savings import IN_THE_PROJECTION
from tieout.report.wording import is_residual
from tieout.savings.guardrails import GuardrailVerdict
from tieout.savings.status import Judgement, Reason, ReasonCode, Status

WITHOUT_PROJECTION = replace(REPORT, has_projection=False, bridge=None, normalized=None, audit=())


def test_without_a_projection_nothing_is_held_against_one() -> None:
    pages = dict(render_pages(WITHOUT_PROJECTION))
    assert "audit.html" not in pages
    savings = pages["savings.html"]
    for phrase in ("Projected", "Realized<", "projection’s own", "From the published"):
        assert phrase not in savings
    assert 'id="rollout"' in savings
    assert 'colspan="10"' not in savings
    names = {tab.name for tab in sheets_of(REPORT)} - {tab.name for tab in sheets_of(WITHOUT_PROJECTION)}
    assert names == {"Projection", "Bridge", "Functions of the bridge", "Audit"}


def test_without_a_projection_the_workbook_has_no_column_of_one() -> None:
    def words(report: WeeklyReport, sheet: str) -> set[str]:
        book = load_workbook(BytesIO(render_workbook(report)))
        return {str(cell.value) for row in book[sheet].iter_rows() for cell in row}

    held_against = {"Realized against projected", "Group", "Projected a day", "Realized", IN_THE_PROJECTION}
    assert held_against <= words(REPORT, "Savings")
    alone = words(WITHOUT_PROJECTION, "Savings")
    assert not held_against & alone
    assert {"Function by function", "Function", "Avoided cost", "generate_code_modal"} <= alone
    of_the_summary = {"Saving as published", "Realized of the published saving", "Cost cut as claimed"}
    assert of_the_summary <= words(REPORT, "Summary")
    assert not of_the_summary & words(WITHOUT_PROJECTION, "Summary")


def test_without_a_projection_no_page_and_no_query_is_about_one() -> None:
    about = {page.name: page.about for page in pages_of(WITHOUT_PROJECTION)}
    assert about["savings"] == "every function in every phase"
    assert digest_of(WITHOUT_PROJECTION).queries == ("weeks", "savings", "movers", "idle")
    assert digest_of(REPORT).queries == QUERIES


def test_the_page_of_savings_of_a_programme_with_a_projection_has_all_of_it() -> None:
    savings = dict(render_pages(REPORT))["savings.html"]
    for phrase in ("Projected<br>a day", "projection’s own calls", "From the published"):
        assert phrase in savings


@pytest.mark.parametrize(
    ("cut", "claimed", "said"),
    [
        ("39.4", "63.3", "39.4% less cost for the same work, claimed 63.3% less"),
        ("-96.7", None, "96.7% more cost for the same work"),
        ("-4.0", "63.3", "4.0% more cost for the same work, claimed 63.3% less"),
    ],
)
def test_a_cost_that_rose_is_said_to_be_more_and_no_negative_cut(cut: str, claimed: str | None, said: str) -> None:
    rates = HeadlineRates(
        cost_cut=share(cut, "100"), claimed_cost_cut=None if claimed is None else share(claimed, "100")
    )
    assert rates.cut_figure == said
    assert said in str(replace(LOSS.headline, rates=rates).realization_sentence)


def test_a_server_is_among_the_dearest_and_what_belongs_to_nobody_is_not() -> None:
    [line, *_] = REPORT.spend.functions
    names = ("__server__/llm", "__unexplained__", "__no_calls__", "embed")
    lines = tuple(replace(line, function=name) for name in names)
    report = replace(SPEND_ONLY, spend=replace(REPORT.spend, functions=lines))
    assert [each.function for each in report.dearest] == ["__server__/llm", "embed"]
    assert "server llm (" in report.spend_sentence


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("__volume__", True), ("__no_calls__", True), ("__server__/llm", False), ("embed", False), ("__init__x", False)],
)
def test_what_belongs_to_no_function_is_known_by_its_name(name: str, is_one: bool) -> None:
    assert is_residual(name) is is_one


@pytest.mark.parametrize(
    ("total", "is_said"), [("6.42", False), ("1.07", True)], ids=["wider than its lines", "narrower than a line"]
)
def test_a_total_that_is_known_better_than_a_line_says_why(total: str, is_said: bool) -> None:
    rows = tuple(replace(row, half_width_usd=Decimal("3.00")) for row in REPORT.ledger.rows)
    ledger = replace(REPORT.ledger, rows=rows, half_width_usd=Decimal(total))
    assert (ledger.width_remark is not None) is is_said
    page = dict(render_pages(replace(REPORT, ledger=ledger)))["savings.html"]
    assert ("The ± of the total is below that of a line" in page) is is_said


def test_every_reason_stands_under_one_check() -> None:
    assert sorted(code for codes in CHECKS.values() for code in codes) == sorted(ReasonCode)


@pytest.mark.parametrize(
    ("code", "data", "what", "why"),
    [
        (
            ReasonCode.GREW_APART,
            {"taken_over_usd": "2.98"},
            "no work moved elsewhere",
            "one function's calls grew beyond those of the others, by $2.98 of the counterfactual",
        ),
        (
            ReasonCode.UNEXPLAINED_FELL,
            {"fell_usd": "3.20"},
            "log and bill match for the claim",
            "$3.20 less of the cost is unexplained than was",
        ),
    ],
)
def test_a_reason_that_stands_alone_leaves_its_check_open(
    code: ReasonCode, data: dict[str, str], what: str, why: str
) -> None:
    checks = checks_of(Judgement(Status.PROVISIONAL, (Reason(code, data),)), Decimal("0.01"))
    assert [(check.what, check.why) for check in checks if not check.is_clear] == [(what, why)]


def test_a_tick_names_the_guardrails_that_are_open_without_standing_against_the_total() -> None:
    def ticked(*verdicts: GuardrailVerdict) -> list[tuple[str, str]]:
        functions = [SimpleNamespace(guardrails=SimpleNamespace(verdict=verdict)) for verdict in verdicts]
        measured: Any = SimpleNamespace(functions=functions, judgement=Judgement(Status.VERIFIED, ()))
        return [(check.what, check.why) for check in _checks(measured, Decimal(1)) if "guardrail" in check.what]

    assert ticked(GuardrailVerdict.PASS) == [("guardrails passed", "")]
    assert ticked(GuardrailVerdict.PASS, GuardrailVerdict.INCONCLUSIVE) == [
        ("guardrails passed by what carries the saving", "1 function that moved less than 1% of it has open ones")
    ]


@pytest.mark.parametrize(
    ("reasons", "why", "mark"),
    [
        ((Reason(ReasonCode.NEGATIVE_SAVING),), "cost rose, and the whole interval says so", "✗"),
        ((), "the avoided cost is negative", "○"),
    ],
    ids=["reversed", "inputs became other work"],
)
def test_a_cost_that_rose_is_not_asked_for_its_width(reasons: tuple[Reason, ...], why: str, mark: str) -> None:
    checks = list(checks_of(Judgement(Status.REVERSED, reasons), Decimal(-50)))
    assert [(check.what, check.why, check.mark) for check in checks if not check.is_clear] == [("cost fell", why, mark)]
    assert not any("quarter of the saving" in check.what for check in checks)


@pytest.mark.parametrize(
    ("quantity", "before", "after", "is_said"),
    [
        (Quantity.COUNT, "0", "0", False),
        (Quantity.COUNT, "0", "7", True),
        (Quantity.USD, "0", "0", True),
        (Quantity.USD, None, None, False),
        (Quantity.PERCENT, None, "4.0", True),
    ],
)
def test_a_figure_that_neither_week_has_is_left_out(
    quantity: Quantity, before: str | None, after: str | None, is_said: bool
) -> None:
    values = [None if value is None else Decimal(value) for value in (before, after)]
    assert _is_said(quantity, values[0], values[1]) is is_said
