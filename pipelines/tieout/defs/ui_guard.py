"""What stands before Dagster's webserver: whoever may ask it for something, and how.

Dagster's server believes every request. It binds to this machine, and a browser on this machine sends it whatever any
web page asks for. So a request has to name this server (a page whose host name was rebound to 127.0.0.1 names its own),
to come from no other site, and to bring the token that `tieout ui` printed, or the cookie that the token bought.
The archive of reports has a token of its own, which opens nothing but the archive: readers need no other one.
What changes something is GraphQL, sent as JSON by POST: pages of other sites cannot send that unasked, and nothing else
is let through.
"""

import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from tieout.core.errors import TieoutError
from tieout.defs.ui_archive import ARCHIVE, Application, Message, Receive, Scope, Send, is_of_archive

ADDRESS = "127.0.0.1"
TOKEN_VARIABLE = "TIEOUT_UI_TOKEN"
URL_VARIABLE = "TIEOUT_UI_URL"
TOKEN_PARAMETER = "token"
_SHORTEST_TOKEN = 24
_GRAPHQL = "/graphql"
_READING = frozenset({"GET", "HEAD"})
_SIGN_IN = "Open the address that `tieout ui` printed when it started: it carries the token."


class UiSettingsError(TieoutError):
    """A variable of the UI that cannot be used."""


def checked_token(token: str) -> str:
    """Return a token that was set in the environment.

    Raises:
        UiSettingsError: it is too short to be no guess.
    """
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        raise UiSettingsError(
            f"the token is shorter than {_SHORTEST_TOKEN} characters, or has others than printable ASCII",
            place=f"${TOKEN_VARIABLE}",
            remedy="`openssl rand -hex 24` makes one; without the variable, every start makes its own.",
        )
    return token


def origins(port: int, url: str | None) -> tuple[str, ...]:
    """Return the addresses of the UI in a browser: on this machine, and where a proxy shows it.

    Raises:
        UiSettingsError: the proxy's address is none.
    """
    own = (f"http://{ADDRESS}:{port}", f"http://localhost:{port}")
    if not url:
        return own
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query or "@" in url:
        raise UiSettingsError(
            f"{url[:60]!r} is not an address like https://costs.example.com, without a path",
            place=f"${URL_VARIABLE}",
        )
    return (*own, f"{parts.scheme}://{parts.netloc}".lower())


def archive_token(token: str) -> str:
    """Return the token that opens the archive alone: it follows from the UI's, which cannot be told from it."""
    return _derived(token)


def _derived(secret: str) -> str:
    return hmac.new(secret.encode(), b"archive", "sha256").hexdigest()


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered: an HTTP status and a sentence."""

    status: int
    sentence: str


@dataclass(frozen=True)
class Key:
    """What lets somebody in: a token in the address, and the cookie that it buys, for paths below one."""

    token: str = field(repr=False)
    session: str = field(repr=False)
    cookie_name: str
    below: str


@dataclass(frozen=True)
class Admission:
    """Who may come in.

    Attributes:
        origins: the addresses that the UI has in a browser, like `http://127.0.0.1:3000`.
        token: what the printed address carries.
        session: what the cookie carries, so that it is not the token.
    """

    origins: tuple[str, ...]
    token: str = field(repr=False)
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def hosts(self) -> Mapping[str, str]:
        """The scheme of each host, with its port, that is this server."""
        return {urlsplit(origin).netloc.lower(): urlsplit(origin).scheme for origin in self.origins}

    def keys_of(self, path: str) -> tuple[Key, ...]:
        """The keys that open a path; cookies are called by the port, as a browser gives them to all ports alike."""
        port = urlsplit(self.origins[0]).port
        ui = Key(self.token, self.session, f"tieout-ui-{port}", "/")
        archive = Key(archive_token(self.token), _derived(self.session), f"tieout-archive-{port}", ARCHIVE.rstrip("/"))
        return (ui, archive) if is_of_archive(path) else (ui,)


class Guard:
    """An ASGI application that lets through to another one what may come in."""

    def __init__(self, application: Application, admission: Admission) -> None:
        """Guard an application."""
        self._application = application
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or a WebSocket's handshake, or pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        request = _Request(scope)
        refusal = _wrong_place(request, self._admission) or _wrong_manner(request)
        key = _key_of(request, self._admission)
        if refusal is None and key is not None and request.is_page:
            await _answer(send, 303, "", _signed_in(request, self._admission, key))
            return
        refusal = refusal or _unknown(request, self._admission)
        if refusal is None:
            await self._application(scope, receive, _unframed(send))
        elif scope["type"] == "websocket":
            await _refuse_websocket(scope, send, refusal)
        else:
            await _answer(send, refusal.status, f"{refusal.sentence}\n", ())


class _Request:
    """What the checks look at of a request."""

    def __init__(self, scope: Scope) -> None:
        self._headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        self.path: str = scope["path"]
        self.is_websocket = scope["type"] == "websocket"
        self.method: str = "GET" if self.is_websocket else scope["method"]
        self.query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)

    @property
    def is_graphql(self) -> bool:
        return self.path.rstrip("/") == _GRAPHQL

    @property
    def is_page(self) -> bool:
        return self.method in _READING and not self.is_websocket

    def all(self, name: str) -> list[str]:
        return [value for each, value in self._headers if each == name]

    def only(self, name: str) -> str | None:
        """The one value of a header; None when it is missing or given twice, which readers take differently."""
        values = self.all(name)
        return values[0] if len(values) == 1 else None

    def parameter(self, name: str) -> str | None:
        return next((value for each, value in self.query if each == name), None)


def _wrong_place(request: _Request, admission: Admission) -> Refusal | None:
    """Whether a request means another server, or comes from another site."""
    if (request.only("host") or "").lower() not in admission.hosts:
        return Refusal(403, f"This server is {' or '.join(admission.origins)}, and answers under no other name.")
    origins = request.all("origin")
    if any(origin.lower() not in admission.origins for origin in origins) or len(origins) > 1:
        return Refusal(403, "A page of another site may not use this server.")
    if request.is_websocket and not origins:
        return Refusal(
            403, "A WebSocket has to say which page opened it (Origin), and must be opened by this server's."
        )
    if request.only("sec-fetch-site") not in (None, "same-origin", "none") and not request.is_page:
        return Refusal(403, "A page of another site may not use this server.")
    return None


def _wrong_manner(request: _Request) -> Refusal | None:
    """Whether a request could change something in a way that pages of other sites have, too."""
    if request.is_websocket:
        return None if request.is_graphql else Refusal(403, "There is no WebSocket but /graphql.")
    if not request.is_graphql:
        return (
            None if request.is_page else Refusal(405, "Only /graphql takes anything; everything else is read by GET.")
        )
    if request.method != "POST":
        return Refusal(405, "GraphQL is taken by POST only.")
    if (request.only("content-type") or "").partition(";")[0].strip().lower() != "application/json":
        return Refusal(415, "GraphQL is taken as application/json only.")
    return None


def _unknown(request: _Request, admission: Admission) -> Refusal | None:
    """Whether a request brings neither the cookie nor the token."""
    scheme, _, bearer = (request.only("authorization") or "").partition(" ")
    for key in admission.keys_of(request.path):
        if scheme.lower() == "bearer" and _same(bearer.strip(), key.token):
            return None
        if any(_same(value, key.session) for value in _cookies(request.all("cookie"), key.cookie_name)):
            return None
    return Refusal(401, f"Nobody is signed in. {_SIGN_IN}")


def _key_of(request: _Request, admission: Admission) -> Key | None:
    """The key whose token stands in the address."""
    given = request.parameter(TOKEN_PARAMETER)
    return next((key for key in admission.keys_of(request.path) if _same(given, key.token)), None)


def _cookies(headers: Iterable[str], name: str) -> Iterable[str]:
    for header in headers:
        for pair in header.split(";"):
            try:
                jar = SimpleCookie(pair.strip())
            except CookieError:
                continue
            if name in jar:
                yield jar[name].value


def _same(given: str | None, secret: str) -> bool:
    """Compare in a time that says nothing about how much of a secret was guessed."""
    return given is not None and hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def _signed_in(request: _Request, admission: Admission, key: Key) -> Iterable[tuple[str, str]]:
    """Send the browser on to the page without the token in its address, with the cookie."""
    rest = urlencode([(name, value) for name, value in request.query if name != TOKEN_PARAMETER])
    is_secure = admission.hosts[(request.only("host") or "").lower()] == "https"
    cookie = f"{key.cookie_name}={key.session}; Path={key.below}; HttpOnly; SameSite=Strict"
    yield "location", "/" + quote(request.path.lstrip("/")) + (f"?{rest}" if rest else "")
    yield "set-cookie", cookie + ("; Secure" if is_secure else "")
    yield "referrer-policy", "no-referrer"


def _unframed(send: Send) -> Send:
    """Forbid other pages to show an answer within themselves, where clicks can be stolen."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"x-frame-options", b"DENY")]
        await send(message)

    return sending


async def _answer(send: Send, status: int, text: str, headers: Iterable[tuple[str, str]], kind: str = "http") -> None:
    body = text.encode()
    common = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body)))]
    common += [("cache-control", "no-store"), ("x-content-type-options", "nosniff")]
    lines = [(name.encode(), value.encode("latin-1")) for name, value in (*common, *headers)]
    await send({"type": f"{kind}.response.start", "status": status, "headers": lines})
    await send({"type": f"{kind}.response.body", "body": body})


async def _refuse_websocket(scope: Scope, send: Send, refusal: Refusal) -> None:
    """Refuse the handshake: with the sentence where the server can say one, else with HTTP 403."""
    if "websocket.http.response" in scope.get("extensions", {}):
        await _answer(send, refusal.status, f"{refusal.sentence}\n", (), kind="websocket.http")
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.sentence})
