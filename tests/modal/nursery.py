"""Workers of a pull that are forked from a process that has imported the client, which takes longer than most pulls.

A worker is what it is elsewhere, in a process of its own, that is killed and that hears the end of its input; but it is
no child of the tests' process, so its processor time is not among that of the children, and its client waits hardly at
all before it asks again by itself.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Self

from tieout.modal import worker

_LONGEST_REQUEST = 1 << 20
_CLIENT_WAITS_SECONDS = 0.002


class Forked:
    """A worker, with what a pull uses of a `Popen`."""

    def __init__(self, pid: int, stdin: IO[str], stdout: IO[str]) -> None:
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout

    def kill(self) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def wait(self) -> int:
        """The nursery buries it; what it wrote ends with it."""
        self.stdout.read()
        return -signal.SIGKILL


class Nursery:
    """The process that workers are forked from, for as long as the `with` block lasts."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.modal.nursery", str(self._theirs.fileno())]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MODAL_")}
        self._process = subprocess.Popen(
            command,
            env=clean | {"MODAL_CONFIG_PATH": "nonexistent.toml"},
            cwd=Path(__file__).parents[2],
            pass_fds=[self._theirs.fileno()],
        )
        self._theirs.close()
        return self

    def __exit__(self, *_raised: object) -> None:
        self._ours.close()
        self._process.wait()

    def fork(self) -> Forked:
        """Start a worker in this process's environment."""
        input_of_worker, stdin = os.pipe()
        stdout, output_of_worker = os.pipe()
        environment = json.dumps(dict(os.environ)).encode()
        socket.send_fds(self._ours, [environment], [input_of_worker, output_of_worker])
        for end in (input_of_worker, output_of_worker):
            os.close(end)
        pid = int(self._ours.recv(64))
        return Forked(pid, os.fdopen(stdin, "w", encoding="utf-8"), os.fdopen(stdout, encoding="utf-8"))


def main() -> None:
    """Import the client, and fork a worker for every request until nobody can ask any more."""
    import modal.cli.entry_point  # noqa: F401 - the workers have it

    _make_impatient()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are buried by the system
    requests = socket.socket(fileno=int(sys.argv[1]))
    while True:
        environment, ends, _, _ = socket.recv_fds(requests, _LONGEST_REQUEST, 2)
        if not environment:
            return
        pid = os.fork()
        if pid == 0:
            requests.close()
            _become_worker(json.loads(environment), *ends)
        for end in ends:
            os.close(end)
        requests.send(str(pid).encode())


def _make_impatient() -> None:
    """Cut the waits of the client between its attempts, and leave their number."""
    client: Any = import_module("modal._grpc_client")
    patiently = client._retry_transient_errors

    async def impatiently(method: Any, request: Any, retry: Any, metadata: Any) -> Any:
        hurried = replace(retry, base_delay=_CLIENT_WAITS_SECONDS, max_delay=_CLIENT_WAITS_SECONDS)
        return await patiently(method, request, hurried, metadata)

    client._retry_transient_errors = impatiently


def _become_worker(environment: Mapping[str, str], given: int, wanted: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.stdin = os.fdopen(given, encoding="utf-8")
    sys.stdout = os.fdopen(wanted, "w", encoding="utf-8")
    worker.main()


if __name__ == "__main__":
    main()
