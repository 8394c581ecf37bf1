import datetime as dt
from pathlib import Path

import dagster as dg
import pytest

from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.definitions import definitions_of
from tieout.defs.daily import daily_schedule, run_after_pull
from tieout.defs.instance import open_instance
from tieout.defs.pull import PULLED
from tieout.modal.client import Cause
from tieout.modal.pull import PullOutcome
from tieout.modal.snapshots import LandedFile
from tieout.modal.tasks import Failure

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

    assert ageing(home) == {"landing/billing_report", "spend/hourly", "reports/weekly", "reports/mail"}
    assert ageing(simulated) == set()


def test_after_every_pull_there_is_one_run_that_does_the_rest(home: Home) -> None:
    definitions = definitions_of(home, CATALOG)
    with open_instance(home) as instance:
        assert sensor_requests(run_after_pull, instance, definitions) == []
        instance.report_runless_asset_event(dg.AssetMaterialization(PULLED))
        assert len(sensor_requests(run_after_pull, instance, definitions)) == 1
    assert run_after_pull.job.name == "run"
    for job in ("load", "week"):
        assert PULLED not in definitions.resolve_job_def(job).asset_layer.executable_asset_keys


def sensor_requests(
    sensor: dg.SensorDefinition, instance: dg.DagsterInstance, definitions: dg.Definitions
) -> list[dg.RunRequest]:
    context = dg.build_sensor_context(instance=instance, definitions=definitions)
    return list(sensor.evaluate_tick(context).run_requests or [])
