"""Sends a message as `tieout send` does and is killed on the way, again and again; a program of its own, for `fork`.

For every step of outbox, transport and post there is one process that is killed just there, and one that comes after
it. What the outbox says in the end is printed as JSON: one entry for every killed process.
"""

import datetime as dt
import functools
import itertools
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from tieout.catalog.mail_settings import MailServer, MailSettings, Security
from tieout.core.periods import IsoWeek
from tieout.mail import deliver as post_module
from tieout.mail import outbox as outbox_module
from tieout.mail import transport as transport_module
from tieout.mail.deliver import deliver
from tieout.mail.messages import Rendered
from tieout.mail.outbox import Outbox, open_outbox

WEEK = IsoWeek.parse("2026-W46")
NOW = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)
SENDER = "tieout@example.com"
_TRACED = {str(module.__file__) for module in (outbox_module, post_module, transport_module)}


def recipients(step: int) -> tuple[str, str]:
    return f"anna.{step}@example.com", f"ben.{step}@example.com"


def send(folder: Path, server: MailServer, step: int) -> None:
    """Render unless that is done, and deliver what waits."""
    settings = MailSettings("UTC", recipients(step), (), None, SENDER, server)
    with open_outbox(folder) as outbox:
        message = outbox.find(WEEK, "r1", "finance") or outbox.keep(_rendered(), recipients(step))
        deliver(outbox, message, settings, clock=lambda: NOW)


def _rendered() -> Rendered:
    content = b"Subject: a week\r\n\r\n" + b"figures and more figures\r\n" * 40
    return Rendered(WEEK, "r1", "finance", "<r1@example.com>", SENDER, "a week", NOW, content)


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_after(lines: int, action: Callable[[], None]) -> bool:
    """Run an action in a process that is killed before it executes that many lines; whether it was."""
    child = os.fork()
    if not child:
        left = lines

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal left
            if frame.f_code.co_filename not in _TRACED:
                return None
            if event == "line":
                left -= 1
                if not left:
                    die()
            return trace

        sys.settrace(trace)
        action()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def killed_at(point: str, action: Callable[[], None]) -> bool:
    """Run an action in a process that is killed at a point with a name; whether it was."""
    child = os.fork()
    if not child:
        begin = Outbox.begin

        def begin_and_die(*arguments: Any) -> None:
            begin(*arguments)
            die()

        method, deadly = {
            "before the mark": ("begin", die),
            "after the mark": ("begin", begin_and_die),
            "before the record": ("accepted", die),
        }[point]
        setattr(Outbox, method, deadly)
        action()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def states(folder: Path) -> dict[str, str]:
    with open_outbox(folder) as outbox:
        [message] = outbox.messages()
        return {recipient.address: recipient.state.value for recipient in message.recipients}


def at_points(folder: Path, server: MailServer, points: list[str]) -> Iterator[int]:
    """Kill one sender at each of the named points."""
    for step, point in enumerate(points, start=1):
        if killed_at(point, functools.partial(send, folder / str(step), server, step)):
            yield step


def at_lines(folder: Path, server: MailServer, stride: int) -> Iterator[int]:
    """Kill one sender at every so many lines, until one comes through."""
    for step in itertools.count(1, stride):
        if not killed_after(step, functools.partial(send, folder / str(step), server, step)):
            return
        yield step


def main(folder: Path, port: int, where: list[str]) -> None:
    """Kill senders at named points, or with a number, at every so many lines; let two more come after each."""
    server = MailServer("127.0.0.1", port, Security.NONE)
    steps = at_lines(folder, server, int(where[0])) if where[0].isdigit() else at_points(folder, server, where)
    entries = []
    for step in steps:
        own = folder / str(step)
        send(own, server, step)
        send(own, server, step)
        entries.append({"step": step, "states": states(own)})
    sys.stdout.write(json.dumps(entries))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
