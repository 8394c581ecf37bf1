"""What operators are told by themselves: each alert once, and once a day the list of what is open.

An alert is a message of the outbox like any other, so a kill neither loses nor doubles it. What it is called there
follows from what has happened: the same failure that is met again is the same alert.
"""

import datetime as dt
import hashlib
import zoneinfo
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from tieout.catalog.mail_settings import MailSettings, is_webhook
from tieout.catalog.settings import AlertKind
from tieout.core.periods import IsoWeek
from tieout.mail.deliver import ALERTS, Posted, deliver, waiting_messages
from tieout.mail.messages import Message, Rendered
from tieout.mail.outbox import Outbox
from tieout.mail.transport import Timeouts
from tieout.report.formats.text import fit, printable
from tieout.report.wording import count

_LONGEST_TITLE = 120
_LONGEST_PROBLEM = 600
_SHORT_HASH = 12
_POLICY = SMTP.clone(cte_type="7bit")
_GUIDE = "docs/guides/operations.md says what each alert means."


@dataclass(frozen=True)
class Alert:
    """Something that a person should know.

    Attributes:
        kind: of which sort.
        occurrence: which of its sort; the same as long as it is the same trouble.
        title: a few words.
        problem: what is wrong, as a sentence.
        remedy: what to do, as a sentence.
    """

    kind: AlertKind
    occurrence: str
    title: str
    problem: str
    remedy: str

    @property
    def edition(self) -> str:
        """What it is called in the outbox."""
        return f"{self.kind}-{hashlib.sha256(self.occurrence.encode()).hexdigest()[:_SHORT_HASH]}"


def unsaid(outbox: Outbox, alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """Return the alerts that nobody was told of yet."""
    return tuple(alert for alert in alerts if outbox.find_edition(alert.edition, ALERTS) is None)


def digest_edition(outbox: Outbox, settings: MailSettings, hour: int | None, *, now: dt.datetime) -> str | None:
    """Return what the digest of today is called, in its hour and while nobody has it."""
    local = now.astimezone(zoneinfo.ZoneInfo(settings.timezone))
    edition = f"digest-{local.date()}"
    if local.hour != hour or outbox.find_edition(edition, ALERTS) is not None:
        return None
    return edition


def waiting_alerts(outbox: Outbox, *, now: dt.datetime) -> tuple[Message, ...]:
    """Return the alerts that somebody waits for whose next attempt is due."""
    return tuple(message for message in waiting_messages(outbox, now=now) if message.audience == ALERTS)


def tell(
    outbox: Outbox,
    alerts: Sequence[Alert],
    settings: MailSettings,
    *,
    programme: str,
    open_items: Sequence[str],
    digest_hour: int | None,
    clock: Callable[[], dt.datetime],
    timeouts: Timeouts | None = None,
) -> list[Posted]:
    """Tell operators of what is new, send the digest when it is due, and deliver again what waits.

    Args:
        outbox: open for sending.
        alerts: what is open.
        settings: who is told, and by which server.
        programme: whose it is, for the subject.
        open_items: what else the digest lists, a sentence each.
        digest_hour: of the digest; None for none.
        clock: the time, UTC.
        timeouts: how long to wait for the mail server.
    """
    for alert in unsaid(outbox, alerts):
        _keep(outbox, alert.edition, _subject(programme, alert.title), _body([_said(alert)]), settings, now=clock())
    listed = [*(_said(alert) for alert in alerts), *open_items]
    edition = digest_edition(outbox, settings, digest_hour, now=clock())
    if edition is not None and listed:
        title = f"{count(len(listed), 'thing')} to look at"
        _keep(outbox, edition, _subject(programme, title), _body(listed), settings, now=clock())
    posted = []
    for message in waiting_alerts(outbox, now=clock()):
        trouble = deliver(outbox, message, settings, clock=clock, only_due=True, timeouts=timeouts)
        current = outbox.message(message.message_id)
        posted.append(Posted(current, outbox.folder / current.file_name, is_new=False, trouble=trouble))
    return posted


def _said(alert: Alert) -> str:
    problem = fit(printable(" ".join(alert.problem.split())), _LONGEST_PROBLEM)
    return f"{printable(alert.title)}\n{problem}\nWhat to do: {alert.remedy}"


def _body(parts: Sequence[str]) -> str:
    return "\n\n".join([*parts, _GUIDE]) + "\n"


def _subject(programme: str, title: str) -> str:
    return fit(printable(f"Tieout · {programme} · {title}"), _LONGEST_TITLE)


def _keep(
    outbox: Outbox, edition: str, subject: str, text: str, settings: MailSettings, *, now: dt.datetime
) -> Message:
    """Render an alert and keep it; it is delivered with what waits."""
    rendered_at = now.astimezone(dt.UTC).replace(microsecond=0)
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address("Tieout", addr_spec=settings.sender)
    addresses = [recipient for recipient in settings.told if not is_webhook(recipient)]
    if addresses:
        message["To"] = ", ".join(addresses)
    message["Subject"] = subject
    message["Date"] = format_datetime(rendered_at)
    message["Message-ID"] = f"<tieout.{edition}.{ALERTS}@{settings.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable")
    return outbox.keep(
        Rendered(
            week=IsoWeek.of(rendered_at.date()),
            edition=edition,
            audience=ALERTS,
            message_id=str(message["Message-ID"]),
            sender=settings.sender,
            subject=subject,
            rendered_at=rendered_at,
            content=message.as_bytes(),
        ),
        settings.told,
    )
