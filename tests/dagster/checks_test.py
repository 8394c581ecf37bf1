"""Checks as Dagster shows them: counts, which it plots over time, and the rows that break a rule."""

import json

import dagster as dg

from tests.conftest import Tieout
from tieout.core.findings import Severity
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.definitions import definitions_of
from tieout.defs.checks import check_evaluations, check_results, table_key
from tieout.validation.results import ExpectationOutcome, ValidationResult
from tieout.validation.suites import Expectation, Suite
from tieout.warehouse.connection import open_warehouse, read_warehouse

NEGATIVE = Expectation("Nothing is negative", Severity.WARNING, None, {}, "select * from {table} where usd < 0", 7)


def only_result(outcome: ExpectationOutcome) -> dg.AssetCheckResult:
    validation = ValidationResult(Suite("spend.hourly", "expectations/spend/hourly.yaml", (NEGATIVE,)), 9, (outcome,))
    [result] = check_results(validation)
    return result


def counts_of(result: dg.AssetCheckResult) -> dict[str, object]:
    return {name: value.value for name, value in result.metadata.items() if name.endswith("_rows")}


def test_a_broken_check_shows_counts_and_rows() -> None:
    broken = ExpectationOutcome(
        NEGATIVE, success=False, checked_rows=9, unexpected_rows=1, offending_rows=({"usd": "-1.00"},)
    )
    result = only_result(broken)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description == "Nothing is negative: broken once (9 rows checked)"
    assert counts_of(result) == {"checked_rows": 9, "unexpected_rows": 1}
    sample = result.metadata["sample"]
    assert isinstance(sample, dg.TableMetadataValue)
    assert [dict(record.data) for record in sample.records] == [{"usd": "-1.00"}]


def test_a_check_that_holds_is_a_zero_in_its_history() -> None:
    result = only_result(ExpectationOutcome(NEGATIVE, success=True, checked_rows=9))
    assert counts_of(result) == {"checked_rows": 9, "unexpected_rows": 0}
    assert result.description == "holds (9 rows checked)"


def test_what_holds_for_no_row_is_not_shown_as_a_success() -> None:
    def shown(outcome: ExpectationOutcome) -> list[dg.AssetCheckEvaluation]:
        suite = Suite("spend.hourly", "expectations/spend/hourly.yaml", (NEGATIVE,))
        return list(check_evaluations(ValidationResult(suite, outcome.checked_rows, (outcome,))))

    assert shown(ExpectationOutcome(NEGATIVE, success=True, checked_rows=0)) == []
    assert [each.passed for each in shown(ExpectationOutcome(NEGATIVE, success=False, checked_rows=0))] == [False]
    assert [each.passed for each in shown(ExpectationOutcome(NEGATIVE, success=True, checked_rows=1))] == [True]


def test_a_file_that_breaks_a_rule_changes_nothing_and_holds_up_nothing_once_it_is_repaired(
    workspace: Home, tieout: Tieout
) -> None:
    landed = workspace.landing / "app_list" / "2026-10-27.json"
    apps = json.loads(min(landed.parent.glob("*.json")).read_text(encoding="utf-8"))
    before = raw_tables(workspace)
    landed.write_text(json.dumps([*apps, apps[0]]), encoding="utf-8")
    for _ in range(2):
        said = tieout("run", "--home", workspace.root)
        assert said.code == 1
        assert "raw.app_list: An app stands once in its file: broken once" in said.err
    assert raw_tables(workspace) == before
    assert "app_list/2026-10-27.json" in tieout("sql", "quarantine", "--home", workspace.root).out

    landed.write_text(json.dumps(apps), encoding="utf-8")
    assert tieout("run", "--home", workspace.root).code == 0
    assert "2026-10-27" not in tieout("sql", "quarantine", "--home", workspace.root).out


def test_what_is_refused_in_the_load_that_a_gate_stops_is_named_with_the_rule(workspace: Home, tieout: Tieout) -> None:
    landed = workspace.landing / "app_list" / "2026-10-27.json"
    apps = json.loads(min(landed.parent.glob("*.json")).read_text(encoding="utf-8"))
    landed.write_text(json.dumps([*apps, apps[0]]), encoding="utf-8")
    cut_off = workspace.landing / "app_list" / "2026-10-28.json"
    cut_off.write_text(json.dumps(apps)[:-1], encoding="utf-8")
    said = tieout("run", "--home", workspace.root)
    assert said.code == 1
    refused, broken = said.err.index("Refused landing/app_list/2026-10-28.json"), said.err.index("raw.app_list: An app")
    assert refused < broken


def raw_tables(workspace: Home) -> dict[str, object]:
    """The rows of every raw table, but for what is only remembered of paths."""
    with read_warehouse(workspace.warehouse) as con:
        tables = con.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall()
        names = {name for (name,) in tables} - {"scanned_paths"}
        return {name: con.execute(f"select count(*), sum(hash(t)) from raw.{name} as t").fetchall() for name in names}


def test_a_check_that_is_executed_alone_looks_at_the_table_as_it_is(workspace: Home) -> None:
    key = dg.AssetCheckKey(table_key("spend.attributed"), "every_pool_equals_the_bill")
    definitions = definitions_of(workspace, resource_path("catalog"))
    alone = definitions.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection=frozenset(), asset_check_selection=frozenset({key})
    )
    assert evaluated(alone) == {key: True}
    with open_warehouse(workspace.warehouse) as con:
        con.execute("delete from spend.attributed where amount_pd = (select max(amount_pd) from spend.attributed)")
    assert evaluated(alone) == {key: False}


def evaluated(job: dg.JobDefinition) -> dict[dg.AssetCheckKey, bool]:
    result = job.execute_in_process(raise_on_error=False)
    assert not result.get_asset_materialization_events()
    return {check.asset_check_key: check.passed for check in result.get_asset_check_evaluations()}
