"""`tieout ui` as a process: asked from outside over a socket, and what is left of it when it ends."""

import base64
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tieout.core.environment import CATALOG_VARIABLE, HOME_VARIABLE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc"),
]

_TIEOUT = [sys.executable, "-c", "from tieout.cli import main; main()"]
_STARTS_WITHIN_SECONDS = 240
_ENDS_WITHIN_SECONDS = 10
_REPLACED_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class Ui:
    """A process of `tieout ui` that has been started: of which workspace, at which port, and what it says into."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]
    said: Path

    def address(self) -> str:
        """The path and token of the address that it prints as soon as it serves."""
        until = time.monotonic() + _STARTS_WITHIN_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(r"http://127\.0\.0\.1:\d+(/\?token=\S+)", self.said.read_text())
            if found:
                return found[1]
            time.sleep(0.2)
        pytest.fail(f"the UI did not come up: {self.said.read_text()}")


@contextmanager
def started(home: Path, *before: str) -> Iterator[Ui]:
    """Start one, and leave nothing of it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = home.with_suffix(".said")
    environment = {name: value for name, value in os.environ.items() if name not in (HOME_VARIABLE, CATALOG_VARIABLE)}
    command = [*before, *_TIEOUT, "ui", "--port", str(port), "--home", str(home)]
    with said.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output, env=environment) as process:
        try:
            yield Ui(home, port, process, said)
        finally:
            process.kill()
            for left in processes_of(home):
                os.kill(left, signal.SIGKILL)


@pytest.fixture(scope="module")
def uis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ui, Ui]]:
    """One to attack, under nohup, and one to kill: they come up side by side, which takes seconds."""
    attacked, killed = (tmp_path_factory.mktemp(name) / "workspace" for name in ("attacked", "killed"))
    (attacked / "reports" / "2026-W46").mkdir(parents=True)
    (attacked / "reports" / "2026-W46" / "index.html").write_text("<h1>The week</h1>")
    with started(attacked, "nohup") as first, started(killed) as second:
        yield first, second


def processes_of(home: Path) -> list[int]:
    """Every process that serves a workspace: each has it in its environment, or is the command itself."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            about = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(home).encode() in about:
            found.append(int(process.name))
    return found


def ends(home: Path, port: int, within: float) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if not processes_of(home) and not answers(port):
            return True
        time.sleep(0.1)
    return False


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask(port: int, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}


def handshake(port: int, **headers: str) -> int:
    key = base64.b64encode(bytes(16)).decode()
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": key}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in {**upgrade, **headers}.items()}
    connection.request("GET", "/graphql", headers=named)
    return connection.getresponse().status


def test_attacks_are_refused_by_the_server_itself_and_sigterm_leaves_nothing(uis: tuple[Ui, Ui]) -> None:
    ui, _ = uis
    home, port, address = ui.home, ui.port, ui.address()
    here, json, query = f"http://127.0.0.1:{port}", "application/json", '{"query": "{ __typename }"}'
    status, _, headers = ask(port, "GET", address)
    cookie = headers["set-cookie"].partition(";")[0]
    assert (status, headers["location"]) == (303, "/")
    assert address.partition("=")[2] not in cookie
    signed = {"Cookie": cookie, "Origin": here}

    status, said, _ = ask(port, "POST", "/graphql", query, Content_Type=json, **signed)
    assert (status, "__typename" in said) == (200, True)
    assert handshake(port, Sec_WebSocket_Protocol="graphql-ws", **signed) == 101

    foreign = {"Cookie": cookie, "Origin": "http://evil.example"}
    assert ask(port, "POST", "/graphql", query, Content_Type=json)[0] == 401
    assert ask(port, "POST", "/graphql", query, Content_Type=json, **foreign)[0] == 403
    assert ask(port, "POST", "/graphql", query, Content_Type=json, Host=f"evil.example:{port}", **signed)[0] == 403
    assert ask(port, "POST", "/graphql?query={__typename}", **signed)[0] == 415
    assert ask(port, "GET", "/graphql?query={__typename}", **signed)[0] == 405
    assert handshake(port, **foreign) == 403
    assert handshake(port, Cookie=cookie) == 403
    assert handshake(port, Origin=here) == 401

    assert ask(port, "GET", "/archive/2026-W46/", **signed)[1] == "<h1>The week</h1>"
    assert ask(port, "GET", "/archive/2026-W46/")[0] == 401
    assert ask(port, "GET", "/archive/2026-W46/", Host="evil.example", **signed)[0] == 403
    for way_out in ("../warehouse.duckdb", "..%2fwarehouse.duckdb", "%2e%2e/dagster/ui.log", "//etc/passwd"):
        assert ask(port, "GET", f"/archive/{way_out}", **signed)[0] == 404

    ui.process.terminate()
    assert ends(home, port, _ENDS_WITHIN_SECONDS)
    assert ui.process.wait() == 0
    assert address.partition("=")[2] not in (home / "dagster" / "ui.log").read_text()


def code_servers(home: Path) -> set[int]:
    return {found for found in processes_of(home) if b"grpc" in Path(f"/proc/{found}/cmdline").read_bytes()}


def test_a_code_server_that_dies_is_replaced_and_a_ui_that_is_killed_leaves_nothing(uis: tuple[Ui, Ui]) -> None:
    _, ui = uis
    assert ui.address()
    assert len(processes_of(ui.home)) > 2
    [dead] = code_servers(ui.home)
    os.kill(dead, signal.SIGKILL)
    until = time.monotonic() + _REPLACED_WITHIN_SECONDS
    while not code_servers(ui.home) - {dead} and time.monotonic() < until:
        time.sleep(0.1)
    [_] = code_servers(ui.home) - {dead}

    ui.process.kill()
    ui.process.wait()
    assert ends(ui.home, ui.port, _ENDS_WITHIN_SECONDS + 5)
