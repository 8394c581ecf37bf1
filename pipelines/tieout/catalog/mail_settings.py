"""Who gets the mail (`catalog/mail.yaml`), and the server it leaves by (the environment, which alone has secrets)."""

import hashlib
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from tieout.catalog.load import load_optional
from tieout.core.errors import TieoutError

MAIL_FILE = "mail.yaml"
HOST_VARIABLE = "TIEOUT_SMTP_HOST"
PORT_VARIABLE = "TIEOUT_SMTP_PORT"
SECURITY_VARIABLE = "TIEOUT_SMTP_SECURITY"
USER_VARIABLE = "TIEOUT_SMTP_USER"
PASSWORD_VARIABLE = "TIEOUT_SMTP_PASSWORD"
SENDER_VARIABLE = "TIEOUT_MAIL_FROM"
WEBHOOKS_VARIABLE = "TIEOUT_ALERT_URLS"

_OWN_VARIABLES = (PORT_VARIABLE, SECURITY_VARIABLE, USER_VARIABLE, PASSWORD_VARIABLE)
_UNSENT = "tieout@localhost"
_LARGEST_PORT = 65535
_LONGEST_ADDRESS = 254
# Plain ASCII without quotes and comments: what every mail server takes, and what cannot smuggle a header.
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", re.ASCII)


class MailSettingsError(TieoutError):
    """A variable of the environment that cannot be used; it is named, a secret never."""


class Security(StrEnum):
    """How the connection to the mail server is protected."""

    STARTTLS = "starttls"
    SSL = "ssl"
    NONE = "none"


_PORTS = {Security.STARTTLS: 587, Security.SSL: 465, Security.NONE: 25}


@dataclass(frozen=True)
class MailServer:
    """The SMTP server that takes the mail; the password is in no text that is made of this."""

    host: str
    port: int
    security: Security
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """`smtp.example.com:587`."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Webhook:
    """A chat or another program that alerts are posted to.

    Attributes:
        name: `slack:1f3a9c04`, in the place of an address; it tells nothing of the URL.
        url: as Apprise reads it; a secret, and in no text that is made of this.
    """

    name: str
    url: str = field(repr=False)


@dataclass(frozen=True)
class MailSettings:
    """Everything that is set about mail.

    Attributes:
        timezone: of the hour at which the weekly mail is due, an IANA name.
        finance: who gets the weekly report.
        operators: who is told why a week is held back.
        archive_url: where the folder of reports is served, with a slash at its end; None when it is not.
        sender: the address in From.
        server: None when mail stays in the outbox, as files.
        webhooks: who else is told what operators are told.
    """

    timezone: str
    finance: tuple[str, ...]
    operators: tuple[str, ...]
    archive_url: str | None
    sender: str
    server: MailServer | None
    webhooks: tuple[Webhook, ...] = ()

    @property
    def told(self) -> tuple[str, ...]:
        """Operators by their addresses, then webhooks by their names."""
        return (*self.operators, *(webhook.name for webhook in self.webhooks))


def is_webhook(recipient: str) -> bool:
    """Tell whether a recipient is a webhook, by its name; an address has an @."""
    return "@" not in recipient


def address(text: str) -> str:
    """Return a mail address as it was given.

    Raises:
        ValueError: it is none, or not of the plain kind that every server takes.
    """
    if len(text) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(text):
        raise ValueError(f"{text[:60]!r} is not a plain mail address like finance@example.com")
    return text


def load_mail_settings(catalog_directory: Path, environment: Mapping[str, str]) -> MailSettings:
    """Read `mail.yaml` and the environment.

    Without the file nobody gets mail.

    Raises:
        CatalogError: a field of the file is wrong.
        MailSettingsError: a variable is missing or wrong.
    """
    file = load_optional(catalog_directory / MAIL_FILE, MailFile)
    server = _server(environment)
    return MailSettings(
        timezone=file.timezone,
        finance=file.finance,
        operators=file.operators,
        archive_url=file.archive_url,
        sender=_sender(environment, server),
        server=server,
        webhooks=_webhooks(environment),
    )


# The file


def _timezone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name[:60]!r} is not a time zone like UTC or Europe/Vienna") from None
    return name


def _once(addresses: tuple[str, ...]) -> tuple[str, ...]:
    for given in addresses:
        if [other.lower() for other in addresses].count(given.lower()) > 1:
            raise ValueError(f"{given} is there twice")
    return addresses


def _url(text: str | None) -> str | None:
    if text is None:
        return None
    if not re.fullmatch(r"https?://[!-;=?-~]+", text, re.ASCII):
        raise ValueError(f"{text[:60]!r} is not an address like https://reports.example.com/coral-x/")
    return text if text.endswith("/") else f"{text}/"


_Address = Annotated[str, AfterValidator(address)]
_Addresses = Annotated[tuple[_Address, ...], AfterValidator(_once)]


class MailFile(BaseModel):
    """`mail.yaml`: who gets the weekly report, who is told why a week is held back, and in which time zone.

    Attributes:
        timezone: of the hour at which the mail is due, an IANA name like Europe/Vienna.
        finance: addresses that get the weekly report.
        operators: addresses that are told why a week is held back.
        archive_url: where the folder of reports is served; the mail then links to it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    finance: _Addresses = ()
    operators: _Addresses = ()
    archive_url: Annotated[str | None, AfterValidator(_url)] = None


# The environment


def _server(environment: Mapping[str, str]) -> MailServer | None:
    host = environment.get(HOST_VARIABLE, "").strip()
    if not host:
        lonely = [name for name in _OWN_VARIABLES if environment.get(name)]
        if lonely:
            raise MailSettingsError(f"${lonely[0]} is set, ${HOST_VARIABLE} is not", remedy="Set it too, or neither.")
        return None
    if not re.fullmatch(r"[A-Za-z0-9.:_-]+", host, re.ASCII):
        raise MailSettingsError(f"{host[:60]!r} is not the name of a host", place=f"${HOST_VARIABLE}")
    security = _security(environment)
    user, password = environment.get(USER_VARIABLE) or None, environment.get(PASSWORD_VARIABLE) or None
    if (user is None) != (password is None):
        missing = USER_VARIABLE if user is None else PASSWORD_VARIABLE
        raise MailSettingsError(f"${missing} is not set; a server that asks for a user asks for a password, too")
    if user is not None and security is Security.NONE:
        raise MailSettingsError(
            f"${SECURITY_VARIABLE} is none, so the password would travel in the clear",
            remedy=f"Use starttls or ssl, or unset ${USER_VARIABLE} and ${PASSWORD_VARIABLE}.",
        )
    return MailServer(host, _port(environment, security), security, user, password)


def _security(environment: Mapping[str, str]) -> Security:
    text = environment.get(SECURITY_VARIABLE) or Security.STARTTLS
    try:
        return Security(text.strip().lower())
    except ValueError:
        raise MailSettingsError(
            f"{text[:60]!r} is none of starttls, ssl and none", place=f"${SECURITY_VARIABLE}"
        ) from None


def _port(environment: Mapping[str, str], security: Security) -> int:
    text = (environment.get(PORT_VARIABLE) or str(_PORTS[security])).strip()
    if not re.fullmatch(r"\d{1,5}", text, re.ASCII) or not 1 <= int(text) <= _LARGEST_PORT:
        raise MailSettingsError(f"{text[:60]!r} is not a port from 1 to {_LARGEST_PORT}", place=f"${PORT_VARIABLE}")
    return int(text)


def _webhooks(environment: Mapping[str, str]) -> tuple[Webhook, ...]:
    """Read the URLs, separated by space; a name has the scheme and a hash, which tell nobody where it leads."""
    hooks = []
    for position, url in enumerate(dict.fromkeys(environment.get(WEBHOOKS_VARIABLE, "").split()), start=1):
        scheme = re.match(r"([a-z][a-z0-9+]{0,30})://[^/]", url, re.ASCII)
        if scheme is None:
            raise MailSettingsError(
                f"URL {position} is none of Apprise's, like slack://… or jsons://…", place=f"${WEBHOOKS_VARIABLE}"
            )
        hooks.append(Webhook(f"{scheme[1]}:{hashlib.sha256(url.encode()).hexdigest()[:8]}", url))
    return tuple(hooks)


def _sender(environment: Mapping[str, str], server: MailServer | None) -> str:
    text = environment.get(SENDER_VARIABLE, "").strip()
    if not text and server is not None:
        raise MailSettingsError(f"${SENDER_VARIABLE} is not set; it is the address that the mail comes from")
    try:
        return address(text or _UNSENT)
    except ValueError as error:
        raise MailSettingsError(str(error), place=f"${SENDER_VARIABLE}") from None
