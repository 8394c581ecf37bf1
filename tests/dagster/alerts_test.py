"""What Dagster's record shows of failed runs and stopped schedules reaches operators, once."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import InProcessCodeLocationOrigin as CodeLocation
from dagster._core.remote_origin import RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, ScheduleInstigatorData
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from tests.conftest import Tieout
from tests.mail.mail_server import HOST, Postmaster, running
from tests.mail.webhook_server import Hook, hooked
from tieout.catalog.mail_settings import WEBHOOKS_VARIABLE
from tieout.catalog.settings import AlertKind
from tieout.core.home import Home
from tieout.definitions import definitions_of
from tieout.defs.alerts import open_alerts
from tieout.defs.instance import open_instance
from tieout.defs.pull import NOT_PULLED, PULLED, WHAT_FAILED
from tieout.mail.alerts import Alert


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty workspace whose catalog names one operator."""
    catalog = tmp_path / "home" / "catalog"
    catalog.mkdir(parents=True)
    (catalog / "mail.yaml").write_text("operators: [ops@example.com]\n")
    built_in = Path(__file__).parents[2] / "catalog"
    (catalog / "functions.yaml").write_text("functions: []\n")
    (catalog / "prices.yaml").write_bytes((built_in / "prices.yaml").read_bytes())
    return Home(tmp_path / "home")


@pytest.fixture
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    with open_instance(home) as opened:
        yield opened


def end_pull(instance: dg.DagsterInstance, reason: str | None) -> str:
    """Record a run of the pull that fails for a reason, or succeeds."""

    @dg.op
    def pulled() -> None:
        if reason is not None:
            raise dg.Failure(reason, allow_retries=False)

    @dg.job(name="pull")
    def pull() -> None:
        pulled()

    return pull.execute_in_process(instance=instance, raise_on_error=False).run_id


def bring(instance: dg.DagsterInstance, *missing: str) -> str:
    """Record a run of the pull that brings something, but not what is missing."""

    @dg.op(out={})
    def pulled(context: dg.OpExecutionContext) -> Iterator[None]:
        failed = "\n".join(f"- {what}: 403" for what in missing) or "nothing"
        metadata = {NOT_PULLED: dg.MetadataValue.int(len(missing)), WHAT_FAILED: dg.MetadataValue.md(failed)}
        context.log_event(dg.AssetMaterialization(PULLED, metadata=metadata))
        yield from ()

    job = dg.GraphDefinition(name="pull", node_defs=[pulled]).to_job(name="pull")
    return job.execute_in_process(instance=instance).run_id


def look(instance: dg.DagsterInstance, home: Home) -> tuple[Alert, ...]:
    return open_alerts(instance, home, home.catalog, now=dt.datetime.now(dt.UTC))


def stop(instance: dg.DagsterInstance, name: str) -> None:
    """Record that somebody has stopped a schedule."""
    target = LoadableTargetOrigin(module_name="tieout.definitions")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(CodeLocation(target), "__repository__"), name)
    data = ScheduleInstigatorData("0 7 * * *")
    instance.add_instigator_state(InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.STOPPED, data))


def test_the_first_failure_since_the_last_success_is_the_alert(instance: dg.DagsterInstance, home: Home) -> None:
    end_pull(instance, None)
    assert look(instance, home) == ()
    first = end_pull(instance, "Nothing was pulled: Modal cannot be reached")
    for _ in range(2):
        [alert] = look(instance, home)
        assert (alert.kind, alert.occurrence) == (AlertKind.PULL, first)
        assert alert.problem.startswith("Nothing was pulled: Modal cannot be reached (run ")
        end_pull(instance, "still nothing")
    end_pull(instance, None)
    assert look(instance, home) == ()
    later = end_pull(instance, "again nothing")
    assert [alert.occurrence for alert in look(instance, home)] == [later]


def test_a_pull_that_brings_not_everything_is_an_alert_once_until_one_is_complete(
    instance: dg.DagsterInstance, home: Home
) -> None:
    bring(instance)
    assert look(instance, home) == ()
    first = bring(instance, "billing_report 2026-11-02")
    for day in (3, 4):
        [alert] = look(instance, home)
        assert (alert.kind, alert.occurrence) == (AlertKind.PULL, f"incomplete since {first}")
        bring(instance, f"billing_report 2026-11-0{day}", "app_list")
    assert (
        "Exports that were not pulled: 2.\n- billing_report 2026-11-04: 403\n- app_list: 403"
        in look(instance, home)[0].problem
    )
    bring(instance)
    assert look(instance, home) == ()


def test_a_stopped_schedule_is_an_alert_and_a_silent_one_is_none(instance: dg.DagsterInstance, home: Home) -> None:
    stop(instance, "daily_pull")
    stop(instance, "somebody_elses")
    [alert] = look(instance, home)
    assert (alert.kind, alert.title) == (AlertKind.SCHEDULE, "daily_pull is stopped")
    (home.catalog / "settings.yaml").write_text("alerts: {silent: [schedule]}\n")
    assert look(instance, home) == ()


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    with hooked() as hook:
        monkeypatch.setenv(WEBHOOKS_VARIABLE, hook.url)
        yield hook


@pytest.fixture
def postmaster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Postmaster]:
    postmaster = Postmaster()
    with running(postmaster) as server:
        monkeypatch.setenv("TIEOUT_SMTP_HOST", HOST)
        monkeypatch.setenv("TIEOUT_SMTP_PORT", str(server.settings.port))
        monkeypatch.setenv("TIEOUT_SMTP_SECURITY", "none")
        monkeypatch.setenv("TIEOUT_MAIL_FROM", "tieout@example.com")
        yield postmaster


def test_the_schedule_asks_for_a_run_until_everybody_is_told(
    instance: dg.DagsterInstance, home: Home, postmaster: Postmaster, hook: Hook
) -> None:
    (home.catalog / "settings.yaml").write_text("alerts: {digest_hour: null}\n")
    definitions = definitions_of(home, home.catalog)
    schedule, job = definitions.resolve_schedule_def("alerts"), definitions.resolve_job_def("alerts")

    def tick() -> int:
        context = dg.build_schedule_context(instance, scheduled_execution_time=dt.datetime.now(dt.UTC))
        return len(schedule.evaluate_tick(context).run_requests or [])

    assert tick() == 0
    end_pull(instance, "Nothing was pulled")
    for _ in range(2):
        assert tick() == (1 if not hook.posted else 0)
        assert job.execute_in_process(instance=instance).success
    assert [postmaster.copies("ops@example.com"), len(hook.posted)] == [1, 1]


def test_the_command_shows_what_is_open_and_tells_once(
    tieout: Tieout, instance: dg.DagsterInstance, home: Home, postmaster: Postmaster, hook: Hook
) -> None:
    (home.catalog / "settings.yaml").write_text("alerts: {digest_hour: null}\n")
    end_pull(instance, "Nothing was pulled")
    shown = tieout("alerts", "--home", home.root, "--catalog", home.catalog)
    assert "pull: the pull has failed" in shown.out and not hook.posted
    sent = tieout("alerts", "--send", "--home", home.root, "--catalog", home.catalog)
    assert "ops@example.com" in sent.out and sent.code == 0
    again = tieout("alerts", "--send", "--home", home.root, "--catalog", home.catalog)
    assert "Nothing is open that operators were not told of." in again.out
    assert [postmaster.copies("ops@example.com"), len(hook.posted)] == [1, 1]


def test_nobody_to_tell_is_said(tieout: Tieout, home: Home) -> None:
    (home.catalog / "mail.yaml").write_text("operators: []\n")
    refused = tieout("alerts", "--send", "--home", home.root, "--catalog", home.catalog)
    assert refused.code == 2 and "nobody is told: mail.yaml names no operators" in refused.err


@pytest.mark.parametrize("options", [(), ("--send",)])
def test_a_folder_without_a_workspace_is_told_so_and_stays_as_it_is(
    tieout: Tieout, home: Home, options: tuple[str, ...]
) -> None:
    said = tieout("alerts", *options, "--home", home.root, "--catalog", home.catalog)
    assert (said.code, f"there is no workspace in {home.root}" in said.err) == (2, True)
    assert [path.name for path in home.root.iterdir()] == ["catalog"]
