"""The process of a command: what the shell starts, and how it ends."""

import atexit
import os
import sys

from tieout.cli.app import run_command


def main() -> None:
    """Be the process of a command: run it, and end with it."""
    leaving = Leaving()
    try:
        run_command()
    except SystemExit as left:
        leaving.ended(left)
        raise


class Leaving:
    """Ends the process as soon as a command has ended and everything that waits for its end has been called.

    Python would look for garbage once more, and take apart millions of objects of Dagster and Great Expectations one by
    one: a tenth of a small run. The system takes all of it back at once. Everything that must last is on the disk by
    then: a process may be killed at any moment (`benchmarks/kills`).
    """

    def __init__(self) -> None:
        """Be the last to be called of what is registered from here on."""
        self._code: int | None = None
        atexit.register(self._leave)

    def ended(self, left: SystemExit) -> None:
        """Keep how the command ended; without it, and where a text says why, the process ends as any other does."""
        code = 0 if left.code is None else left.code
        self._code = code if isinstance(code, int) else None

    def _leave(self) -> None:
        if self._code is None:
            return
        try:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        except (OSError, ValueError):
            return  # nobody reads any more: Python says so with an exit code of its own
        os._exit(self._code)
