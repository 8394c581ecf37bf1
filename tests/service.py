"""Tieout as a service, tried as far as a machine without a container engine can: `make check-service`.

What the Containerfile does is done here in a folder: an environment from the lock alone, a user who is not root where
this one is and where another user may start this interpreter, nothing of this environment, and the entry point. Then
the UI is started, asked and stopped.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
NOBODY = 65534
_TOKEN = "a-token-of-this-trial-alone"
_UP_WITHIN_SECONDS = 240
_ENDS_WITHIN_SECONDS = 15


def main() -> int:
    """Install, run a week, serve and stop; the first thing that fails ends it."""
    folder = Path(tempfile.mkdtemp(prefix="tieout-service-"))
    folder.chmod(0o755)
    try:
        subprocess.run([ROOT / "deploy" / "install", folder / "tieout"], check=True)
        home = folder / "data"
        home.mkdir()
        identity = _identity(folder / "tieout" / "bin" / "tieout")
        if identity:
            os.chown(home, NOBODY, NOBODY)
        environment = {
            "HOME": str(home),
            "PATH": f"{folder / 'tieout' / 'bin'}:/usr/bin:/bin",
            "TIEOUT_HOME": str(home),
        }
        _run(["tieout", "demo", "--weeks", "1"], environment, home, identity)
        _run(["tieout", "doctor"], environment, home, identity)
        _serve(environment, home, identity)
    finally:
        shutil.rmtree(folder)
    print("The entry point works from the lock alone, without this environment, and stops when asked.")
    return 0


def _run(command: list[str], environment: Mapping[str, str], home: Path, identity: Mapping[str, Any]) -> None:
    print(f"$ {' '.join(command)}", flush=True)
    subprocess.run(command, env=dict(environment), cwd=home, check=True, **identity)


def _serve(environment: Mapping[str, str], home: Path, identity: Mapping[str, Any]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["tieout", "ui", "--port", str(port)]
    served = {**environment, "TIEOUT_UI_TOKEN": _TOKEN}
    print(f"$ {' '.join(command)}", flush=True)
    with subprocess.Popen(command, env=served, cwd=home, **identity) as process:
        until = time.monotonic() + _UP_WITHIN_SECONDS
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                sys.exit("the UI did not come up")
            time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        process.wait(_ENDS_WITHIN_SECONDS)
    if _answers(port):
        sys.exit("the UI is still there after SIGTERM")


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _identity(entry_point: Path) -> dict[str, Any]:
    """Nobody where this is root, unless the interpreter lies in a folder that only root may enter."""
    if os.getuid() != 0:
        return {}
    nobody: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        subprocess.run([entry_point, "--version"], check=True, stdout=subprocess.DEVNULL, cwd="/", **nobody)
    except PermissionError:
        print(f"Tried as root: only root may start {entry_point.with_name('python').resolve().name} here")
        return {}
    return nobody


if __name__ == "__main__":
    sys.exit(main())
