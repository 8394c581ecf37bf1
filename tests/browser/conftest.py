"""The UI and the report in a browser: Tieout serves a copy of the built workspace, Chromium looks at it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import sync_playwright

from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.defs.ui_guard import TOKEN_PARAMETER, TOKEN_VARIABLE

_SERVES_WITHIN_SECONDS = 300
_TOKEN = "the-token-of-the-browser-tests"
# A shell that starts the tests in the background has its children ignore Ctrl-C.
_LISTENS_TO_CTRL_C = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from tieout.cli import main
main()
"""


# A page is asked where things lie, and no picture of it is taken: nothing needs a process of its own that draws, or one
# for every page.
_IN_FEW_PROCESSES = ("--disable-gpu", "--in-process-gpu", "--num-raster-threads=1", "--renderer-process-limit=1")


# Every reader has fonts of his own. The widest among them set a line about so much wider than the narrowest.
WIDE_FONT = "* { letter-spacing: .06em !important }"


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark of these tests."""
    config.addinivalue_line("markers", "browser: looks at the UI or the report with Chromium")


@dataclass(frozen=True)
class Served:
    """The UI at an address, behind its guard."""

    address: str

    def at(self, page: str) -> str:
        """The address of a page as a person opens it who comes for the first time: with the token."""
        return f"{self.address}{page}{'&' if '?' in page else '?'}{TOKEN_PARAMETER}={_TOKEN}"


@pytest.fixture(scope="session")
def chromium_program() -> str:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; .ci/run installs it")
        pytest.skip("Chromium is not installed: apt-get install chromium")
    return program


@pytest.fixture(scope="module")
def chromium(chromium_program: str) -> Iterator[Chromium]:
    """Chromium under control, to click, to measure and to listen to."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=chromium_program, args=["--no-sandbox", *_IN_FEW_PROCESSES]
        )
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def served(chromium_program: str, built_workspace: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The UI of a built workspace, which its processes keep watching until its tests are over."""
    home = shutil.copytree(built_workspace.root, tmp_path_factory.mktemp("served") / "workspace")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", _LISTENS_TO_CTRL_C, "ui", "--port", str(port)]
    command += ["--home", str(home), "--catalog", str(resource_path("catalog"))]
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, TOKEN_VARIABLE: _TOKEN}
    with subprocess.Popen(command, process_group=0, env=environment) as server:
        try:
            _wait_for(f"{address}/server_info", server, home / "dagster" / "ui.log")
            yield Served(address)
        finally:
            os.killpg(server.pid, signal.SIGINT)
            try:
                assert server.wait(timeout=60) == 0
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                raise


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _SERVES_WITHIN_SECONDS
    while time.monotonic() < until:
        try:
            signed = urllib.request.Request(url, headers={"Authorization": f"Bearer {_TOKEN}"})
            urllib.request.urlopen(signed, timeout=5).close()
        except (urllib.error.URLError, OSError):
            if server.poll() is not None:
                break
            server_is_starting(server)
        else:
            return
    pytest.fail(f"the UI did not come up:\n{log.read_text()}")


def server_is_starting(server: subprocess.Popen[bytes]) -> None:
    """Give the server half a second, or less when it ends."""
    try:
        server.wait(timeout=0.5)
    except subprocess.TimeoutExpired:
        return
