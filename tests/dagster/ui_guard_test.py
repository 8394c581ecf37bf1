"""Every way in to the UI that another site, or another user of the machine, could try; and the one that is meant."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from tieout.defs.ui_archive import Message, Receive, Scope, Send
from tieout.defs.ui_guard import Admission, Guard, UiSettingsError, archive_token, checked_token, origins

HOME = "http://127.0.0.1:3000"
HOST = ("host", "127.0.0.1:3000")
ORIGIN = ("origin", HOME)
JSON = ("content-type", "application/json")
ADMISSION = Admission((HOME, "http://localhost:3000", "https://costs.example.com"), token="right-token", session="s3")
COOKIE = ("cookie", "other=1; tieout-ui-3000=s3")
MUTATION = json.dumps({"query": "mutation { stopRunningSchedule { __typename } }"}).encode()


@dataclass
class Heard:
    """What came of a request: the answer, and whether Dagster's server heard it."""

    passed: bool = False
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


def ask(
    method: str,
    path: str,
    *headers: tuple[str, str],
    query: str = "",
    websocket: bool = False,
    extensions: Iterable[str] = ("websocket.http.response",),
) -> Heard:
    heard = Heard()

    async def dagster(_: Scope, __: Receive, send: Send) -> None:
        heard.passed = True
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Message:
        return {"type": "http.request", "body": MUTATION}

    async def send(message: Message) -> None:
        heard.status = message.get("status", message.get("code", heard.status))
        heard.headers |= {name.decode(): value.decode() for name, value in message.get("headers", ())}
        heard.body += message.get("body", b"").decode() + message.get("reason", "")

    scope: Scope = {
        "type": "websocket" if websocket else "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "extensions": {name: {} for name in extensions},
    }
    asyncio.run(Guard(dagster, ADMISSION)(scope, receive, send))
    return heard


def graphql(*headers: tuple[str, str], method: str = "POST") -> Heard:
    return ask(method, "/graphql", *headers)


def test_a_signed_in_page_uses_everything_it_needs() -> None:
    assert graphql(HOST, ORIGIN, JSON, COOKIE).passed
    assert graphql(HOST, ORIGIN, ("content-type", "application/json; charset=utf-8"), COOKIE).passed
    assert ask("GET", "/assets/spend/hourly", HOST, COOKIE).passed
    assert ask("GET", "/graphql", HOST, ORIGIN, COOKIE, websocket=True).passed
    assert ask("GET", "/", ("host", "LOCALHOST:3000"), COOKIE).passed
    assert graphql(("host", "costs.example.com"), ("origin", "https://costs.example.com"), JSON, COOKIE).passed


def test_a_program_brings_the_token_in_a_header() -> None:
    assert graphql(HOST, JSON, ("authorization", "Bearer right-token")).passed
    assert graphql(HOST, JSON, ("authorization", "Bearer wrong")).status == 401


def test_an_answer_is_shown_in_no_other_page() -> None:
    assert ask("GET", "/", HOST, COOKIE).headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    ("headers", "status", "sentence"),
    [
        pytest.param([("host", "evil.example:3000"), ORIGIN, JSON, COOKIE], 403, "under no other name", id="rebinding"),
        pytest.param([("host", "127.0.0.1:3001"), ORIGIN, JSON, COOKIE], 403, "under no other name", id="other port"),
        pytest.param([ORIGIN, JSON, COOKIE], 403, "under no other name", id="no host"),
        pytest.param([HOST, HOST, ORIGIN, JSON, COOKIE], 403, "under no other name", id="two hosts"),
        pytest.param([HOST, ("origin", "http://evil.example"), JSON, COOKIE], 403, "of another site", id="origin"),
        pytest.param([HOST, ("origin", "null"), JSON, COOKIE], 403, "of another site", id="sandboxed"),
        pytest.param([HOST, ORIGIN, ("origin", "http://evil.example"), JSON, COOKIE], 403, "of another", id="two"),
        pytest.param([HOST, ("sec-fetch-site", "cross-site"), JSON, COOKIE], 403, "of another site", id="fetch"),
        pytest.param([HOST, ORIGIN, COOKIE], 415, "application/json only", id="no type"),
        pytest.param([HOST, ORIGIN, ("content-type", "text/plain"), COOKIE], 415, "application/json", id="simple"),
        pytest.param(
            [HOST, ORIGIN, ("content-type", "application/x-www-form-urlencoded"), COOKIE],
            415,
            "application/json only",
            id="form",
        ),
        pytest.param(
            [HOST, ORIGIN, ("content-type", "text/plain; application/json"), COOKIE],
            415,
            "application/json only",
            id="type in disguise",
        ),
        pytest.param([HOST, ORIGIN, JSON, ("content-type", "text/plain"), COOKIE], 415, "application", id="two types"),
        pytest.param([HOST, ORIGIN, JSON], 401, "`tieout ui` printed", id="no cookie"),
        pytest.param(
            [
                HOST,
                ORIGIN,
                JSON,
                ("cookie", "tieout-ui-3000=s"),
            ],
            401,
            "printed",
            id="wrong cookie",
        ),
        pytest.param([HOST, ORIGIN, JSON, ("cookie", "tieout-ui-3000=right-token")], 401, "printed", id="token"),
        pytest.param([HOST, ORIGIN, JSON, ("cookie", "tieout-ui-3001=s3")], 401, "printed", id="cookie of a port"),
    ],
)
def test_a_change_that_nobody_at_this_page_asked_for_is_refused(
    headers: list[tuple[str, str]], status: int, sentence: str
) -> None:
    heard = graphql(*headers)
    assert not heard.passed
    assert heard.status == status
    assert sentence in heard.body


@pytest.mark.parametrize("path", ["/graphql", "/graphql/"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS"])
def test_graphql_is_taken_by_post_only(method: str, path: str) -> None:
    heard = ask(method, path, HOST, ORIGIN, JSON, COOKIE, query="query=mutation{stop}")
    assert (heard.passed, heard.status, heard.body) == (False, 405, "GraphQL is taken by POST only.\n")


def test_events_are_reported_by_nobody_from_outside() -> None:
    heard = ask("POST", "/report_asset_materialization/spend/hourly", HOST, ORIGIN, JSON, COOKIE)
    assert (heard.passed, heard.status) == (False, 405)


@pytest.mark.parametrize(
    "headers",
    [
        [HOST, ("origin", "http://evil.example"), COOKIE],
        [HOST, COOKIE],
        [HOST, ORIGIN],
        [("host", "evil.example"), ORIGIN, COOKIE],
    ],
)
def test_a_websocket_is_opened_by_this_servers_pages_only(headers: list[tuple[str, str]]) -> None:
    heard = ask("GET", "/graphql", *headers, websocket=True)
    assert (heard.passed, heard.status in (401, 403)) == (False, True)
    assert heard.body.endswith(".\n")
    closed = ask("GET", "/graphql", *headers, websocket=True, extensions=())
    assert (closed.passed, closed.status, closed.body) == (False, 1008, heard.body.strip())


def test_the_token_buys_a_cookie_and_leaves_the_address() -> None:
    heard = ask("GET", "/assets/spend/hourly", HOST, query="view=checks&token=right-token")
    assert (heard.passed, heard.status) == (False, 303)
    assert heard.headers["location"] == "/assets/spend/hourly?view=checks"
    assert heard.headers["set-cookie"] == "tieout-ui-3000=s3; Path=/; HttpOnly; SameSite=Strict"
    assert "right-token" not in str(heard)
    by_tls = ask("GET", "/", ("host", "costs.example.com"), query="token=right-token")
    assert by_tls.headers["set-cookie"].endswith("; Secure")


def test_a_token_sends_nobody_to_another_site() -> None:
    assert ask("GET", "//evil.example", HOST, query="token=right-token").headers["location"] == "/evil.example"
    assert ask("GET", "/\\evil.example", HOST, query="token=right-token").headers["location"] == "/%5Cevil.example"


def test_the_token_of_the_archive_opens_the_archive_and_nothing_else() -> None:
    reading = archive_token("right-token")
    # printf archive | openssl dgst -sha256 -hmac right-token
    assert reading == "93ae9d9cab69108276362da190589620b3c7973a7456b298892edea8800d33b3"
    heard = ask("GET", "/archive/2026-W46/index.html", HOST, query=f"token={reading}")
    assert (heard.status, heard.headers["location"]) == (303, "/archive/2026-W46/index.html")
    cookie, path, *_ = heard.headers["set-cookie"].split("; ")
    assert path == "Path=/archive"
    signed = ("cookie", cookie)
    assert ask("GET", "/archive/2026-W46/index.html", HOST, signed).passed
    assert ask("HEAD", "/archive/", HOST, ("authorization", f"Bearer {reading}")).passed
    assert ask("GET", "/archive/", HOST, COOKIE).passed
    for path in ("/", "/runs", "/archives/", "/archive.html", "/ARCHIVE/"):
        assert ask("GET", path, HOST, signed).status == 401
        assert ask("GET", path, HOST, query=f"token={reading}").status == 401
    assert graphql(HOST, ORIGIN, JSON, signed).status == 401
    assert graphql(HOST, ORIGIN, JSON, ("authorization", f"Bearer {reading}")).status == 401
    assert ask("GET", "/archive/", HOST).status == 401
    assert ask("POST", "/archive/", HOST, ORIGIN, COOKIE).status == 405
    assert ask("GET", "/archive/", ("host", "evil.example"), signed).status == 403
    assert ask("GET", "/archive/", HOST, ORIGIN, signed, websocket=True).status == 403


@pytest.mark.parametrize("query", ["", "token=", "token=wrong", "token=right-token%00", "token=%FF"])
def test_a_page_without_the_right_token_says_where_it_is(query: str) -> None:
    heard = ask("GET", "/runs", HOST, query=query)
    assert (heard.passed, heard.status) == (False, 401)
    assert "Open the address that `tieout ui` printed" in heard.body


def test_secrets_are_in_no_text_about_the_guard() -> None:
    assert "right-token" not in repr(ADMISSION)
    assert "s3" not in repr(ADMISSION)


def test_the_ui_is_also_where_a_proxy_shows_it() -> None:
    assert origins(3000, None) == ("http://127.0.0.1:3000", "http://localhost:3000")
    assert origins(3000, "https://Costs.example.com/")[-1] == "https://costs.example.com"


@pytest.mark.parametrize("url", ["costs.example.com", "ftp://x", "https://x/tieout", "https://a@x", "https://"])
def test_an_address_of_a_proxy_that_no_browser_could_name_is_refused(url: str) -> None:
    with pytest.raises(UiSettingsError, match="TIEOUT_UI_URL"):
        origins(3000, url)


@pytest.mark.parametrize("token", ["short", "with a line break\n" * 3, "ü" * 30])
def test_a_token_that_can_be_guessed_or_not_be_sent_is_refused(token: str) -> None:
    with pytest.raises(UiSettingsError, match="TIEOUT_UI_TOKEN"):
        checked_token(token)
