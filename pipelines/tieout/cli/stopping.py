"""Ctrl-C and SIGTERM: what is under way ends in order, and one line says how things stand."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from tieout.cli.failures import ExitCode
from tieout.cli.messages import warn


@contextmanager
def stoppable(said: str) -> Iterator[None]:
    """Say a line and exit with 130 when what is done here is stopped; SIGTERM is taken for a Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        warn(said)
        raise typer.Exit(ExitCode.STOPPED) from None
    finally:
        signal.signal(signal.SIGTERM, before)
