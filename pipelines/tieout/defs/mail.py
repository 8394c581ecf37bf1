"""The weekly mail as an asset of its own: not part of building a week, and visible for every week and recipient."""

import datetime as dt
import os
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import dagster as dg

from tieout.catalog.mail_settings import load_mail_settings
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.defs.calendar import WEEKS
from tieout.defs.metadata import rows_as_table
from tieout.defs.reports import WEEKLY_REPORT
from tieout.defs.workspace import NamedWorkspace
from tieout.mail.deliver import Occasion, Posted, WeekReadiness, occasion_of, post, retry
from tieout.mail.due import reports_made
from tieout.mail.messages import Message, RecipientState
from tieout.mail.outbox import open_outbox
from tieout.workspace import Workspace

WEEKLY_MAIL = dg.AssetKey(["reports", "mail"])
_PREVIEW_LINES = 40

mail = dg.define_asset_job(
    "mail",
    selection=dg.AssetSelection.assets(WEEKLY_MAIL),
    description="Mail the report of a week, once, and deliver what still waits.",
)


def mail_asset() -> dg.AssetsDefinition:
    """Declare the weekly mail."""

    @dg.asset(
        key=WEEKLY_MAIL,
        deps=[WEEKLY_REPORT],
        description="The weekly report as it went to finance: `outbox/`, rendered once for every revision.",
        group_name="reports",
        kinds={"email", "python"},
        owners=["team:finance"],
        tags={"floor": "reports"},
        partitions_def=WEEKS,
        output_required=False,
        pool="warehouse",
    )
    def weekly_mail(
        context: dg.AssetExecutionContext, mailroom: NamedWorkspace
    ) -> Iterator[dg.MaterializeResult[None]]:
        """Mail the week when it is final; tell the operators when a gate is closed."""
        week = IsoWeek.parse(context.partition_key)
        occasion, posted = mail_week(mailroom.home, mailroom.catalog, week)
        for each in posted:
            context.log.info(f"{each.message.subject}: {_states(each.message)}")
        _require_success(occasion, posted)
        if occasion.standing is WeekReadiness.PROVISIONAL:
            context.log.info(f"{week.label} is not final yet and is mailed when it is. {occasion.report.days_sentence}")
        elif not posted[0].message.with_state(RecipientState.WAITING):
            yield dg.MaterializeResult(metadata=_metadata(posted[0]))

    return weekly_mail


def mail_week(home: Home, catalog_directory: Path, week: IsoWeek) -> tuple[Occasion, list[Posted]]:
    """Mail a week as far as its data allow, and deliver what is due of everything that waits.

    Returns:
        What the week calls for, and what came of it: its own mail first, where it has one.
    """
    settings = load_mail_settings(catalog_directory, os.environ)
    with Workspace(home, catalog_directory) as workspace:
        with workspace.reading() as con:
            report_hash = reports_made(con).get(week, "")
        occasion = occasion_of(workspace.report(week), settings)
    with open_outbox(home.outbox) as outbox:
        posted = []
        if occasion.standing is not WeekReadiness.PROVISIONAL:
            posted.append(post(outbox, occasion, settings, clock=_now, only_due=True))
        outbox.look(week, report_hash)
        return occasion, [*posted, *retry(outbox, settings, clock=_now)]


def _require_success(occasion: Occasion, posted: list[Posted]) -> None:
    """Fail the run, after everything is recorded, when a person has to do something.

    Raises:
        Failure: with what and for whom.
    """
    problems = list(dict.fromkeys(each.trouble for each in posted if each.trouble is not None))
    problems += [
        f"{recipient.address} is {recipient.state}: {recipient.reply}"
        for each in posted
        for recipient in each.message.with_state(RecipientState.REFUSED, RecipientState.IN_DOUBT)
    ]
    if occasion.standing is WeekReadiness.BLOCKED:
        problems.append(f"held back from finance. {occasion.report.blocked_sentence}")
    if problems:
        label = occasion.report.week.label
        raise dg.Failure(
            description=f"{label}: {'; '.join(problems).rstrip('.')}. `tieout outbox --week {label}` says what to do.",
            metadata=_metadata(posted[0]) if posted else {},
            allow_retries=False,
        )


def _metadata(posted: Posted) -> dict[str, dg.MetadataValue]:
    message = posted.message
    rows = [
        {
            "to": each.address,
            "state": each.state.value,
            "attempts": str(each.attempts),
            "answer": each.reply,
            "next attempt": "" if each.next_attempt_at is None else f"{each.next_attempt_at:%Y-%m-%d %H:%M} UTC",
        }
        for each in message.recipients
    ]
    text = message_from_bytes(posted.path.read_bytes(), policy=policy.default).get_body(("plain",))
    preview = "" if text is None else "\n".join(text.get_content().splitlines()[:_PREVIEW_LINES])
    metadata: dict[str, dg.MetadataValue] = {
        "subject": dg.MetadataValue.text(message.subject),
        "preview": dg.MetadataValue.md(f"```text\n{preview}\n```"),
        "message": dg.MetadataValue.path(posted.path),
        "message_id": dg.MetadataValue.text(message.message_id),
    }
    return metadata | ({"recipients": rows_as_table(rows)} if rows else {})


def _states(message: Message) -> str:
    return ", ".join(f"{each.address} {each.state}" for each in message.recipients) or "to nobody"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
