"""A command of Tieout in a process of its own: run to its end, or killed with everything that it has started."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_TIEOUT = "from tieout.cli import main; main()"
# Pulls a minute apart, whatever the machine's clock says; the first argument is the time.
_TIEOUT_AT = """
import datetime, sys
from tieout.cli import main, pull
moment = datetime.datetime.fromisoformat(sys.argv.pop(1))
pull.utc_now = lambda: moment
main()
"""

# Nor does a user's Python compile all modules and templates in every run, a twentieth of a small one.
_NOT_INHERITED = ("TIEOUT_", "MODAL_", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True)
class Command:
    """Arguments of `tieout`, and what its environment has besides; `at` is the time that a pull is told."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    at: str | None = None

    @property
    def line(self) -> list[str]:
        """The process to start."""
        clock = [_TIEOUT] if self.at is None else [_TIEOUT_AT, self.at]
        return [sys.executable, "-c", *clock, *self.arguments]


@dataclass(frozen=True)
class Ended:
    """How a process ended by itself, and what it took: seconds from its start, and of computing."""

    code: int
    seconds: float
    cpu_seconds: float
    said: str


def run_to_end(command: Command, folder: Path) -> Ended:
    """Run a command that has to succeed, as `run` does.

    Raises:
        RuntimeError: it fails.
    """
    ended = run(command, folder)
    if ended.code:
        raise RuntimeError(f"{' '.join(command.arguments)}: {ended.said}")
    return ended


def run(command: Command, folder: Path) -> Ended:
    """Run a command to its end; the folder, of the trial, gets its output and everything temporary."""
    ended = run_or_kill(command, folder, None)
    assert ended is not None
    return ended


def run_process(line: Sequence[str], folder: Path) -> Ended:
    """Run a process to its end; the folder, of the trial, gets its output and everything temporary."""
    ended = _run_or_kill(line, {}, folder, None)
    assert ended is not None
    return ended


def run_or_kill(command: Command, folder: Path, seconds: float | None) -> Ended | None:
    """Run a command, and kill its whole process group unless it ends within some seconds; None when it was killed."""
    return _run_or_kill(command.line, command.environment, folder, seconds)


def _run_or_kill(
    line: Sequence[str], variables: Mapping[str, str], folder: Path, seconds: float | None
) -> Ended | None:
    scratch, output = folder / "tmp", folder / "output"
    scratch.mkdir(exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    environment = inherited | dict(variables) | {"TMPDIR": str(scratch)}
    started, used = time.monotonic(), _cpu_seconds()
    with output.open("wb") as file:
        process = subprocess.Popen(line, env=environment, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None
    seconds, cpu_seconds = time.monotonic() - started, _cpu_seconds() - used
    return Ended(code, seconds, cpu_seconds, output.read_text(encoding="utf-8"))


def _cpu_seconds() -> float:
    """What all processes that were started from here and have ended used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
