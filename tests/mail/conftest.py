"""A certificate authority of the tests' own, a clock that stands still, and an outbox with a message in it."""

import datetime as dt
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from tests.mail.mail_server import HOST, Postmaster
from tieout.catalog.mail_settings import MailServer, MailSettings
from tieout.core.periods import IsoWeek
from tieout.mail.messages import Message, Rendered
from tieout.mail.outbox import Outbox, open_outbox

WEEK = IsoWeek.parse("2026-W46")
NOW = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)
SENDER = "tieout@example.com"
ANNA, BEN, CLARA = "anna@example.com", "ben@example.com", "clara@example.com"
CONTENT = b"From: tieout@example.com\r\nSubject: a week\r\n\r\nline\r\n.hidden\r\n..\r\n.\r\nend\r\n"

Settings = Callable[[MailServer | None], MailSettings]


@pytest.fixture
def postmaster() -> Postmaster:
    return Postmaster()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process trust the tests' authority, the way a person does."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with open_outbox(tmp_path / "outbox") as opened:
        yield opened


def rendered(*, edition: str = "r1", content: bytes = CONTENT) -> Rendered:
    return Rendered(
        week=WEEK,
        edition=edition,
        audience="finance",
        message_id=f"<tieout.{WEEK.label}.{edition}.finance@example.com>",
        sender=SENDER,
        subject="a week",
        rendered_at=NOW,
        content=content,
    )


def keep(outbox: Outbox, *recipients: str, edition: str = "r1") -> Message:
    return outbox.keep(rendered(edition=edition), recipients)


def settings(server: MailServer | None) -> MailSettings:
    return MailSettings("UTC", (ANNA, BEN), ("ops@example.com",), None, SENDER, server)
