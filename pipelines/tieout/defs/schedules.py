"""When mail goes out by itself: Mondays at eight, and every hour whatever was missed, corrected or kept waiting.

Both ask the same question, so one of them coming late, twice, or not at all changes nothing but the hour. They run as
soon as a Dagster daemon does (`tieout ui` starts one): without a mail server that is set in the environment, nothing
leaves the machine.
"""

import datetime as dt
import os
from pathlib import Path

import dagster as dg

from tieout.catalog.mail_settings import MailSettings, load_mail_settings
from tieout.catalog.models import CatalogError
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.defs.mail import mail
from tieout.mail.deliver import waiting_mail
from tieout.mail.due import MAIL_HOUR, due_weeks, reports_made
from tieout.mail.outbox import read_outbox
from tieout.warehouse.connection import WarehouseError, read_warehouse

_FOLLOW_UP_MINUTE = 20


def mail_schedules(home: Home, catalog_directory: Path) -> list[dg.ScheduleDefinition]:
    """Declare the schedules of one workspace; with a catalog that cannot be read, Mondays are those of UTC."""
    try:
        timezone = load_mail_settings(catalog_directory, {}).timezone
    except CatalogError:
        timezone = "UTC"

    def requests(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        """Ask for a run for every week that is due, or say why there is none."""
        return _requests(home, catalog_directory, context.scheduled_execution_time.astimezone(dt.UTC))

    weekly = dg.schedule(
        name="weekly_mail",
        job=mail,
        cron_schedule=f"0 {MAIL_HOUR} * * 1",
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Mondays at {MAIL_HOUR}:00 ({timezone}): the report of the week that has ended, when final.",
    )
    hourly = dg.schedule(
        name="mail_follow_up",
        job=mail,
        cron_schedule=f"{_FOLLOW_UP_MINUTE} * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every hour: weeks that were not final, held back, revised or missed, and mail that waits.",
    )
    return [weekly(requests), hourly(requests)]


def _requests(home: Home, catalog_directory: Path, now: dt.datetime) -> list[dg.RunRequest] | dg.SkipReason:
    """Wrong settings are an error of the tick, where a person sees them; what passes by itself is a reason to skip."""
    if not home.warehouse.exists():
        return dg.SkipReason("Nothing is built yet.")
    try:
        settings = load_mail_settings(catalog_directory, os.environ)
        weeks = weeks_to_look_at(home, settings, now=now)
    except WarehouseError as error:
        return dg.SkipReason(f"Next hour: {error}")
    if not weeks:
        return dg.SkipReason("No week is due, and no mail waits for another attempt.")
    tick = now.strftime("%Y-%m-%dT%H:%M")
    return [dg.RunRequest(run_key=f"{week.label} {tick}", partition_key=week.label) for week in weeks]


def weeks_to_look_at(home: Home, settings: MailSettings, *, now: dt.datetime) -> tuple[IsoWeek, ...]:
    """Return the weeks whose mail is due, and those of which a mail waits for another attempt, oldest first.

    Raises:
        WarehouseError: the warehouse is being written.
    """
    with read_warehouse(home.warehouse) as con:
        made = reports_made(con)
    with read_outbox(home.outbox) as outbox:
        due = due_weeks(made, outbox.looked_at(), timezone=settings.timezone, now=now)
        waiting = waiting_mail(outbox, settings, now=now)
    return tuple(sorted({*due, *(message.week for message in waiting)}))
