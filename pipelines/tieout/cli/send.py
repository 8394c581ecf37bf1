"""`tieout send` and `tieout outbox`: the weekly mail, and what became of it."""

import datetime as dt
import os
import shlex
import sqlite3
import sys
import tempfile
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tieout.catalog.mail_settings import (
    HOST_VARIABLE,
    MAIL_FILE,
    MailSettings,
    address,
    load_mail_settings,
)
from tieout.cli.failures import CommandError, ExitCode
from tieout.cli.messages import out, say
from tieout.cli.run import require_known, week_of
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.mail.compose import Mail
from tieout.mail.deliver import (
    ALERTS,
    OPERATORS,
    Occasion,
    Posted,
    WeekReadiness,
    compose,
    deliver,
    occasion_of,
    post,
)
from tieout.mail.messages import Message, Recipient, RecipientState
from tieout.mail.outbox import Outbox, OutboxBusyError, open_outbox, read_outbox
from tieout.report.formats.text import SEPARATOR, columns, printable
from tieout.report.inputs import DayState, days_of_week, states_of_landed_days
from tieout.warehouse.weeks import built_weeks
from tieout.workspace import Workspace


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line; addresses are mail addresses.

    Attributes:
        week: None for the newest final one.
        to: who gets it in the place of finance; empty for finance.
        resend: who is to be tried again.
        confirm: who is known to have it.
        provisional: whether a week that is not final may go out.
    """

    week: str | None
    to: tuple[str, ...]
    resend: tuple[str, ...]
    confirm: tuple[str, ...]
    provisional: bool


def send(home: Home, catalog_directory: Path, request: Request) -> None:
    """Render the mail of a week unless that is done, deliver what waits, and say what became of it.

    Raises:
        CommandError: the week is not final or is held back, somebody does not have the mail yet, or wrong use.
    """
    settings = _settings(catalog_directory, request)
    occasion = _occasion(home, catalog_directory, settings, request)
    _require_allowed(occasion, request)
    with mail_explained(), open_outbox(home.outbox) as outbox:
        decided = _decide(outbox, occasion.report.week, request)
        posted = post(outbox, occasion, settings, clock=_now)
        others = [message.message_id for message in decided if message.message_id != posted.message.message_id]
        for message_id in others:
            deliver(outbox, outbox.message(message_id), settings, clock=_now)
        messages = [posted.message, *(outbox.message(message_id) for message_id in others)]
    _say_posted(posted)
    _conclude(occasion, messages, posted.trouble)


def preview(home: Home, catalog_directory: Path, request: Request) -> None:
    """Render the mail of a week into a temporary folder and open it; nothing else is changed, and nothing sent.

    Raises:
        CommandError: wrong use.
    """
    settings = _settings(catalog_directory, request)
    occasion = _occasion(home, catalog_directory, settings, request)
    mail = compose(occasion, settings, now=_now())
    files = _write_preview(mail, occasion)
    say(f"To: {', '.join(occasion.recipients) or 'nobody'}")
    say(f"Subject: {mail.subject}")
    say(f"Not sent. Written: {', '.join(str(path) for path in files)}")
    if sys.stdout.isatty():
        webbrowser.open(files[0].as_uri())


def show_outbox(home: Home, *, week: str | None) -> None:
    """Print every message with its recipients, or those of one week.

    Raises:
        CommandError: somebody does not have a mail; the message says what to do.
    """
    with mail_explained(), read_outbox(home.outbox) as outbox:
        messages = outbox.messages(None if week is None else week_of(week))
    if not messages:
        say(f"The outbox is empty: {home.outbox}")
        return
    for message in messages:
        say(f"{message.week.label} {message.edition} to {message.audience}", style="bold")
        say(f"  {message.subject}")
        say(f"  {message.rendered_at:%Y-%m-%d %H:%M} UTC, {home.outbox / message.file_name}")
        say_recipients(message)
    for message in messages:
        require_delivered(message)


# What is asked for


def _settings(catalog_directory: Path, request: Request) -> MailSettings:
    with mail_explained():
        for given in (*request.to, *request.resend, *request.confirm):
            try:
                address(given)
            except ValueError as error:
                raise CommandError(str(error)) from None
        return load_mail_settings(catalog_directory, os.environ)


def _occasion(home: Home, catalog_directory: Path, settings: MailSettings, request: Request) -> Occasion:
    with Workspace(home, catalog_directory) as workspace:
        report = workspace.report(_week(workspace, request))
    return occasion_of(report, settings, only_to=request.to)


def _week(workspace: Workspace, request: Request) -> IsoWeek:
    """The week that was asked for, else the newest one that is settled."""
    wanted = None if request.week is None else week_of(request.week)
    with workspace.reading() as con:
        built = built_weeks(con)
        if wanted is not None:
            require_known(wanted, built)
            return wanted
        for week in reversed(built):
            if all(day.state is DayState.SETTLED for day in days_of_week(states_of_landed_days(con, week), week)):
                return week
    raise CommandError(
        f"no week in {workspace.home.warehouse} is settled yet, so none is final",
        remedy="Land the missing bills, then `tieout run`; or name a week with --week and --provisional.",
        code=ExitCode.DATA,
    )


def _require_allowed(occasion: Occasion, request: Request) -> None:
    """Refuse what finance, or whoever else was named, must not get.

    Raises:
        CommandError: the week is not final, or is held back.
    """
    report, label = occasion.report, occasion.report.week.label
    if occasion.standing is WeekReadiness.BLOCKED and request.to:
        raise CommandError(
            f"{label} is not mailed. {report.blocked_sentence}",
            remedy=f"`tieout sql gates` shows why, `tieout send --week {label} --dry-run` what operators are told.",
            code=ExitCode.DATA,
        )
    if occasion.standing is WeekReadiness.PROVISIONAL and not request.provisional:
        raise CommandError(
            f"{label} is not final, so it is not mailed. {report.days_sentence} {report.revision.sentence}",
            remedy="Land what is missing, then `tieout run`; "
            f"or say that it may still change: `tieout send --week {label} --provisional`",
            code=ExitCode.DATA,
        )


def _decide(outbox: Outbox, week: IsoWeek, request: Request) -> list[Message]:
    """Record what was decided about recipients in doubt, or refused; return the messages that it concerns.

    Raises:
        CommandError: nobody of that address waits for a decision.
    """
    concerned = {}
    for given in (*request.resend, *request.confirm):
        open_to = (RecipientState.IN_DOUBT, RecipientState.REFUSED)
        undecided = [m for m in outbox.messages(week) if given in {each.address for each in m.with_state(*open_to)}]
        if not undecided:
            raise CommandError(
                f"no mail of {week.label} to {given} is in doubt or refused, so there is nothing to decide",
                remedy=f"`tieout outbox --week {week.label}` shows who has what.",
            )
        for message in undecided:
            (outbox.send_again if given in request.resend else outbox.confirm)(message, given)
            concerned[message.message_id] = message
    return list(concerned.values())


# What is said


def _write_preview(mail: Mail, occasion: Occasion) -> tuple[Path, Path]:
    folder = Path(tempfile.mkdtemp(prefix="tieout-"))
    page = folder / ("mail.txt" if occasion.audience == OPERATORS else "mail.html")
    page.write_text(mail.preview, encoding="utf-8")
    message = folder / "mail.eml"
    message.write_bytes(mail.content)
    return page, message


def _say_posted(posted: Posted) -> None:
    say(posted.message.subject, style="bold")
    say(f"Rendered {posted.message.rendered_at:%Y-%m-%d %H:%M} UTC: {posted.path}")
    for recipient in posted.dropped:
        say(f"Dropped: {recipient.address}, no longer in the catalog's {MAIL_FILE}")
    say_recipients(posted.message)
    if posted.message.with_state(RecipientState.WRITTEN):
        say(f"Not sent: no SMTP server is configured (${HOST_VARIABLE}). The file is the mail; mail programs open it.")


def say_recipients(message: Message) -> None:
    """Print what became of a message with each recipient."""
    if not message.recipients:
        say(f"  To nobody: the catalog's {MAIL_FILE} names no address for {message.audience}.")
        return
    lines = ["To ¦ State ¦ > Attempts"]
    for recipient in message.recipients:
        lines += [f"{recipient.address} ¦ {recipient.state} ¦ {recipient.attempts}", *_notes(recipient)]
    out.file.write(columns("\n".join(lines)) + "\n")


def _notes(recipient: Recipient) -> Iterator[str]:
    if recipient.reply:
        yield f"    {printable(recipient.reply).replace(SEPARATOR, '|')}"
    if recipient.next_attempt_at is not None:
        yield f"    next attempt after {recipient.next_attempt_at:%Y-%m-%d %H:%M} UTC"


def _conclude(occasion: Occasion, messages: Sequence[Message], trouble: str | None) -> None:
    """End well when everybody has the mail; else say who has not, and what to do.

    Raises:
        CommandError: somebody has not, or the week is held back from finance.
    """
    label = occasion.report.week.label
    if trouble is not None:
        raise CommandError(
            f"the mail waits in the outbox: {trouble}",
            remedy=f"Then `tieout send --week {label}`; the schedule in `tieout ui` tries again by itself.",
            code=ExitCode.DATA,
        )
    for message in messages:
        require_delivered(message)
    if occasion.standing is WeekReadiness.BLOCKED:
        raise CommandError(
            f"{label} is held back from finance. {occasion.report.blocked_sentence}",
            remedy="The operators are told as said above. `tieout sql gates` shows why.",
            code=ExitCode.DATA,
        )


def require_delivered(message: Message) -> None:
    """End well when everybody has a message.

    Raises:
        CommandError: somebody has not; it says what to do.
    """
    send_again = "tieout alerts" if message.audience == ALERTS else f"tieout send --week {message.week.label}"
    lines = [
        *(
            f"{each.address} is in doubt: {each.reply}\n"
            f"  They have it:         `{send_again} --confirm {shlex.quote(each.address)}`\n"
            f"  They do not have it:  `{send_again} --resend {shlex.quote(each.address)}`"
            for each in message.with_state(RecipientState.IN_DOUBT)
        ),
        *(
            f"{each.address} was refused: {each.reply}\n"
            f"  Correct the address in {MAIL_FILE}, or: `{send_again} --resend {shlex.quote(each.address)}`"
            for each in message.with_state(RecipientState.REFUSED)
        ),
        *(
            f"{each.address} waits: {each.reply}\n  To try at once: `{send_again}`"
            for each in message.with_state(RecipientState.WAITING)
        ),
    ]
    if lines:
        raise CommandError("not everybody has the mail\n" + "\n".join(lines), code=ExitCode.DATA)


@contextmanager
def mail_explained() -> Iterator[None]:
    """Turn what the outbox and the settings refuse into a message of the command line."""
    try:
        yield
    except OutboxBusyError as error:
        raise CommandError(error.problem, place=error.place, remedy=error.remedy, code=ExitCode.DATA) from None
    except sqlite3.Error as error:
        raise CommandError(
            f"the outbox cannot be written: {error}",
            remedy="Check the disk: `tieout doctor`. Then `tieout outbox` shows what is certain and what is not.",
        ) from None


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
