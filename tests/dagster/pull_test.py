import datetime as dt
import json
from pathlib import Path

import dagster as dg
import pytest

from tests.support.landing_folder import REPORT_LINE
from tests.support.loading import load_at
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.definitions import definitions_of
from tieout.defs.checks import table_key
from tieout.defs.daily import build_changed_weeks, daily_schedule, load_what_was_pulled
from tieout.defs.instance import open_instance
from tieout.defs.pull import CHANGED_WEEKS, PULLED, changed_weeks
from tieout.defs.reports import WEEKLY_REPORT
from tieout.defs.workspace import open_workspace
from tieout.modal.client import Cause
from tieout.modal.pull import PullOutcome
from tieout.modal.snapshots import LandedFile
from tieout.modal.tasks import Failure
from tieout.warehouse.connection import open_warehouse

MORNING = dt.datetime(2026, 11, 9, 7, tzinfo=dt.UTC)
CATALOG = resource_path("catalog")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def simulated(tmp_path: Path) -> Home:
    home = Home(tmp_path / "simulated")
    home.root.mkdir()
    home.simulation.write_text("{}")
    return home


def tick(home: Home) -> dg.RunRequest | dg.SkipReason:
    schedule = daily_schedule(home)
    data = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=MORNING))
    return data.run_requests[0] if data.run_requests else dg.SkipReason(data.skip_message)


def pull_job(home: Home, outcome: PullOutcome, monkeypatch: pytest.MonkeyPatch) -> dg.ExecuteInProcessResult:
    monkeypatch.setattr("tieout.defs.pull.pull", lambda *_, **__: outcome)
    job = definitions_of(home, CATALOG).resolve_job_def("pull")
    return job.execute_in_process(instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)


def outcome(*failures: Failure, landed: tuple[LandedFile, ...] = ()) -> PullOutcome:
    return PullOutcome(landed=landed, failures=failures, unasked=0, notes=("an app is gone",), seconds=1.25)


LANDED = (
    LandedFile("billing_report/2026-11-08.plain.json", "billing_report", None),
    LandedFile("c", "function_calls", 7),
)
FAILED = Failure("bill of 2026-11-08", Cause.INTERRUPTED, "cut")


def test_without_a_token_the_tick_is_skipped_with_its_reason(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET", "MODAL_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MODAL_CONFIG_PATH", "nonexistent.toml")
    skipped = tick(home)
    assert isinstance(skipped, dg.SkipReason)
    assert "No Modal token" in str(skipped.skip_message)


def test_with_a_token_there_is_one_pull_a_day(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODAL_TOKEN_ID", "ak-1234")
    monkeypatch.setenv("MODAL_TOKEN_SECRET", "as-1234")
    asked = tick(home)
    assert isinstance(asked, dg.RunRequest)
    assert asked.run_key == "2026-11-09"
    assert daily_schedule(home).cron_schedule == "0 7 * * *"


def test_nothing_is_pulled_into_a_simulated_workspace(simulated: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODAL_TOKEN_ID", "ak-1234")
    monkeypatch.setenv("MODAL_TOKEN_SECRET", "as-1234")
    assert isinstance(tick(simulated), dg.SkipReason)
    result = pull_job(simulated, outcome(landed=LANDED), monkeypatch)
    assert not result.success


def test_the_pull_says_what_it_brought_and_what_it_did_not(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    result = pull_job(home, outcome(FAILED, landed=LANDED), monkeypatch)
    assert result.success
    [event] = result.get_asset_materialization_events()
    metadata = event.materialization.metadata
    assert {name: metadata[name].value for name in ("files", "calls", "seconds", "not_pulled")} == {
        "files": 2,
        "calls": 7,
        "seconds": 1.2,
        "not_pulled": 1,
    }
    assert "bill of 2026-11-08: cut" in str(metadata["what_failed"].value)


def test_a_pull_that_brings_nothing_fails(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not pull_job(home, outcome(FAILED), monkeypatch).success
    assert pull_job(home, outcome(), monkeypatch).success


def test_what_is_shown_as_fresh_ages_unless_it_is_simulated(home: Home, simulated: Home) -> None:
    def ageing(of: Home) -> set[str]:
        specs = definitions_of(of, CATALOG).resolve_all_asset_specs()
        return {spec.key.to_user_string() for spec in specs if spec.freshness_policy is not None}

    assert ageing(home) == {"landing/billing_report", "spend/hourly"}
    assert ageing(simulated) == set()


def test_after_a_pull_the_weeks_that_it_changes_are_built_and_those_that_show_them_reported(home: Home) -> None:
    pulled_at = MORNING + dt.timedelta(days=7)
    for day in ("2026-11-04", "2026-11-11"):
        bill = home.landing / "billing_report" / f"{day}.plain.json"
        bill.parent.mkdir(parents=True, exist_ok=True)
        bill.write_text(json.dumps([{**REPORT_LINE, "interval_start": f"{day}T01:00:00"}]))
    with open_warehouse(home.warehouse) as con:
        assert load_at(con, home.landing, now=pulled_at).loaded == 2
    definitions = definitions_of(home, CATALOG)
    with open_instance(home) as instance:
        workspace = open_workspace(home, CATALOG)
        assert dg.materialize([changed_weeks], instance=instance, resources={"workspace": workspace}).success
        build, report = sensor_requests(build_changed_weeks, instance, definitions)
    assert weeks(build) == weeks(report) == ("2026-W45-1", "2026-W46-1")
    assert build.asset_selection is None
    reported = list(report.asset_selection or [])
    assert WEEKLY_REPORT in reported and table_key("spend.hourly") not in reported


def test_what_was_pulled_is_loaded_and_its_weeks_are_named_in_a_run_of_its_own(home: Home) -> None:
    definitions = definitions_of(home, CATALOG)
    with open_instance(home) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(PULLED))
        assert len(sensor_requests(load_what_was_pulled, instance, definitions)) == 1
    loads = definitions.resolve_job_def("load_pulled").asset_layer.executable_asset_keys
    assert {table_key("raw.billing_report"), CHANGED_WEEKS} <= set(loads)
    for job in ("load", "week"):
        assert not {PULLED, CHANGED_WEEKS} & set(definitions.resolve_job_def(job).asset_layer.executable_asset_keys)


def test_a_pull_that_changes_no_week_builds_none(home: Home) -> None:
    definitions = definitions_of(home, CATALOG)
    known = dg.AssetMaterialization(CHANGED_WEEKS, metadata={"weeks": [], "known": ["2026-W45"]})
    with open_instance(home) as instance:
        instance.report_runless_asset_event(known)
        assert sensor_requests(build_changed_weeks, instance, definitions) == []


def weeks(request: dg.RunRequest) -> tuple[str, ...]:
    return tuple(request.tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end"))


def sensor_requests(
    sensor: dg.SensorDefinition, instance: dg.DagsterInstance, definitions: dg.Definitions
) -> list[dg.RunRequest]:
    context = dg.build_sensor_context(instance=instance, definitions=definitions)
    return list(sensor.evaluate_tick(context).run_requests or [])
