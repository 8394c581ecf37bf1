"""The weekly mail in Dagster: an asset of its own, two schedules, and what a person sees when mail does not go out."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from tests.conftest import FIRST_WEEK, LAST_WEEK
from tests.mail.mail_server import HOST, Postmaster, running
from tieout.catalog.mail_settings import Security
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.definitions import definitions_of
from tieout.defs.calendar import show_weeks
from tieout.defs.mail import WEEKLY_MAIL
from tieout.mail.outbox import read_outbox
from tieout.report.wording import dates

FINANCE = "finance@example.com"
LAST = IsoWeek.parse(LAST_WEEK)
WEEKS = (IsoWeek.parse(FIRST_WEEK), LAST)
MONDAY_AT_EIGHT = dt.datetime(2026, 10, 26, 8, tzinfo=dt.UTC)


@pytest.fixture
def postmaster() -> Postmaster:
    return Postmaster()


@pytest.fixture
def served(postmaster: Postmaster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postmaster]:
    with running(postmaster, security=Security.NONE) as server:
        monkeypatch.setenv("TIEOUT_SMTP_HOST", HOST)
        monkeypatch.setenv("TIEOUT_SMTP_PORT", str(server.settings.port))
        monkeypatch.setenv("TIEOUT_SMTP_SECURITY", "none")
        monkeypatch.setenv("TIEOUT_MAIL_FROM", "tieout@example.com")
        yield postmaster


def definitions(home: Home) -> dg.Definitions:
    return definitions_of(home, resource_path("catalog"))


def mail(home: Home, instance: dg.DagsterInstance, week: str = LAST_WEEK) -> dg.ExecuteInProcessResult:
    job = definitions(home).resolve_job_def("mail")
    show_weeks(instance, WEEKS)
    return job.execute_in_process(instance=instance, partition_key=week, raise_on_error=False)


def tick(home: Home, now: dt.datetime = MONDAY_AT_EIGHT, name: str = "weekly_mail") -> list[str] | str:
    """The partitions that a schedule asks for, or why it asks for none."""
    found = definitions(home)
    with dg.instance_for_test() as instance:
        show_weeks(instance, WEEKS)
        asked = dg.build_schedule_context(
            instance, scheduled_execution_time=now, repository_def=found.get_repository_def()
        )
        with asked as context:
            data = found.resolve_schedule_def(name).evaluate_tick(context)
    if not data.run_requests:
        return data.skip_message or ""
    return [request.partition_key or "" for request in data.run_requests]


def change(home: Home, statement: str) -> None:
    with duckdb.connect(home.warehouse) as con:
        con.execute(statement)


def states(home: Home) -> list[str]:
    with read_outbox(home.outbox) as outbox:
        return [recipient.state.value for message in outbox.messages() for recipient in message.recipients]


def failure(result: dg.ExecuteInProcessResult) -> str:
    [event] = [event for event in result.all_events if event.is_step_failure]
    data = event.step_failure_data.user_failure_data
    assert data is not None
    return data.description or ""


def test_building_a_week_does_not_mail_it(built_workspace: Home) -> None:
    found = definitions(built_workspace)
    week, own = found.resolve_job_def("week"), found.resolve_job_def("mail")
    assert WEEKLY_MAIL not in week.asset_layer.executable_asset_keys
    assert own.asset_layer.executable_asset_keys == {WEEKLY_MAIL}


def test_the_schedules_run_by_themselves_at_eight_on_mondays_where_the_catalog_says(tmp_path: Path) -> None:
    (tmp_path / "mail.yaml").write_text("timezone: Europe/Vienna\nfinance: []\noperators: []\n")
    schedule = definitions_of(Home(tmp_path), tmp_path).resolve_schedule_def("weekly_mail")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 8 * * 1", "Europe/Vienna")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    hourly = definitions_of(Home(tmp_path), tmp_path).resolve_schedule_def("mail_follow_up")
    assert hourly.cron_schedule == "20 * * * *"


def test_a_week_is_mailed_once_and_shows_itself_on_its_asset(workspace: Home, served: Postmaster) -> None:
    assert tick(workspace, MONDAY_AT_EIGHT - dt.timedelta(hours=1)) == [FIRST_WEEK]
    assert tick(workspace) == [LAST_WEEK]
    with dg.DagsterInstance.ephemeral() as instance:
        assert mail(workspace, instance).success
        assert mail(workspace, instance).success
        assert instance.get_materialized_partitions(WEEKLY_MAIL) == {LAST_WEEK}
        event = instance.get_latest_materialization_event(WEEKLY_MAIL)
    assert served.copies(FINANCE) == 1
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    days = dates(LAST.start, LAST.end)
    assert str(metadata["subject"].value).startswith(f"Tieout · CORAL-X · {days}")
    assert f"TIEOUT · CORAL-X · {days} ({LAST_WEEK})" in str(metadata["preview"].value)
    recipients = metadata["recipients"]
    assert isinstance(recipients, dg.TableMetadataValue)
    [row] = recipients.records
    assert (row.data["to"], row.data["state"], row.data["answer"]) == (FINANCE, "sent", "250 queued as 1")
    for name in ("weekly_mail", "mail_follow_up"):
        assert tick(workspace, name=name) == "No week is due, and no mail waits for another attempt."


def test_a_server_that_is_down_fails_the_run_and_the_next_one_delivers(
    workspace: Home, served: Postmaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        with monkeypatch.context() as down:
            down.setenv("TIEOUT_SMTP_PORT", "1")
            said = failure(mail(workspace, instance))
            assert f"{HOST}:1 cannot be reached" in said
            assert f"tieout outbox --week {LAST_WEEK}" in said
        assert states(workspace) == ["waiting"]
        assert instance.get_materialized_partitions(WEEKLY_MAIL) == set()
        now = dt.datetime.now(dt.UTC)
        assert tick(workspace, now, "mail_follow_up") == "No week is due, and no mail waits for another attempt."
        assert tick(workspace, now + dt.timedelta(minutes=6), "mail_follow_up") == [LAST_WEEK]
        with monkeypatch.context() as later:
            later.setattr("tieout.defs.mail._now", lambda: now + dt.timedelta(minutes=6))
            assert mail(workspace, instance).success
        assert instance.get_materialized_partitions(WEEKLY_MAIL) == {LAST_WEEK}
    assert served.copies(FINANCE) == 1


def test_a_week_that_is_held_back_is_red_and_told_to_operators(workspace: Home, served: Postmaster) -> None:
    change(workspace, "update reconciliation.months set bill_difference_usd = 1.25")
    with dg.DagsterInstance.ephemeral() as instance:
        said = failure(mail(workspace, instance))
        assert "held back from finance. Blocked: G4 is not passed." in said
        assert instance.get_materialized_partitions(WEEKLY_MAIL) == set()
    assert [delivery.recipient for delivery in served.delivered] == ["platform@example.com"]
    assert tick(workspace) == "No week is due, and no mail waits for another attempt."
    change(workspace, f"update meta.report_inputs set input_hash = 'made anew' where week = '{LAST_WEEK}'")
    assert tick(workspace) == [LAST_WEEK]


def test_a_week_that_is_not_final_waits_without_a_mail(workspace: Home, served: Postmaster) -> None:
    change(workspace, f"delete from meta.closings where week = '{LAST_WEEK}'")
    change(workspace, "update staging.billing_intervals set is_settled = false where hour >= '2026-10-25'")
    with dg.DagsterInstance.ephemeral() as instance:
        assert mail(workspace, instance).success
        assert instance.get_materialized_partitions(WEEKLY_MAIL) == set()
    assert served.delivered == []
    assert states(workspace) == []


def test_a_wrong_setting_is_an_error_of_the_schedule_that_says_which(
    built_workspace: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEOUT_SMTP_PORT", "25")
    with pytest.raises(dg.DagsterUserCodeExecutionError) as raised:
        tick(built_workspace)
    assert "$TIEOUT_SMTP_PORT is set, $TIEOUT_SMTP_HOST is not" in str(raised.value.user_exception)


def test_before_anything_is_built_nothing_is_due(tmp_path: Path) -> None:
    assert tick(Home(tmp_path)) == "Nothing is built yet."
