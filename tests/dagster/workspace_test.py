import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import dagster as dg
import pytest

from tests.conftest import FIRST_WEEK, LAST_WEEK, Tieout
from tieout.catalog.load import load_catalog
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.definitions import definitions_of
from tieout.defs.checks import table_key
from tieout.defs.instance import open_instance
from tieout.defs.landing import landing_key
from tieout.defs.reports import WEEKLY_REPORT
from tieout.measure.baseline import write_lock
from tieout.measure.daily_work import daily_series, read_work
from tieout.savings.baseline_lock import freeze
from tieout.savings.days import BaselinePeriod
from tieout.savings.week import METHOD_VERSION
from tieout.validation.runner import Validator
from tieout.validation.suites import all_suites
from tieout.warehouse.build import Period, build_models
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import open_warehouse, read_warehouse
from tieout.warehouse.models import all_models, load_models
from tieout.warehouse.queries import ask

WEEKS = {FIRST_WEEK, LAST_WEEK}
CATALOG = resource_path("catalog")
RUNS_OF_THE_DEMO = ("run",)


@pytest.fixture(scope="module")
def instance(built_workspace: Home, tmp_path_factory: pytest.TempPathFactory) -> dg.DagsterInstance:
    copy = Home(tmp_path_factory.mktemp("seen") / "workspace")
    shutil.copytree(built_workspace.dagster, copy.dagster)
    return dg.DagsterInstance.from_config(str(copy.dagster))


def values(home: Home, select: str) -> list[tuple[object, ...]]:
    return list(ask(home.warehouse, select).rows)


def correct_october(home: Home, name: str, **said: object) -> Path:
    """Land another summary of October by hand; being newer, it is the one that counts."""
    summary = json.loads((home.landing / "billing_summary" / "2026-10.json").read_text())
    path = home.landing / "billing_summary" / name
    path.write_text(json.dumps(summary | said))
    return path


def everything_built(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """The rows of every table, and of every view above those that only say what is landed, whatever their order."""
    built = [model.name for model in all_models() if not (model.is_view and model.schema == "staging")]
    with read_warehouse(home.warehouse) as con:
        return {name: con.execute(f"select count(*), sum(hash(t)) from {name} as t").fetchall() for name in built}


def test_every_table_is_materialized_for_both_weeks(instance: dg.DagsterInstance) -> None:
    for model in load_models():
        assert instance.get_materialized_partitions(table_key(model.name)) == WEEKS
    assert instance.get_materialized_partitions(WEEKLY_REPORT) == WEEKS


def recorded_checks(instance: dg.DagsterInstance) -> dict[str, list[dg.AssetCheckEvaluation]]:
    """The last evaluation of every check that has one, by table."""
    found: dict[str, list[dg.AssetCheckEvaluation]] = {}
    for suite in all_suites().values():
        keys = [dg.AssetCheckKey(table_key(suite.table), each.check_name) for each in suite.expectations]
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        found[suite.table] = [record.event.dagster_event.asset_check_evaluation_data for record in latest.values()]  # type: ignore[union-attr]
    return found


def test_every_check_that_ran_is_recorded_and_no_critical_one_is_broken(
    instance: dg.DagsterInstance, built_workspace: Home
) -> None:
    with read_warehouse(built_workspace.warehouse) as con:
        for table, evaluations in recorded_checks(instance).items():
            [(has_rows,)] = con.execute(f"select count(*) > 0 from {table}").fetchall()
            if table == "reconciliation.closed_weeks":
                has_rows = False  # it was checked before the reports, which close the weeks
            assert len(evaluations) == (len(all_suites()[table].expectations) if has_rows else 0), table
            assert all(each.passed or each.severity is dg.AssetCheckSeverity.WARN for each in evaluations)


def test_a_run_is_recorded_in_few_events(instance: dg.DagsterInstance) -> None:
    [run] = instance.get_run_records()
    assert run.dagster_run.tags["tieout/started_by"] == "command line"
    assert run.dagster_run.tags["tieout/week"] == LAST_WEEK
    assert run.dagster_run.tags["tieout/weeks"] == f"{FIRST_WEEK} to {LAST_WEEK}"
    origin = run.dagster_run.remote_job_origin
    assert origin is not None
    assert origin.location_name == "tieout"
    events = instance.all_logs(run.dagster_run.run_id)
    kinds = Counter(event.dagster_event_type for event in events)
    checks = sum(len(evaluations) for evaluations in recorded_checks(instance).values())
    assert kinds[dg.DagsterEventType.ASSET_CHECK_EVALUATION] == checks
    tables = kinds[dg.DagsterEventType.ASSET_MATERIALIZATION]
    assert tables > 2 * len(load_models())
    assert len(events) <= tables + checks + 20
    assert not [kind for kind in kinds if kind is not None and ("PLANNED" in kind.value or "OUTPUT" in kind.value)]


def test_a_run_says_why_it_built_its_weeks(instance: dg.DagsterInstance) -> None:
    [run] = instance.get_runs()
    said = [event.user_message for event in instance.all_logs(run.run_id)]
    assert [line for line in said if "Reason" in line] == [f"Reason to build {FIRST_WEEK} to {LAST_WEEK}: a new week"]


def test_a_week_knows_its_own_number_of_rows(instance: dg.DagsterInstance, built_workspace: Home) -> None:
    event = instance.fetch_materializations(
        dg.AssetRecordsFilter(table_key("spend.hourly"), asset_partitions=[FIRST_WEEK]), limit=1
    ).records[0]
    materialization = event.asset_materialization
    assert materialization is not None
    counted = values(built_workspace, "select count(*) from spend.hourly where hour < '2026-10-19'")
    assert materialization.metadata["dagster/row_count"].value == counted[0][0]


def test_a_table_shows_its_columns_with_their_types_and_what_they_hold(built_workspace: Home) -> None:
    specs = {spec.key: spec for spec in definitions_of(built_workspace, CATALOG).resolve_all_asset_specs()}
    for name in (*all_suites(), *(model.name for model in all_models())):
        assert "dagster/column_schema" in specs[table_key(name)].metadata, name
    schema = specs[table_key("spend.hourly")].metadata["dagster/column_schema"].value
    assert isinstance(schema, dg.TableSchema)
    assert all(column.description for column in schema.columns)
    assert {column.type for column in schema.columns if column.name == "amount_usd"} == {"DECIMAL(38,12)"}


def test_a_table_shows_which_columns_its_own_are_made_of(instance: dg.DagsterInstance) -> None:
    event = instance.get_latest_materialization_event(table_key("finance.spend_daily"))
    assert event is not None and event.asset_materialization is not None
    lineage = event.asset_materialization.metadata["dagster/column_lineage"].value
    assert isinstance(lineage, dg.TableColumnLineage)
    sources = lineage.deps_by_column["function"]
    assert sources == [dg.TableColumnDep(table_key("spend.hourly"), "function")]


def test_the_report_shows_itself_on_its_asset(instance: dg.DagsterInstance, built_workspace: Home) -> None:
    event = instance.fetch_materializations(
        dg.AssetRecordsFilter(WEEKLY_REPORT, asset_partitions=[LAST_WEEK]), limit=1
    ).records[0]
    materialization = event.asset_materialization
    assert materialization is not None
    text = (built_workspace.reports / LAST_WEEK / "report.txt").read_text()
    assert text in str(materialization.metadata["report"].value)
    assert "difference $0.000000000000" in str(materialization.metadata["headline"].value)
    for name in ("bill", "cumulative"):
        assert f"(/archive/{LAST_WEEK}/chart-{name}.svg)" in str(materialization.metadata[name].value)
    assert next(iter(materialization.metadata)) == "bill"
    assert materialization.metadata["page"].value == f"/archive/{LAST_WEEK}/index.html"
    summary = json.loads((built_workspace.reports / LAST_WEEK / "summary.json").read_text())
    for name, printed in (("spent_usd", "cost"), ("saved_usd", "avoided"), ("half_width_usd", "half_width")):
        assert f"${materialization.metadata[name].value:,.2f}" == summary[printed]


def test_the_days_that_were_delivered_are_reported(instance: dg.DagsterInstance) -> None:
    days = instance.get_materialized_partitions(landing_key("billing_report"))
    assert {"2026-10-12", "2026-10-25"} <= days
    assert len(days) == 14
    assert instance.get_materialized_partitions(landing_key("billing_summary"))


def test_running_again_does_nothing(workspace: Home, tieout: Tieout) -> None:
    before = workspace.warehouse.read_bytes()
    reports = {path: path.stat().st_mtime_ns for path in workspace.reports.rglob("*") if path.is_file()}
    said = tieout("run", "--home", workspace.root)
    assert said.code == 0
    assert "Nothing has changed" in said.out
    assert {path: path.stat().st_mtime_ns for path in workspace.reports.rglob("*") if path.is_file()} == reports
    assert len(before) > 0
    with open_instance(workspace) as instance:
        assert len(instance.get_run_records()) == len(RUNS_OF_THE_DEMO)


def test_a_broken_gate_keeps_the_last_good_state_until_the_data_is_right(workspace: Home, tieout: Tieout) -> None:
    # The corrected summary is read after its month, the first one was not.
    figures = "select * exclude (is_closed) from reconciliation.months order by month"
    months = values(workspace, figures)
    built = everything_built(workspace)
    report = (workspace.reports / LAST_WEEK / "report.txt").read_bytes()

    wrong = correct_october(workspace, "2026-10.again.json", billed_cost="1.00", adjustments={"credits": "-7.00"})
    said = tieout("run", "--home", workspace.root)
    assert said.code == 1
    assert "staging.billing_summaries: Metered cost and adjustments make the bill: broken" in said.err
    assert "Traceback" not in said.err
    assert everything_built(workspace) == built
    assert (workspace.reports / LAST_WEEK / "report.txt").read_bytes() == report
    kept = values(
        workspace, "select severity, row_json from quarantine.rows where table_name = 'staging.billing_summaries'"
    )
    assert [severity for severity, _ in kept] == ["critical"]
    assert '"billed_usd": "1.000000000000"' in str(kept[0][1])
    with open_instance(workspace) as instance:
        failed = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        assert len(failed) == 1
        written = instance.fetch_materializations(WEEKLY_REPORT, limit=100).records
        assert failed[0].dagster_run.run_id not in {record.run_id for record in written}

    wrong.unlink()
    correct_october(workspace, "2026-10.corrected.json")
    said = tieout("run", "--home", workspace.root)
    assert said.code == 0
    assert [line for line in said.err.splitlines() if not line.endswith(" …")] == []  # but its stages
    assert values(workspace, figures) == months


def test_a_refused_file_is_named_until_it_is_gone_and_keeps_nothing_else_back(workspace: Home, tieout: Tieout) -> None:
    bad = workspace.landing / "billing_report" / "2026-10-26.json"
    bad.write_text('[{"object_id": "ap-1"')
    ran, doctor = tieout("run", "--home", workspace.root), tieout("doctor", "--home", workspace.root)
    assert (ran.code, doctor.code) == (1, 1)
    assert "landing/billing_report/2026-10-26.json" in ran.err
    assert "landing/billing_report/2026-10-26.json" in doctor.out
    assert (workspace.reports / LAST_WEEK / "index.html").exists()
    bad.unlink()
    assert tieout("run", "--home", workspace.root).code == 0
    assert "2026-10-26" not in tieout("doctor", "--home", workspace.root).out


def test_a_run_that_was_killed_leaves_nothing_half_done_and_a_week_can_be_built_anew(
    workspace: Home, tieout: Tieout
) -> None:
    spend = values(workspace, "select count(*), sum(hash(t)) from spend.hourly as t")
    command = [sys.executable, "-c", "from tieout.cli import main; main()", "run", "--all"]
    command += ["--home", str(workspace.root), "--catalog", str(resource_path("catalog"))]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as killed:
        while not has_started(workspace, runs=len(RUNS_OF_THE_DEMO) + 1):
            with contextlib.suppress(subprocess.TimeoutExpired):
                killed.wait(timeout=0.05)
            assert killed.returncode is None
        killed.kill()
    assert values(workspace, "select count(*), sum(hash(t)) from spend.hourly as t") == spend
    said = tieout("run", "--week", FIRST_WEEK, "--home", workspace.root)
    assert said.code == 0
    assert f"Built {FIRST_WEEK}, reported {FIRST_WEEK}" in said.out, "only what was asked for"
    assert values(workspace, "select count(*), sum(hash(t)) from spend.hourly as t") == spend
    with open_instance(workspace) as instance:
        ends = Counter(record.dagster_run.status.value for record in instance.get_run_records())
    assert ends == {"FAILURE": 1, "SUCCESS": len(RUNS_OF_THE_DEMO) + 1}


def has_started(home: Home, *, runs: int) -> bool:
    with contextlib.closing(sqlite3.connect(home.dagster / "history" / "runs.db")) as con:
        counted = con.execute("select count(*) from runs where status != 'NOT_STARTED'").fetchone()
    return bool(counted[0] >= runs)


def test_what_a_user_picks_in_the_ui_is_made_by_the_same_steps(workspace: Home) -> None:
    before = everything_built(workspace)
    definitions = definitions_of(workspace, CATALOG)
    chosen = [table_key("spend.hourly"), WEEKLY_REPORT]
    with open_instance(workspace) as instance:
        loaded = definitions.resolve_job_def("load").execute_in_process(instance=instance)
        made = definitions.resolve_job_def("week").execute_in_process(
            instance=instance, asset_selection=chosen, partition_key=LAST_WEEK
        )
    assert {event.asset_key for event in made.get_asset_materialization_events()} == set(chosen)
    assert {check.asset_key for check in made.get_asset_check_evaluations()} == {table_key("spend.hourly")}
    assert not loaded.get_asset_check_evaluations(), "nothing is new"
    assert everything_built(workspace) == before


def test_the_ui_starts_the_same_run_as_the_command_line(workspace: Home) -> None:
    (workspace.landing / "billing_report" / "2026-10-26.json").write_text("[]")
    job = definitions_of(workspace, CATALOG).resolve_job_def("run")
    with open_instance(workspace) as instance:
        started = job.execute_in_process(instance=instance)
        assert instance.get_run_by_id(started.run_id).tags["tieout/started_by"] == "dagster"  # type: ignore[union-attr]
        written = instance.fetch_materializations(table_key("raw.deliveries"), limit=1).records
    assert [record.run_id for record in written] == [started.run_id]


def test_a_week_of_which_nothing_is_landed_is_refused(workspace: Home, tieout: Tieout) -> None:
    said = tieout("run", "--week", "2026-W50", "--home", workspace.root)
    assert said.code == 2
    assert f"landed weeks: {FIRST_WEEK} to {LAST_WEEK}" in said.err


def test_a_report_is_written_again_as_it_was(workspace: Home, tieout: Tieout) -> None:
    folder = workspace.reports / LAST_WEEK
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for name in before:
        (folder / name).unlink()
    said = tieout("report", "--home", workspace.root)
    assert said.code == 0
    assert said.out.startswith(before["report.txt"].decode())
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_the_doctor_looks_at_everything_and_finds_nothing_wrong(built_workspace: Home, tieout: Tieout) -> None:
    lines = tieout("doctor", "--home", built_workspace.root).out.splitlines()
    marks = {line.split()[1]: line.split()[0] for line in lines if line.startswith(("ok", "problem"))}
    assert marks.keys() == {
        "python",
        "packages",
        "home",
        "disk",
        "catalog",
        "baseline",
        "landing",
        "state",
        "warehouse",
        "clock",
        "modal",
    }
    assert {subject for subject, mark in marks.items() if mark == "problem"} <= {"packages"}


def test_the_catalog_of_another_programme_leaves_nothing_unattributed(workspace: Home, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    for path in resource_path("catalog").iterdir():
        (catalog / path.name).write_bytes(path.read_bytes())
    functions = (catalog / "functions.yaml").read_text()
    (catalog / "functions.yaml").write_text(functions.replace("coral-x-production", "another-app"))
    weeks = Period(IsoWeek.parse(FIRST_WEEK).start, IsoWeek.parse(LAST_WEEK).end)
    differing = "select count(*), sum(difference_usd) from reconciliation.pools where difference_usd != 0"
    with open_warehouse(workspace.warehouse) as con:
        write_catalog(con, load_catalog(catalog))
        assert build_models(con, load_models(), weeks, validator=Validator(con), run_id="another").is_committed
        assert con.execute(differing).fetchall() == [(0, None)]


def test_a_run_reports_on_the_frozen_baseline(workspace: Home, tieout: Tieout, tmp_path: Path) -> None:
    catalog_directory = Path(shutil.copytree(resource_path("catalog"), tmp_path / "catalog"))
    catalog = load_catalog(catalog_directory)
    week = IsoWeek.parse(FIRST_WEEK)
    with read_warehouse(workspace.warehouse) as con:
        work = read_work(con, catalog, until=week.end)
    series = daily_series(work, catalog, landed=week.days())
    baseline = BaselinePeriod(week.start, week.end)
    lock = freeze(series, baseline=baseline, catalog=catalog, method_version=METHOD_VERSION)
    write_lock(lock, catalog_directory)
    assert tieout("run", "--home", workspace.root, "--catalog", catalog_directory).code == 0
    proof, findings = (
        (workspace.reports / LAST_WEEK / name).read_text(encoding="utf-8") for name in ("tie-out.html", "data.html")
    )
    assert lock.sha256 in proof
    assert "baseline_not_frozen" not in findings
