"""A real SMTP server on 127.0.0.1, with TLS, users, and the bad days that servers have."""

import asyncio
import contextlib
import socket
import ssl
import threading
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tieout.catalog.mail_settings import MailServer, Security

HOST = "127.0.0.1"
USER, PASSWORD = "tieout", "correct-horse-battery"


@dataclass(frozen=True)
class Delivery:
    """A message that the server has accepted for a recipient."""

    sender: str
    recipient: str
    content: bytes


@dataclass
class Postmaster:
    """What the server says; without further ado it accepts everything.

    Attributes:
        delivered: what was accepted, in order.
        rcpt: answers to a recipient's next RCPT commands, one after the other.
        data: answers to the end of the data, by recipient, likewise; `drop` cuts the connection, `hang` never answers.
        cut_at_data: recipients whose connection is cut when the data begin.
        before_answer: is called when the end of the data has come.
    """

    delivered: list[Delivery] = field(default_factory=list)
    rcpt: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    data: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    mail: list[str] = field(default_factory=list)
    cut_at_data: list[str] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None

    def copies(self, recipient: str) -> int:
        return sum(delivery.recipient == recipient for delivery in self.delivered)

    async def handle_MAIL(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:  # noqa: N802
        if self.mail:
            return self.mail.pop(0)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:  # noqa: N802
        if self.rcpt[address]:
            return self.rcpt[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802
        self.before_answer()
        [recipient] = envelope.rcpt_tos
        answer = self.data[recipient].pop(0) if self.data[recipient] else f"250 queued as {len(self.delivered) + 1}"
        if answer == "hang":
            await asyncio.Event().wait()
        if answer == "drop":
            cut(server)
        if answer == "drop" or answer.startswith("2"):
            content = envelope.original_content
            assert isinstance(content, bytes)
            self.delivered.append(Delivery(str(envelope.mail_from), recipient, content))
        return answer


def cut(server: SMTP) -> None:
    """End a connection without a word."""
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()


class _Server(SMTP):
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        assert self.envelope is not None
        for recipient in set(self.envelope.rcpt_tos) & set(self.event_handler.cut_at_data):
            self.event_handler.cut_at_data.remove(recipient)
            cut(self)
            return
        await super().smtp_DATA(arg)


@dataclass(frozen=True)
class Running:
    """A server that runs, its postmaster, and how to reach it."""

    postmaster: Postmaster
    settings: MailServer


def reserved() -> socket.socket:
    """A place that nobody else can take, and where nobody answers yet."""
    place = socket.socket()
    place.bind((HOST, 0))
    return place


@contextlib.contextmanager
def running(
    postmaster: Postmaster,
    *,
    security: Security = Security.NONE,
    context: ssl.SSLContext | None = None,
    at: socket.socket | None = None,
) -> Iterator[Running]:
    """Serve until the block ends, at a reserved place or at any; with TLS it asks for the user and the password."""
    loop = asyncio.new_event_loop()
    place = at or reserved()
    started: Future[None] = Future()
    ended = asyncio.Event()

    def session() -> SMTP:
        options: dict[str, Any] = {"hostname": "mail.example.com", "enable_SMTPUTF8": False}
        if security is not Security.NONE:
            options |= {"authenticator": _authenticate, "auth_required": True}
        if security is Security.STARTTLS:
            options |= {"tls_context": context, "require_starttls": True}
        if security is Security.SSL:
            options |= {"auth_require_tls": False}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it does not know that the connection is TLS already
            return _Server(postmaster, loop=loop, **options)

    async def serve() -> None:
        over_tls = context if security is Security.SSL else None
        await loop.create_server(session, sock=place, ssl=over_tls)
        started.set_result(None)
        await ended.wait()

    thread = threading.Thread(target=_run, args=(loop, serve), daemon=True)
    thread.start()
    started.result(timeout=30)
    user, password = (None, None) if security is Security.NONE else (USER, PASSWORD)
    try:
        yield Running(postmaster, MailServer(HOST, place.getsockname()[1], security, user, password))
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()


def _run(loop: asyncio.AbstractEventLoop, serve: Callable[[], Any]) -> None:
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(lambda *_: None)  # connections that were cut on purpose
    loop.run_until_complete(serve())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def _authenticate(_: SMTP, __: Session, ___: Envelope, ____: str, data: LoginPassword) -> AuthResult:
    is_known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_known, handled=is_known)
