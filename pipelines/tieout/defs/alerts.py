"""Alerts: what Dagster's record shows of failed runs and stopped schedules, and the job that tells operators.

A schedule looks every quarter of an hour. It asks for a run only when somebody is to be told of something, so that the
looks leave nothing in the record but their ticks.
"""

import datetime as dt
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from tieout.catalog.load import load_catalog
from tieout.catalog.mail_settings import load_mail_settings
from tieout.catalog.settings import AlertKind
from tieout.core.home import Home
from tieout.defs.pull import NOT_PULLED, PULLED, WHAT_FAILED
from tieout.defs.workspace import NamedWorkspace
from tieout.mail.alerts import Alert, digest_edition, tell, unsaid, waiting_alerts
from tieout.mail.deliver import Posted
from tieout.mail.messages import RecipientState
from tieout.mail.outbox import open_outbox, read_outbox
from tieout.workspace.open_alerts import alerts_of_workspace, blocked_weeks

_WATCHED = {"pull": AlertKind.PULL, "load": AlertKind.BUILD, "run": AlertKind.BUILD, "week": AlertKind.BUILD}
_NAMES = {"pull": "the pull", "load": "the load", "run": "the daily run", "week": "the build of a week"}
_RUNNING_BY_THEMSELVES = ("daily_pull", "run_after_pull", "weekly_mail", "mail_follow_up")
_MINUTES = 15
_MOST_PULLS = 100


def open_alerts(instance: dg.DagsterInstance, home: Home, catalog: Path, *, now: dt.datetime) -> tuple[Alert, ...]:
    """Return everything that is open and that somebody wants to hear of."""
    programme = load_catalog(catalog)
    found = (
        *_failures(instance),
        *_incomplete_pulls(instance),
        *_stopped(instance),
        *alerts_of_workspace(home, programme, now=now),
    )
    return tuple(alert for alert in found if alert.kind not in programme.settings.alerts.silent)


def tell_operators(instance: dg.DagsterInstance, home: Home, catalog: Path, *, now: dt.datetime) -> list[Posted]:
    """Tell operators of what they were not told of yet, and of what is open once a day."""
    programme = load_catalog(catalog)
    with open_outbox(home.outbox) as outbox:
        return tell(
            outbox,
            open_alerts(instance, home, catalog, now=now),
            load_mail_settings(catalog, os.environ),
            programme=programme.rollout.programme,
            open_items=blocked_weeks(home, now=now),
            digest_hour=programme.settings.alerts.digest_hour,
            clock=lambda: dt.datetime.now(dt.UTC),
        )


@dg.op(pool="alerts", out={}, description="Tell operators once of what is open, by mail and to webhooks.")
def tell_of_alerts(context: dg.OpExecutionContext, mailroom: NamedWorkspace) -> Iterator[None]:
    """Tell, and fail when somebody could not be told."""
    posted = tell_operators(context.instance, mailroom.home, mailroom.catalog, now=dt.datetime.now(dt.UTC))
    for each in posted:
        context.log.info(f"{each.message.subject}: {_states(each)}")
    troubles = [each.trouble for each in posted if each.trouble is not None]
    if troubles:
        raise dg.Failure(f"{'; '.join(dict.fromkeys(troubles))}. `tieout alerts` tries again.", allow_retries=False)
    yield from ()


@dg.graph(name="alerts", description="Tell operators once of what is open, by mail and to webhooks: `tieout alerts`.")
def _alerts() -> None:
    tell_of_alerts()


alerts = _alerts.to_job(name="alerts")


def alert_schedule(home: Home, catalog: Path) -> dg.ScheduleDefinition:
    """Declare the look at what is open."""

    def ask(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = context.scheduled_execution_time.astimezone(dt.UTC)
        found = open_alerts(context.instance, home, catalog, now=now)
        settings = load_mail_settings(catalog, os.environ)
        with read_outbox(home.outbox) as outbox:
            is_new, waiting = unsaid(outbox, found), waiting_alerts(outbox, now=now)
            digest = digest_edition(outbox, settings, load_catalog(catalog).settings.alerts.digest_hour, now=now)
        if is_new or waiting or (digest and (found or blocked_weeks(home, now=now))):
            return dg.RunRequest(run_key=f"alerts {now:%Y-%m-%dT%H:%M}")
        return dg.SkipReason("Nothing is open that operators were not told of.")

    return dg.ScheduleDefinition(
        name="alerts",
        job=alerts,
        cron_schedule=f"*/{_MINUTES} * * * *",
        execution_timezone="UTC",
        execution_fn=ask,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Every {_MINUTES} minutes: tell operators, once, of what has failed or is about to be lost.",
    )


def _failures(instance: dg.DagsterInstance) -> Iterator[Alert]:
    """Say which jobs have failed since they last succeeded: the first failure is what is told."""
    for job, kind in _WATCHED.items():
        succeeded = instance.get_run_records(
            dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS]), limit=1
        )
        failed = instance.get_run_records(
            dg.RunsFilter(
                job_name=job,
                statuses=[dg.DagsterRunStatus.FAILURE],
                created_after=succeeded[0].create_timestamp if succeeded else None,
            ),
            ascending=True,
            limit=1,
        )
        for record in failed:
            run_id = record.dagster_run.run_id
            yield Alert(
                kind,
                run_id,
                f"{_NAMES[job]} has failed",
                f"{_reason(instance, run_id)} (run {run_id[:8]}, {record.create_timestamp:%Y-%m-%d %H:%M} UTC)",
                "`tieout ui` shows the run; `tieout doctor` looks at what it needs.",
            )


def _incomplete_pulls(instance: dg.DagsterInstance) -> Iterator[Alert]:
    """Say that pulls bring something, but not all: what the newest one misses, once until one is complete."""
    pulls = instance.fetch_materializations(PULLED, limit=_MOST_PULLS).records
    incomplete = list(itertools.takewhile(_is_incomplete, pulls))
    if incomplete:
        materialization = incomplete[0].asset_materialization
        assert materialization is not None
        missing, failed = (materialization.metadata[name].value for name in (NOT_PULLED, WHAT_FAILED))
        yield Alert(
            AlertKind.PULL,
            f"incomplete since {incomplete[-1].run_id}",
            "the pull does not bring everything",
            f"Exports that were not pulled: {missing}.\n{failed}\n(run {incomplete[0].run_id[:8]})",
            "`tieout pull` says what is missing; `tieout doctor --modal` asks Modal for each right.",
        )


def _is_incomplete(pull: dg.EventLogRecord) -> bool:
    materialization = pull.asset_materialization
    missing = None if materialization is None else materialization.metadata.get(NOT_PULLED)
    return missing is not None and bool(missing.value)


def _reason(instance: dg.DagsterInstance, run_id: str) -> str:
    """What a run says of its own failure: the description that we gave it, else the innermost error."""
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.STEP_FAILURE, limit=1).records
    event = records[0].event_log_entry.dagster_event if records else None
    if event is None:
        return "It ended without saying why."
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else "It ended without saying why."


def _stopped(instance: dg.DagsterInstance) -> Iterator[Alert]:
    """Say which of our schedules and sensors somebody has stopped; started and stopped again, it is said again."""
    for state in instance.all_instigator_state():
        if state.is_running or state.instigator_name not in _RUNNING_BY_THEMSELVES:
            continue
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
        yield Alert(
            AlertKind.SCHEDULE,
            f"{state.instigator_name} {ticks[0].timestamp if ticks else 'never'}",
            f"{state.instigator_name} is stopped",
            f"The schedule or sensor {state.instigator_name} is stopped, so what it does no longer happens by itself.",
            "Start it in `tieout ui`, under Automation; to have it stopped unsaid, name `schedule` as silent.",
        )


def _states(posted: Posted) -> str:
    if not posted.message.with_state(RecipientState.WAITING) and not posted.message.recipients:
        return "to nobody"
    return ", ".join(f"{each.address} {each.state}" for each in posted.message.recipients)
