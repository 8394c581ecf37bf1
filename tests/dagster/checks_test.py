"""Checks as Dagster shows them: counts, the rows that break a rule, and how the check did before."""

import base64
import datetime as dt
import re

import dagster as dg

from pipelines.core.findings import Severity
from pipelines.core.home import Home
from pipelines.defs.checks import check_results
from pipelines.defs.plots import history_plot
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.evaluations import KEPT_EVALUATIONS, Evaluation
from pipelines.warehouse.queries import ask
from pipelines.warehouse.suites import Expectation, Suite
from pipelines.warehouse.validation import Outcome, ValidationResult
from tests.conftest import Tieout

NEGATIVE = Expectation("Nothing is negative", Severity.WARNING, None, {}, "select * from {table} where usd < 0", 7)
MOST_SVG_BYTES = 2048


def evaluation(number: int, unexpected_rows: int = 0) -> Evaluation:
    moment = dt.datetime(2026, 11, 1) + dt.timedelta(days=number)  # noqa: DTZ001 - stored naive, as UTC
    return Evaluation(moment, 1000, unexpected_rows, success=unexpected_rows == 0)


def svg_in(plot: dg.MarkdownMetadataValue) -> str:
    found = re.fullmatch(r"!\[(.+)\]\(data:image/svg\+xml;base64,(.+)\)", plot.md_str or "")
    assert found
    return base64.b64decode(found[2]).decode()


def only_result(outcome: Outcome, history: tuple[Evaluation, ...]) -> dg.AssetCheckResult:
    validation = ValidationResult(Suite("spend.hourly", "expectations/spend/hourly.yaml", (NEGATIVE,)), 9, (outcome,))
    [result] = check_results(validation, {"nothing_is_negative": history})
    return result


def test_a_broken_check_shows_counts_rows_and_its_history() -> None:
    broken = Outcome(NEGATIVE, success=False, checked_rows=9, unexpected_rows=1, offending_rows=({"usd": "-1.00"},))
    result = only_result(broken, (evaluation(1), evaluation(2, 1)))
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description == "Nothing is negative: broken 1 times (9 rows checked)"
    assert {name: value.value for name, value in result.metadata.items() if name.endswith("_rows")} == {
        "checked_rows": 9,
        "unexpected_rows": 1,
    }
    sample = result.metadata["sample"]
    assert isinstance(sample, dg.TableMetadataValue)
    assert [dict(record.data) for record in sample.records] == [{"usd": "-1.00"}]
    history = result.metadata["history"]
    assert isinstance(history, dg.MarkdownMetadataValue)
    assert "2 evaluations since 2026-11-02, 1 broken, last with 1 rows" in str(history.md_str)


def test_a_first_evaluation_has_no_history_to_show() -> None:
    result = only_result(Outcome(NEGATIVE, success=True, checked_rows=9), (evaluation(1),))
    assert "history" not in result.metadata


def test_a_history_is_small_and_shows_what_broke_when() -> None:
    worst = [evaluation(number, 10**9 if number % 3 == 0 else 0) for number in range(KEPT_EVALUATIONS)]
    svg = svg_in(history_plot(worst))
    assert len(svg.encode()) <= MOST_SVG_BYTES
    assert len(re.findall(r"M\d+ 40v-32", svg)) == KEPT_EVALUATIONS // 3
    assert len(re.findall(r"M\d+ 40v-4(?=[M\"])", svg)) == KEPT_EVALUATIONS - KEPT_EVALUATIONS // 3


def test_more_broken_rows_make_a_taller_bar() -> None:
    heights = [
        int(re.findall(r"v-(\d+)", svg_in(history_plot([evaluation(1, rows), evaluation(2, rows)])))[0])
        for rows in (1, 10, 1_000)
    ]
    assert heights == sorted(set(heights))


def test_landed_rows_that_broke_a_rule_stay_out_of_every_later_run(workspace: Home, tieout: Tieout) -> None:
    before = ask(workspace.warehouse, "select count(*), sum(hash(t)) from spend.hourly as t").rows
    with open_warehouse(workspace.warehouse) as con:
        con.execute("delete from meta.checked_files")
        con.execute("delete from meta.week_inputs")
        con.execute("update raw.function_calls set status = null where row_number = 1")
    for _ in range(2):
        said = tieout("run", "--home", workspace.root)
        assert said.code == 1
        assert "raw.function_calls: Every call has a status: broken" in said.err
    assert ask(workspace.warehouse, "select count(*), sum(hash(t)) from spend.hourly as t").rows == before
    shown = tieout("sql", "quarantine", "--home", workspace.root)
    assert "Every call has a status" in shown.out
