"""The report of a small simulated workspace, from landed files to the page."""

import io
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from openpyxl import load_workbook
from rich.cells import cell_len

from tieout.catalog.load import load_catalog
from tieout.catalog.vocabulary import ComponentGroup, components_of
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.report.contents import WeeklyReport
from tieout.report.formats.html import render_html, render_pages, render_text
from tieout.report.formats.workbook import render_workbook
from tieout.report.sections.tie_out import GateOutcome
from tieout.report.weekly import build_report
from tieout.warehouse.build import Period, write_model
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import model_named

FIRST_WEEK, SECOND_WEEK = IsoWeek.parse("2026-W42"), IsoWeek.parse("2026-W43")
CATALOG = load_catalog(resource_path("catalog"))
# what the simulator knows was avoided on the six measured days of the second week
TRULY_AVOIDED_USD = Decimal("105.23")


@pytest.fixture(scope="module")
def con(as_deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Two weeks of the workspace as it is really deployed: one before the first phase, one with it."""
    with open_warehouse(Path(shutil.copy(as_deployed, tmp_path_factory.mktemp("as-deployed")))) as con:
        yield con


@pytest.fixture(scope="module")
def report(con: duckdb.DuckDBPyConnection) -> WeeklyReport:
    return build_report(con, SECOND_WEEK, CATALOG)


def test_the_bill_of_the_week_is_attributed_to_the_last_digit(report: WeeklyReport) -> None:
    assert report.tie_out.hours == 168
    assert report.tie_out.billed_usd == report.tie_out.attributed_usd > 0
    assert report.spend.total_usd == report.tie_out.billed_usd.quantize(Decimal("0.01"))


def test_no_gate_is_closed(report: WeeklyReport) -> None:
    outcomes = {gate.code: gate.outcome for gate in report.gates}
    assert {outcomes.pop(code) for code in ("G5", "G8")} == {GateOutcome.NOT_MEASURED}
    assert set(outcomes.values()) == {GateOutcome.PASSED}


def test_the_deployment_day_is_not_measured(report: WeeklyReport) -> None:
    assert report.savings.measured_days == 6
    assert report.headline.avoided_usd is not None


def test_the_claim_is_held_against_all_that_was_ever_spent(report: WeeklyReport) -> None:
    comparison = report.headline.comparison or ""
    assert comparison.startswith("The published projection of $4,140 a day exceeds the whole measured spend of $")
    assert report.headline.day_figure is not None
    # premises not met, too few baseline days, none of them frozen: provisional at best, whatever the interval says
    assert report.headline.standing.state == "provisional"
    reasons = {"the baseline has 7 days, 14 are enough", "the baseline is not frozen"}
    assert reasons <= set(report.headline.standing.because)
    assert report.headline.avoided_usd is not None
    assert report.headline.half_width_usd is not None
    assert abs(report.headline.avoided_usd - TRULY_AVOIDED_USD) < report.headline.half_width_usd
    assert "at measured seconds per call it is $" in comparison


def test_the_three_gpus_that_were_never_deployed_are_found(report: WeeklyReport) -> None:
    unmet = [finding.subject for finding in report.findings if finding.code == "premise_not_met"]
    assert unmet == ["get_emergent_alerts_modal", "get_evolution_progress_modal", "save_realtime_results_modal"]


def test_a_saving_that_starts_from_a_gpu_nobody_had_is_no_verified_one(report: WeeklyReport) -> None:
    unmet = [row.function for row in report.ledger.rows if row.standing.state == "premise not met"]
    assert unmet == ["get_evolution_progress_modal", "get_emergent_alerts_modal", "save_realtime_results_modal"]
    assert report.headline.premises_not_met == (3, 5)


def test_a_short_baseline_is_never_verified(report: WeeklyReport) -> None:
    assert "the baseline has 7 days, 14 are enough" in report.headline.standing.because


def test_the_callers_that_stayed_on_the_old_app_are_found(report: WeeklyReport) -> None:
    [line] = [line for line in report.rollout if line.function == "generate_code_modal"]
    assert 0.5 < line.moved_calls / line.calls < 0.8
    assert "rollout_incomplete" in [finding.code for finding in report.findings]


def test_the_same_warehouse_gives_the_same_page(con: duckdb.DuckDBPyConnection, report: WeeklyReport) -> None:
    again = build_report(con, SECOND_WEEK, CATALOG)
    assert again == report
    assert render_html(again) == render_html(report)


def test_the_text_fits_the_terminal(report: WeeklyReport) -> None:
    assert max(cell_len(line) for line in render_text(report).splitlines()) <= 80


def test_the_week_before_the_deployment_claims_nothing(con: duckdb.DuckDBPyConnection) -> None:
    early = build_report(con, FIRST_WEEK, CATALOG)
    assert early.headline.sentence == "No saving is claimed for 2026-W42, because nothing was deployed yet."
    assert early.savings.baseline_sentence == "Baseline: 7 days, Mon 12 Oct 2026 to Sun 18 Oct 2026."


def test_building_a_report_changes_nothing(tmp_path: Path, con: duckdb.DuckDBPyConnection) -> None:
    copy = tmp_path / "copy.duckdb"
    con.execute(f"attach '{copy}' as copy")
    con.execute("copy from database warehouse to copy")
    con.execute("detach copy")
    with duckdb.connect(copy, read_only=True) as reader:
        reader.execute("set timezone = 'UTC'")
        assert build_report(reader, SECOND_WEEK, CATALOG).tie_out.pools_off == 0


def test_cost_without_a_call_is_one_number_everywhere(con: duckdb.DuckDBPyConnection, report: WeeklyReport) -> None:
    [(exact,)] = con.execute(
        """
        select sum(amount_usd) from spend.hourly
        inner join catalog.components using (component)
        where component_group = 'no call' and hour >= $since and hour < $until
        """,
        {"since": SECOND_WEEK.start, "until": SECOND_WEEK.end},
    ).fetchall()
    cents = report.unattributed.total_usd
    assert abs(cents - exact) <= Decimal("0.01") * len(report.spend.functions)
    for name in ("finance.spend_daily", "finance.spend_by_function_phase"):
        write_model(con, model_named(name), Period(FIRST_WEEK.start, SECOND_WEEK.end))
    published = con.execute(
        "select sum(without_calls_usd) from finance.spend_by_function_phase where week = ?", [SECOND_WEEK.label]
    ).fetchall()
    assert published == [(exact,)]
    by_component = {part.component: part.amount_usd for part in report.spend.components}
    no_call = components_of(ComponentGroup.NO_CALL)
    assert sum(by_component.get(name, Decimal(0)) for name in no_call) == cents > 0
    pages = dict(render_pages(report))
    assert f"{cents:,.2f}" in pages["spend.html"]
    opportunities = report.opportunities
    assert (opportunities.days, opportunities.without_a_call_usd) == (7, cents)
    assert f"Without a call, the week cost ${cents:,.2f}" in " ".join(pages["spend.html"].split())
    summary = load_workbook(io.BytesIO(render_workbook(report)), data_only=True)["Summary"]
    figures = {row[0]: row[1] for row in summary.iter_rows(values_only=True)}
    assert figures["Of it without a call"] == float(cents)
    compared = {row.label: row.after for row in report.changes.rows} if report.changes else {}
    assert f"{compared['of it without a call']}%" == str(report.unattributed.share)
