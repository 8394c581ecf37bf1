"""`tieout ui`: the Dagster webserver and daemon for one workspace, on this machine only."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tieout.catalog.load import load_catalog
from tieout.cli.failures import CommandError
from tieout.cli.messages import say
from tieout.core.environment import CATALOG_VARIABLE, HOME_VARIABLE
from tieout.core.home import Home
from tieout.defs.instance import prepare_instance

_ADDRESS = "127.0.0.1"
_LOOK_AGAIN_SECONDS = 0.2


def serve(home: Home, catalog_directory: Path, *, port: int) -> None:
    """Serve the UI until it is interrupted.

    Raises:
        CommandError: the port is taken, or Dagster ends by itself.
    """
    load_catalog(catalog_directory)
    _require_free(port)
    folder = prepare_instance(home)
    environment = {
        **os.environ,
        HOME_VARIABLE: str(home.root),
        **({CATALOG_VARIABLE: str(catalog_directory)} if catalog_directory.is_dir() else {}),
        "DAGSTER_HOME": str(folder),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "GX_ANALYTICS_ENABLED": "False",
    }
    command = [sys.executable, "-W", "ignore", "-m", "dagster", "dev", "--workspace", str(folder / "workspace.yaml")]
    command += ["--host", _ADDRESS, "--port", str(port)]
    log = folder / "ui.log"
    with log.open("wb") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process:
        # Ctrl-C reaches the whole group: Dagster closes its own processes, and we wait for it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if _answers(process, port):
            say(f"{home.root} is open at http://{_ADDRESS}:{port} (Ctrl-C ends it)")
        code = process.wait()
    if code not in (0, -signal.SIGINT, 128 + signal.SIGINT):
        raise CommandError(f"Dagster ended with exit code {code}", remedy=f"Its own messages are in {log}.")


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the UI takes connections, or has ended without."""
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((_ADDRESS, port)) == 0:
                return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_AGAIN_SECONDS)
    return False


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_ADDRESS, port))
        except OSError:
            raise CommandError(f"port {port} is in use", remedy=f"Name another one: --port {port + 1}") from None
