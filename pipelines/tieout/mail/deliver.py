"""Decides what is mailed about a week, renders it once, and hands over to the mail server what is due.

Finance gets a week when every day of it is settled and no gate is closed, once for every revision. When a gate is
closed, operators get the reason, once for every reason (docs/reference/rules.md, "The mail").
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from enum import StrEnum
from pathlib import Path

from tieout.catalog.mail_settings import WEBHOOKS_VARIABLE, MailSettings, is_webhook
from tieout.mail.compose import Envelope, Mail, Picture, compose_notice, compose_report, is_issued
from tieout.mail.messages import Message, Recipient, RecipientState, Rendered
from tieout.mail.outbox import Outbox
from tieout.mail.transport import (
    InDoubtError,
    PostponedError,
    RefusedError,
    SmtpConnection,
    Timeouts,
    TransportError,
    connect,
)
from tieout.report.contents import WeeklyReport
from tieout.report.formats.charts import draw_charts
from tieout.report.formats.workbook import render_workbook
from tieout.report.sections.tie_out import GateOutcome

FINANCE = "finance"
OPERATORS = "operators"
ALERTS = "alerts"
_SHORT_HASH = 8
_PICTURE_SCALE = 2


class WeekReadiness(StrEnum):
    """What a week's data allow."""

    FINAL = "final"
    PROVISIONAL = "provisional"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Occasion:
    """A mail that a week calls for: its report, who it is for, and what it is called in the outbox."""

    report: WeeklyReport
    standing: WeekReadiness
    edition: str
    audience: str
    recipients: tuple[str, ...]


@dataclass(frozen=True)
class Posted:
    """What came of a message.

    Attributes:
        message: as it stands in the outbox now.
        path: its file.
        is_new: whether it was rendered just now.
        dropped: who would have got it and is no longer a recipient.
        trouble: what kept it from being handed over; None when nothing did.
    """

    message: Message
    path: Path
    is_new: bool
    dropped: tuple[Recipient, ...] = ()
    trouble: str | None = None


def standing_of(report: WeeklyReport) -> WeekReadiness:
    """Say what a week's data allow; a closed gate weighs more than a report that is not issued."""
    if report.blocked_sentence is not None:
        return WeekReadiness.BLOCKED
    return WeekReadiness.FINAL if is_issued(report) else WeekReadiness.PROVISIONAL


def occasion_of(report: WeeklyReport, settings: MailSettings, *, only_to: Sequence[str] = ()) -> Occasion:
    """Say which mail a week calls for.

    Args:
        report: the week.
        settings: who gets what.
        only_to: addresses that get finance's mail in the place of finance; it is a message of its own then.
    """
    standing = standing_of(report)
    if standing is WeekReadiness.BLOCKED:
        reason = "\n".join(
            f"{gate.code} {gate.sentence}" for gate in report.gates if gate.outcome is GateOutcome.BLOCKED
        )
        return Occasion(report, standing, f"blocked-{_short(reason)}", OPERATORS, settings.told)
    edition = f"r{report.revision.number}"
    if standing is WeekReadiness.PROVISIONAL:
        edition = f"provisional-{report.inputs.sha256[:_SHORT_HASH]}"
    if only_to:
        return Occasion(report, standing, edition, f"copy-{_short(' '.join(sorted(only_to)))}", tuple(only_to))
    return Occasion(report, standing, edition, FINANCE, settings.finance)


def compose(occasion: Occasion, settings: MailSettings, *, now: dt.datetime) -> Mail:
    """Render the mail of an occasion; that of a report has its charts and its workbook."""
    envelope = Envelope(
        edition=occasion.edition,
        audience=occasion.audience,
        sender=settings.sender,
        recipients=tuple(each for each in occasion.recipients if not is_webhook(each)),
        rendered_at=now.astimezone(dt.UTC).replace(microsecond=0),
        reply_to=settings.operators,
    )
    report = occasion.report
    if occasion.audience == OPERATORS:
        return compose_notice(report, envelope)
    return compose_report(
        report,
        envelope,
        pictures=[Picture(chart.name, chart.alt, chart.png(_PICTURE_SCALE)) for chart in draw_charts(report)],
        workbook=render_workbook(report),
        archive_url=settings.archive_url,
    )


def post(
    outbox: Outbox,
    occasion: Occasion,
    settings: MailSettings,
    *,
    clock: Callable[[], dt.datetime],
    only_due: bool = False,
    timeouts: Timeouts | None = None,
) -> Posted:
    """Render the mail of an occasion unless that is done, bring its recipients up to date, and deliver it.

    Args:
        outbox: open for sending.
        occasion: which mail.
        settings: who gets it, from whom and by which server.
        clock: the time, UTC.
        only_due: pass over those whose next attempt is later.
        timeouts: how long to wait for the server.

    Raises:
        OutboxError: what is kept of it cannot be used.
    """
    message = outbox.find(occasion.report.week, occasion.edition, occasion.audience)
    is_new = message is None or (message.sender != settings.sender and not message.was_offered)
    if message is None or is_new:
        message = _keep(outbox, occasion, compose(occasion, settings, now=clock()), settings, now=clock())
        outbox.replace_earlier(message)
    dropped = outbox.set_recipients(message, occasion.recipients)
    message = outbox.message(message.message_id)
    trouble = deliver(outbox, message, settings, clock=clock, only_due=only_due, timeouts=timeouts)
    message = outbox.message(message.message_id)
    return Posted(message, outbox.folder / message.file_name, is_new, dropped, trouble)


def deliver(
    outbox: Outbox,
    message: Message,
    settings: MailSettings,
    *,
    clock: Callable[[], dt.datetime],
    only_due: bool = False,
    timeouts: Timeouts | None = None,
) -> str | None:
    """Hand a message over to the server for everybody who still waits, and return what prevented it, if anything did.

    Args:
        outbox: open for sending.
        message: as it stands in the outbox.
        settings: without a server the file in the outbox is the delivery.
        clock: the time, UTC.
        only_due: pass over those whose next attempt is later.
        timeouts: how long to wait for the server.
    """
    waiting = message.with_state(RecipientState.WAITING, RecipientState.WRITTEN)
    due = [each for each in waiting if not only_due or each.next_attempt_at is None or each.next_attempt_at <= clock()]
    by_mail = [each.address for each in due if not is_webhook(each.address)]
    by_webhook = [each.address for each in due if is_webhook(each.address)]
    troubles = [
        _mail(outbox, message, by_mail, settings, clock=clock, timeouts=timeouts),
        _post(outbox, message, by_webhook, settings, clock=clock),
    ]
    return "; ".join(trouble for trouble in troubles if trouble) or None


def retry(
    outbox: Outbox, settings: MailSettings, *, clock: Callable[[], dt.datetime], timeouts: Timeouts | None = None
) -> list[Posted]:
    """Deliver again the mail about weeks that waits and is due; without a server only webhooks are asked again."""
    posted = []
    for message in waiting_mail(outbox, settings, now=clock()):
        trouble = deliver(outbox, message, settings, clock=clock, only_due=True, timeouts=timeouts)
        current = outbox.message(message.message_id)
        posted.append(Posted(current, outbox.folder / current.file_name, is_new=False, trouble=trouble))
    return posted


def waiting_mail(outbox: Outbox, settings: MailSettings, *, now: dt.datetime) -> tuple[Message, ...]:
    """The messages about weeks that can be delivered again: by the server that is set, or to webhooks."""
    return tuple(
        message
        for message in waiting_messages(outbox, now=now)
        if message.audience != ALERTS
        and (
            settings.server is not None
            or any(is_webhook(recipient.address) for recipient in message.with_state(RecipientState.WAITING))
        )
    )


def waiting_messages(outbox: Outbox, *, now: dt.datetime) -> tuple[Message, ...]:
    """The messages that somebody waits for whose next attempt is due."""
    return tuple(
        message
        for message in outbox.messages()
        if any(
            recipient.next_attempt_at is None or recipient.next_attempt_at <= now
            for recipient in message.with_state(RecipientState.WAITING)
        )
    )


def _mail(
    outbox: Outbox,
    message: Message,
    addresses: Sequence[str],
    settings: MailSettings,
    *,
    clock: Callable[[], dt.datetime],
    timeouts: Timeouts | None,
) -> str | None:
    """Hand a message over to the mail server, and return what prevented it; without a server its file is the mail."""
    if settings.server is None:
        outbox.write(message, addresses)
        return None
    if not addresses:
        return None
    content = outbox.content(message)
    left = list(addresses)
    try:
        with connect(settings.server, timeouts) as connection:
            while left:
                _hand_over(
                    outbox, message, left[0], _offered(connection, outbox, message, left[0], content), clock=clock
                )
                left.pop(0)
    except TransportError as error:
        for address in left:
            outbox.postponed(message, address, str(error), now=clock())
        return str(error)
    return None


def _offered(
    connection: SmtpConnection, outbox: Outbox, message: Message, address: str, content: bytes
) -> Callable[[], str]:
    return lambda: connection.offer(
        content, sender=message.sender, recipient=address, before_end=lambda: outbox.begin(message, address)
    )


def _post(
    outbox: Outbox,
    message: Message,
    names: Sequence[str],
    settings: MailSettings,
    *,
    clock: Callable[[], dt.datetime],
) -> str | None:
    """Post a message's text to webhooks, and return what prevented it for any of them."""
    if not names:
        return None
    from tieout.mail.webhooks import post_to

    webhooks = {webhook.name: webhook for webhook in settings.webhooks}
    body = message_from_bytes(outbox.content(message), policy=policy.default).get_body(("plain",))
    text = "\n".join(body.get_content().splitlines()) if body is not None else message.subject

    def posted(name: str) -> Callable[[], str]:
        def post() -> str:
            if name not in webhooks:
                raise PostponedError(f"${WEBHOOKS_VARIABLE} has no URL of this name any more")
            outbox.begin(message, name)
            return post_to(webhooks[name], title=message.subject, text=text)

        return post

    troubles = [_hand_over(outbox, message, name, posted(name), clock=clock) for name in names]
    return "; ".join(trouble for trouble in troubles if trouble) or None


def _keep(outbox: Outbox, occasion: Occasion, mail: Mail, settings: MailSettings, *, now: dt.datetime) -> Message:
    return outbox.keep(
        Rendered(
            week=occasion.report.week,
            edition=occasion.edition,
            audience=occasion.audience,
            message_id=mail.message_id,
            sender=settings.sender,
            subject=mail.subject,
            rendered_at=now,
            content=mail.content,
        ),
        occasion.recipients,
    )


def _hand_over(
    outbox: Outbox, message: Message, address: str, offer: Callable[[], str], *, clock: Callable[[], dt.datetime]
) -> str | None:
    """Offer a message to one recipient; whatever the answer is, it is on the disk before the next one's turn.

    Returns:
        What prevented it; None when it is accepted.
    """
    try:
        reply = offer()
    except RefusedError as refusal:
        outbox.refused(message, address, str(refusal))
        return str(refusal)
    except PostponedError as delay:
        outbox.postponed(message, address, str(delay), now=clock())
        return str(delay)
    except InDoubtError as doubt:
        outbox.doubtful(message, address, str(doubt))
        return str(doubt)
    outbox.accepted(message, address, reply)
    return None


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_SHORT_HASH]
