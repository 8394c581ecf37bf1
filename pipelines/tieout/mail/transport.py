"""Handing a message to an SMTP server, one recipient at a time, so that each has an answer of their own.

The message counts as delivered from the server's answer to the end of the data. Just before that end is sent, the
caller is told; what goes wrong before is harmless, what goes wrong after leaves the recipient in doubt.
"""

import base64
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tieout.catalog.mail_settings import (
    HOST_VARIABLE,
    PASSWORD_VARIABLE,
    PORT_VARIABLE,
    SECURITY_VARIABLE,
    SENDER_VARIABLE,
    USER_VARIABLE,
    MailServer,
    Security,
)
from tieout.core.errors import TieoutError
from tieout.report.formats.text import printable

_LONGEST_REPLY = 200


@dataclass(frozen=True)
class Timeouts:
    """Seconds to wait for a server: for a connection and every command, and for the answer to the end of the data."""

    command: float = 60
    end_of_data: float = 600


class TransportError(TieoutError):
    """The server cannot be used now; nothing was handed over."""


class RefusedError(TieoutError):
    """The server refuses this message for this recipient, for good; its answer is the message."""


class PostponedError(TieoutError):
    """The server does not take this message for this recipient now; its answer is the message."""


class InDoubtError(TieoutError):
    """The end of the data was sent, and no answer came."""


@contextmanager
def connect(server: MailServer, timeouts: Timeouts | None = None) -> Iterator["SmtpConnection"]:
    """Connect to a server, protected and signed in as it is set, and say goodbye in the end.

    Raises:
        TransportError: it does not answer, is not who it should be, or does not know the user.
    """
    limits = timeouts or Timeouts()
    with _explained(server):
        smtp = _open(server, limits)
    try:
        with _explained(server):
            _greet(smtp, server)
        yield SmtpConnection(smtp, server, limits)
    finally:
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()
        smtp.close()


class SmtpConnection:
    """A server that listens."""

    def __init__(self, smtp: smtplib.SMTP, server: MailServer, timeouts: Timeouts) -> None:
        """Use an open connection; closing it stays with `connect`."""
        self._smtp = smtp
        self._server = server
        self._timeouts = timeouts

    def offer(self, content: bytes, *, sender: str, recipient: str, before_end: Callable[[], None]) -> str:
        """Hand over a message for one recipient, and return the server's answer.

        Args:
            content: the message, lines ended by CR LF.
            sender: of the envelope.
            recipient: of the envelope.
            before_end: is called when everything but the end of the data is sent.

        Raises:
            RefusedError: the server answers 5xx.
            PostponedError: it answers 4xx, or the connection breaks before the end of the data is sent.
            InDoubtError: the connection breaks after that, without an answer.
            TransportError: it does not accept the sender, or goes away; nothing was handed over.
        """
        try:
            self._envelope(sender, recipient)
            self._smtp.send(_dotted(content))
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            raise PostponedError(self._said(f"the connection broke before the message was complete: {error}")) from None
        before_end()
        try:
            self._wait_up_to(self._timeouts.end_of_data)
            self._smtp.send(b".\r\n")
            code, reply = self._smtp.getreply()
            self._wait_up_to(self._timeouts.command)
        except (smtplib.SMTPException, OSError) as error:
            raise InDoubtError(self._said(f"the connection broke before the server's answer: {error}")) from None
        self._require(2, code, reply)
        return self._answer(code, reply)

    def _envelope(self, sender: str, recipient: str) -> None:
        self._smtp.rset()
        code, reply = self._smtp.mail(sender)
        if code // 100 == 5:
            raise TransportError(
                f"{self._server.name} does not accept mail from {sender}: {self._answer(code, reply)}",
                remedy=f"Correct ${SENDER_VARIABLE}.",
            )
        self._require(2, code, reply)
        self._require(2, *self._smtp.rcpt(recipient))
        self._require(3, *self._smtp.docmd("data"))

    def _require(self, wanted: int, code: int, reply: bytes) -> None:
        if code // 100 != wanted:
            answer = self._answer(code, reply)
            raise RefusedError(answer) if code // 100 == 5 else PostponedError(answer)

    def _wait_up_to(self, seconds: float) -> None:
        if self._smtp.sock is not None:
            self._smtp.sock.settimeout(seconds)

    def _answer(self, code: int, reply: bytes) -> str:
        return self._said(f"{code} {reply.decode('utf-8', errors='replace')}")

    def _said(self, text: str) -> str:
        return without_secrets(text, self._server)


def without_secrets(text: str, server: MailServer) -> str:
    """Make what a server said one short printable line without the password, however the server repeats it."""
    line = printable(" ".join(text.split()))
    if server.password:
        plain = server.password
        login = f"\0{server.user}\0{plain}".encode()
        for secret in (base64.b64encode(login).decode(), base64.b64encode(plain.encode()).decode(), plain):
            line = line.replace(secret, "[password]")
    return line if len(line) <= _LONGEST_REPLY else f"{line[: _LONGEST_REPLY - 1]}…"


def _open(server: MailServer, timeouts: Timeouts) -> smtplib.SMTP:
    if server.security is Security.SSL:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, timeout=timeouts.command, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=timeouts.command)


def _greet(smtp: smtplib.SMTP, server: MailServer) -> None:
    if smtp.sock is not None:
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # so that the end of the data is sent at once
    code, reply = smtp.ehlo()
    if code // 100 != 2:
        raise smtplib.SMTPResponseException(code, reply)
    if server.security is Security.STARTTLS:
        if not smtp.has_extn("starttls"):
            raise TransportError(
                f"{server.name} does not offer STARTTLS, and mail is not sent in the clear unasked",
                remedy=f"Set ${SECURITY_VARIABLE} to ssl, or to none where the network is trusted.",
            )
        smtp.starttls(context=ssl.create_default_context())
        smtp.ehlo()
    if server.user is not None and server.password is not None:
        smtp.login(server.user, server.password)


@contextmanager
def _explained(server: MailServer) -> Iterator[None]:
    """Turn what goes wrong with a connection into what to do about it."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise TransportError(
            f"the certificate of {server.name} is not trusted: {error.verify_message}",
            remedy=f"Check ${HOST_VARIABLE}; the certificates of an authority of your own go into the file that "
            "$SSL_CERT_FILE names.",
        ) from None
    except ssl.SSLError as error:
        raise TransportError(
            f"{server.name} does not speak TLS as ${SECURITY_VARIABLE}={server.security} wants it "
            f"({without_secrets(error.reason or str(error), server)})",
            remedy=f"Check ${PORT_VARIABLE} and ${SECURITY_VARIABLE}.",
        ) from None
    except smtplib.SMTPAuthenticationError as error:
        raise TransportError(
            f"{server.name} does not accept the user and password: {_code_and_text(error, server)}",
            remedy=f"Correct ${USER_VARIABLE} and ${PASSWORD_VARIABLE}.",
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise TransportError(
            f"{server.name} does not ask for a user and password",
            remedy=f"Unset ${USER_VARIABLE} and ${PASSWORD_VARIABLE}, or check ${PORT_VARIABLE}: servers often ask on "
            "587 only.",
        ) from None
    except smtplib.SMTPResponseException as error:
        raise TransportError(f"{server.name} does not take mail now: {_code_and_text(error, server)}.") from None
    except (smtplib.SMTPException, OSError) as error:
        raise TransportError(
            f"{server.name} cannot be reached: {without_secrets(str(error), server)}",
            remedy=f"Check ${HOST_VARIABLE} and ${PORT_VARIABLE}.",
        ) from None


def _code_and_text(error: smtplib.SMTPResponseException, server: MailServer) -> str:
    said = error.smtp_error
    text = said.decode("utf-8", errors="replace") if isinstance(said, bytes) else str(said)
    return without_secrets(f"{error.smtp_code} {text}", server).rstrip(".")


def _dotted(content: bytes) -> bytes:
    """Everything of the data but its end: leading dots doubled, the last line ended."""
    body = re.sub(rb"(?m)^\.", b"..", content)
    return body if body.endswith(b"\r\n") else body + b"\r\n"
