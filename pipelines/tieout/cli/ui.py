"""`tieout ui`: the Dagster webserver, behind its guard, with the daemon for one workspace, on this machine only.

They run in a process group of their own, with everything that they start. TERM, HUP and Ctrl-C end the group, at the
latest by force; a watcher ends it where this process is killed and can do nothing any more.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from tieout.catalog.load import load_catalog
from tieout.cli.failures import CommandError
from tieout.cli.messages import say
from tieout.core.environment import CATALOG_VARIABLE, HOME_VARIABLE
from tieout.core.home import Home
from tieout.defs.ui_archive import ARCHIVE
from tieout.defs.ui_guard import (
    ADDRESS,
    TOKEN_PARAMETER,
    TOKEN_VARIABLE,
    URL_VARIABLE,
    archive_token,
    checked_token,
    origins,
)

_LOOK_AGAIN_SECONDS = 0.2
_ENDS_BY_ITSELF_SECONDS = 4
_ENDS_BY_FORCE_SECONDS = 1
_STOPPING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
# Hears of its parent's end by the end of its input, however it comes; a line says that nothing is left to do.
_WATCH = """
trap '' TERM HUP INT
read -r line && exit 0
kill -s INT -- "-$1"
for second in 1 2 3 4 5; do
    sleep 1
    kill -s 0 -- "-$1" || exit 0
done
kill -s KILL -- "-$1"
"""


class _Stopped(BaseException):
    """A signal has asked for the end."""


def serve(home: Home, catalog_directory: Path, *, port: int) -> None:
    """Serve the UI until it is stopped by Ctrl-C, SIGTERM or SIGHUP.

    Raises:
        CommandError: the port is taken, or Dagster ends by itself.
        UiSettingsError: a variable of the UI cannot be used.
    """
    load_catalog(catalog_directory)
    _require_free(port)
    url = origins(port, os.environ.get(URL_VARIABLE))[-1 if os.environ.get(URL_VARIABLE) else 0]
    given = os.environ.get(TOKEN_VARIABLE)
    token = checked_token(given) if given else secrets.token_urlsafe(32)
    home.dagster.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        HOME_VARIABLE: str(home.root),
        **({CATALOG_VARIABLE: str(catalog_directory)} if catalog_directory.is_dir() else {}),
        "DAGSTER_HOME": str(home.dagster),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "GX_ANALYTICS_ENABLED": "False",
    }
    environment.pop(TOKEN_VARIABLE, None)
    log = home.dagster / "ui.log"
    with _until_stopped(), log.open("wb") as output, _group(environment, output, token, port) as server:
        if _answers(server, port):
            # A token that somebody chose is known to him, and does not belong into a log.
            say(f"{home.root} is open at {url}/?{TOKEN_PARAMETER}={'…' if given else token}")
            say("The address is a key: who has it can start runs and mails. Ctrl-C ends it.")
            reading = "…" if given else archive_token(token)
            say(f"Its reports alone are at {url}{ARCHIVE}?{TOKEN_PARAMETER}={reading}")
        server.wait()
        raise CommandError("Dagster ended by itself", remedy=f"Its own messages are in {log}.")


@contextmanager
def _until_stopped() -> Iterator[None]:
    """Leave the block in order when a signal asks for it; a HUP that nohup ignores does not."""

    def stop(_: int, __: FrameType | None) -> None:
        for each in _STOPPING:  # the end is under way, and no second signal hurries it
            signal.signal(each, signal.SIG_IGN)
        raise _Stopped

    for each in _STOPPING:
        if each is not signal.SIGHUP or signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, stop)
    with contextlib.suppress(_Stopped):
        yield


@contextmanager
def _group(
    environment: Mapping[str, str], output: IO[bytes], token: str, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    """Start webserver and daemon in a process group; at the end nothing of the group is left."""
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tieout.defs.ui_server", str(port)],
        env={**environment, TOKEN_VARIABLE: token},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        process_group=0,
        preexec_fn=_listen,
    )
    watcher = subprocess.Popen(
        ["/bin/sh", "-c", _WATCH, "watch", str(server.pid)],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    try:
        yield server
    finally:
        _end(server)
        watcher.communicate(b"done\n")


def _listen() -> None:
    """Hear the signals that a shell in the background, or nohup, has its children ignore."""
    for each in _STOPPING:
        signal.signal(each, signal.SIG_DFL)


def _end(leader: subprocess.Popen[bytes]) -> None:
    """Interrupt the group, wait until it is gone, and end by force what stays."""
    for each, seconds in ((signal.SIGINT, _ENDS_BY_ITSELF_SECONDS), (signal.SIGKILL, _ENDS_BY_FORCE_SECONDS)):
        until = time.monotonic() + seconds
        if not _signal_group(leader, each):
            return
        while time.monotonic() < until and _signal_group(leader, 0):
            time.sleep(_LOOK_AGAIN_SECONDS)


def _signal_group(leader: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to the group; False when nobody is in it any more. Those of it that have ended are buried."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-leader.pid, os.WNOHANG)[0]:
            pass
    try:
        os.killpg(leader.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the UI takes connections, or has ended without."""
    while server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((ADDRESS, port)) == 0:
                return True
        time.sleep(_LOOK_AGAIN_SECONDS)
    return False


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            raise CommandError(f"port {port} is in use", remedy=f"Name another one: --port {port + 1}") from None
