"""Composes the mails: the weekly report for finance, and the reason for operators when a week is held back.

The same report, pictures and envelope give the same bytes, boundaries included. The HTML stays below what Gmail shows
without clipping, because the digest is short whatever is in the week.
"""

import base64
import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import css_inline

from tieout.core.money import format_usd
from tieout.core.resources import resource_path
from tieout.report.blocked import remedy_of
from tieout.report.contents import WeeklyReport
from tieout.report.digest import digest_of
from tieout.report.formats.html import render_text
from tieout.report.formats.pdf import pdf_name, render_pdf
from tieout.report.formats.templates import html_templates, text_templates
from tieout.report.formats.text import fit, printable
from tieout.report.formats.workbook import workbook_name
from tieout.report.pages import pages_of
from tieout.report.sections.tie_out import Gate, GateOutcome
from tieout.report.wording import dates, listing

LARGEST_HTML = 100_000
"""Bytes of HTML; Gmail clips at 102 KB."""

SHOWN = "bill"
"""The chart that the mail shows."""

_LONGEST_PROGRAMME = 40
_POLICY = SMTP.clone(cte_type="7bit")
_WORKBOOK_TYPE = "vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Envelope:
    """What a message carries beside its content.

    Attributes:
        edition: of the week, as in the outbox: `r1`.
        audience: who it is rendered for: `finance`.
        sender: the address in From.
        recipients: the addresses in To; none leaves the field out.
        rendered_at: UTC; the Date.
        reply_to: who answers questions, and takes somebody off the list; none leaves the fields out.
    """

    edition: str
    audience: str
    sender: str
    recipients: tuple[str, ...]
    rendered_at: dt.datetime
    reply_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """A chart as a mail program shows it: PNG, on a ground of its own, which is right in light and dark."""

    name: str
    alt: str
    png: bytes


@dataclass(frozen=True)
class Mail:
    """A composed message: what is sent, and what a browser shows of it."""

    message_id: str
    subject: str
    content: bytes
    preview: str


@dataclass(frozen=True)
class InlinePicture:
    """A picture as the HTML names it."""

    name: str
    cid: str
    alt: str


@dataclass(frozen=True)
class MailPage:
    """What the mail shows beside the digest.

    Attributes:
        subject: of the message.
        is_provisional: whether the figures may still move.
        pictures: as the HTML names them.
        page_url: where the week's folder is served, with a slash at its end; None when it is not.
    """

    subject: str
    is_provisional: bool
    pictures: tuple[InlinePicture, ...]
    page_url: str | None


@dataclass(frozen=True)
class BlockedGate:
    """A closed gate with the way to open it."""

    code: str
    title: str
    sentence: str
    details: tuple[str, ...]
    remedy: str
    query: str


@dataclass(frozen=True)
class Notice:
    """Why a week is held back."""

    gates: tuple[BlockedGate, ...]
    deliveries: str


def compose_report(
    report: WeeklyReport,
    envelope: Envelope,
    *,
    pictures: Sequence[Picture],
    workbook: bytes,
    archive_url: str | None = None,
) -> Mail:
    """Compose the weekly mail: the digest as HTML and text, and attached as PDF, with the workbook.

    Args:
        report: the week.
        envelope: from whom, to whom, when.
        pictures: the charts of the report, by name; the mail shows `bill`.
        workbook: the Excel file to attach.
        archive_url: where the folder of reports is served, with a slash at its end; None when it is not.
    """
    message_id, subject = message_id_of(report, envelope), subject_of(report)
    shown = [picture for picture in pictures if picture.name == SHOWN]
    inline = tuple(InlinePicture(each.name, _cid(each.name, message_id), each.alt) for each in shown)
    html = _html(report, subject, inline, page_url=_page_url(report, archive_url))
    message = _message(report, envelope, message_id, subject)
    message.set_content(render_text(report, names_files=False), cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    for picture, named in zip(shown, inline, strict=True):
        page = message.get_payload()[1]  # type: ignore[index]
        page.add_related(  # type: ignore[union-attr]
            picture.png, "image", "png", cid=f"<{named.cid}>", filename=f"{picture.name}.png", disposition="inline"
        )
    pdf = render_pdf(report, shown[0].png if shown else None)
    message.add_attachment(pdf, "application", "pdf", filename=pdf_name(report))
    message.add_attachment(workbook, "application", _WORKBOOK_TYPE, filename=workbook_name(report))
    return Mail(message_id, subject, _bytes(message), _preview(html, zip(inline, shown, strict=True)))


def compose_notice(report: WeeklyReport, envelope: Envelope) -> Mail:
    """Compose the mail to operators about a week whose gate is closed."""
    message_id = message_id_of(report, envelope)
    blocked = [gate for gate in report.gates if gate.outcome is GateOutcome.BLOCKED]
    codes = listing([gate.code for gate in blocked])
    subject = _line(f"Tieout · {_programme(report)} · {report.week.label} is held back: {codes} not passed")
    notice = Notice(tuple(_blocked(gate) for gate in blocked), _deliveries(report))
    text = text_templates().get_template("operators.txt.j2").render(report=report, notice=notice)
    message = _message(report, envelope, message_id, subject)
    message.set_content(text, cte="quoted-printable")
    return Mail(message_id, subject, _bytes(message), text)


def is_issued(report: WeeklyReport) -> bool:
    """Whether these figures are final: every day settled, no gate closed, and closed under their revision."""
    return report.revision.issued_at is not None


def message_id_of(report: WeeklyReport, envelope: Envelope) -> str:
    """`<2026-W46.r1.finance@example.com>`: the same for the same week, edition and audience."""
    domain = envelope.sender.rpartition("@")[2]
    return f"<tieout.{report.week.label}.{envelope.edition}.{envelope.audience}@{domain}>"


def subject_of(report: WeeklyReport) -> str:
    """`Tieout · CORAL-X · 9–15 November 2026: $787.30 spent, $523.14 ± $9.56 avoided, verified; ties to the bill`."""
    headline = report.headline
    said = f"{format_usd(report.spend.total_usd)} spent"
    if headline.week_figure is not None and not headline.is_refused:
        said += f", {headline.week_figure} avoided, {headline.standing.state}"
    verdict = report.tie_verdict.word
    number = report.revision.number
    revised = f", revision {number}" if is_issued(report) and number > 1 else ""
    provisional = "" if is_issued(report) else " (provisional)"
    ties = "ties to the bill" if report.tie_verdict.outcome is GateOutcome.PASSED else verdict[:1].lower() + verdict[1:]
    days = dates(report.week.start, report.week.end)
    return _line(f"Tieout · {_programme(report)} · {days}{revised}{provisional}: {said}; {ties}")


# The HTML


def _html(report: WeeklyReport, subject: str, pictures: tuple[InlinePicture, ...], *, page_url: str | None) -> str:
    page = MailPage(subject, is_provisional=not is_issued(report), pictures=pictures, page_url=page_url)
    template = html_templates().get_template("mail.html.j2")
    return _inlined(template.render(report=report, digest=digest_of(report), pages=pages_of(report), mail=page))


def _inlined(html: str) -> str:
    """Write the style sheet into the elements; the media queries stay where they are, for programs that know them."""
    css = (resource_path("reports") / "mail.css").read_text(encoding="utf-8")
    return css_inline.inline(html, extra_css=css, keep_style_tags=True, load_remote_stylesheets=False)


def _page_url(report: WeeklyReport, archive_url: str | None) -> str | None:
    return None if archive_url is None else f"{archive_url}{report.week.label}/"


def _preview(html: str, pictures: Iterable[tuple[InlinePicture, Picture]]) -> str:
    """The HTML with its pictures inside, for a browser."""
    for named, picture in pictures:
        data = base64.b64encode(picture.png).decode()
        html = html.replace(f'src="cid:{named.cid}"', f'src="data:image/png;base64,{data}"')
    return html


# The notice


def _blocked(gate: Gate) -> BlockedGate:
    remedy = remedy_of(gate)
    return BlockedGate(gate.code, gate.title, gate.sentence, gate.details, remedy.advice, remedy.query)


def _deliveries(report: WeeklyReport) -> str:
    return f"{report.inputs.deliveries:,} bills and call logs, the prices and settings of these days, and the catalog"


# The message


def _message(report: WeeklyReport, envelope: Envelope, message_id: str, subject: str) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address("Tieout", addr_spec=envelope.sender)
    if envelope.recipients:
        message["To"] = ", ".join(envelope.recipients)
    message["Subject"] = subject
    message["Date"] = format_datetime(envelope.rendered_at)
    message["Message-ID"] = message_id
    if envelope.reply_to:
        message["Reply-To"] = ", ".join(envelope.reply_to)
        message["List-Unsubscribe"] = f"<mailto:{envelope.reply_to[0]}?subject=Tieout%20unsubscribe>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Tieout-Week"] = report.week.label
    message["X-Tieout-Input-SHA256"] = report.inputs.sha256
    return message


def _bytes(message: EmailMessage) -> bytes:
    """Serialize with boundaries that follow from the Message-ID; encoded parts cannot hold them."""
    containers = [part for part in message.walk() if part.is_multipart()]
    for position, part in enumerate(containers):
        name = f"{message['Message-ID']} {position}"
        part.set_boundary(f"=_{hashlib.sha256(name.encode()).hexdigest()[:32]}")
    return message.as_bytes()


def _cid(name: str, message_id: str) -> str:
    return f"{name}.{message_id.strip('<>')}"


def _programme(report: WeeklyReport) -> str:
    return fit(printable(report.programme), _LONGEST_PROGRAMME)


def _line(text: str) -> str:
    """One printable line, whatever a name brings along."""
    return " ".join(printable(text).split())
