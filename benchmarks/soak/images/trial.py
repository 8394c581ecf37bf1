"""Takes images of a step, runs it again on each, and compares."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from unittest.mock import patch

from benchmarks.kills.contents import Contents, differences, exactly
from benchmarks.kills.mails import ONCE, fate_of
from benchmarks.rows import ROOT
from benchmarks.soak.images.steps import Starts, take
from benchmarks.soak.images.watch import stops
from benchmarks.workspaces import copy
from tests.mail.mail_server import HOST, Postmaster, running
from tieout.core.home import Home
from tieout.mail.messages import RecipientState
from tieout.mail.outbox import open_outbox, read_outbox

Copies = Counter[tuple[str, str]]
"""How many copies of a message, by its id, a recipient has."""

SHARES = {"run": 0.25, "correct": 0.25, "publish": 0.1, "issue": 0.15, "send": 0.25}
"""Of the images, by step."""

_ANSWERED_SECONDS = 0.05


@dataclass
class Imaged:
    """What came of the images of a step.

    Attributes:
        step: which.
        images: how many were tried.
        stops: how often the process was stopped, each time because files had changed.
        found: what was not as it has to be.
    """

    step: str
    images: int = 0
    stops: int = 0
    found: list[str] = field(default_factory=list)


def trial(step: str, root: Path, images: int, *, seed: int = 1) -> Imaged:
    """Take so many images of a step, spread over its changes, and run the step again on each.

    Args:
        step: one of `steps.STEPS`.
        root: where starts are kept, and images while they are tried.
        images: how many.
        seed: of the stops that are taken.

    Raises:
        RuntimeError: the step fails, or could not be stopped.
    """
    starts, imaged = Starts.made(root / "starts"), Imaged(step)
    with _taking(step, starts, root / "whole") as (whole, taken, process):
        imaged.stops = sum(1 for _ in stops(process, whole))
        expected = exactly(Home(whole))
        imaged.found += _wrong(whole, _copies(taken)) if step == "send" else ()
    if not imaged.stops:
        raise RuntimeError(f"{step} ended before it could be stopped, so no image of it was taken")
    while imaged.images < images:
        chance = random.Random(f"{step} {seed} {imaged.images}")
        chosen = frozenset(chance.sample(range(imaged.stops), min(images - imaged.images, imaged.stops)))
        with _taking(step, starts, root / "imaged") as (folder, taken, process):
            for number, _ in enumerate(stops(process, folder)):
                if number in chosen:
                    imaged.images += 1
                    problems = _tried(step, folder, root / "image", expected, taken)
                    imaged.found += [f"{step}, image at stop {number} of {imaged.stops}: {each}" for each in problems]
    return imaged


def _tried(step: str, folder: Path, image: Path, expected: Contents, taken: Postmaster) -> Iterator[str]:
    """Copy a workspace whose process is stopped, run the step again, and name what is not as expected."""
    with _folder(image):
        copy(folder, image)
        try:
            yield from _mailed(image, taken) if step == "send" else _same(step, image, expected)
        except Exception as error:  # whatever a rerun raises is what this looks for
            yield f"{type(error).__name__}: {error}"


def _same(step: str, image: Path, expected: Contents) -> Iterator[str]:
    take(step, image)
    yield from differences(expected, exactly(Home(image)))


def _mailed(image: Path, taken: Postmaster) -> Iterator[str]:
    """Send again, and once more when a person has decided about whom it is in doubt."""
    time.sleep(_ANSWERED_SECONDS)  # what was sent before the process was stopped arrives
    before = _copies(taken)
    with _server() as (again, environment), patch.dict(os.environ, environment):
        take("send", image)
        if _decide(image, before + _copies(again)):
            take("send", image)
        yield from _wrong(image, before + _copies(again))


def _decide(folder: Path, copies: Copies) -> bool:
    """Do what a person does who has asked the readers in doubt whether they have the mail: tell if one has not."""
    sends_again = False
    with open_outbox(Home(folder).outbox) as outbox:
        for message in outbox.messages():
            for recipient in message.with_state(RecipientState.IN_DOUBT):
                has_it = copies[message.message_id, recipient.address] > 0
                (outbox.confirm if has_it else outbox.send_again)(message, recipient.address)
                sends_again |= not has_it
    return sends_again


def _wrong(folder: Path, copies: Copies) -> Iterator[str]:
    """Everybody whose mail has not gone out exactly once."""
    with read_outbox(Home(folder).outbox) as outbox:
        messages = outbox.messages()
    known = {(message.message_id, recipient.address) for message in messages for recipient in message.recipients}
    yield from (f"{mail} to {reader}: no such mail in the outbox" for mail, reader in copies.keys() - known)
    for message in messages:
        for recipient in message.recipients:
            fate = fate_of(recipient.state, copies[message.message_id, recipient.address])
            if fate != ONCE:
                yield f"{message.week.label} to {recipient.address}: {fate}"


def _copies(postmaster: Postmaster) -> Copies:
    return Counter(
        (str(message_from_bytes(each.content)["Message-ID"]), each.recipient) for each in postmaster.delivered
    )


@contextmanager
def _taking(step: str, starts: Starts, folder: Path) -> Iterator[tuple[Path, Postmaster, "subprocess.Popen[bytes]"]]:
    """Prepare a workspace, and take a step in a process of its own: the folder, its mail server, and the process.

    Raises:
        RuntimeError: the step fails.
    """
    with _folder(folder), _server() as (taken, environment):
        starts.prepare(step, folder)
        line = [sys.executable, "-m", "benchmarks.soak.images.steps", step, str(folder)]
        process = subprocess.Popen(line, env={**os.environ, **environment}, cwd=ROOT)
        try:
            yield folder, taken, process
            if process.wait():
                raise RuntimeError(f"{step} ended with {process.returncode}")
        finally:
            process.kill()
            process.wait()


@contextmanager
def _server() -> Iterator[tuple[Postmaster, Mapping[str, str]]]:
    """A mail server, and how to reach it."""
    with running(Postmaster()) as server:
        variables = {"HOST": HOST, "PORT": str(server.settings.port), "SECURITY": "none"}
        environment = {f"TIEOUT_SMTP_{name}": value for name, value in variables.items()}
        yield server.postmaster, environment | {"TIEOUT_MAIL_FROM": "tieout@example.com"}


@contextmanager
def _folder(path: Path) -> Iterator[Path]:
    """An empty folder, which is gone afterwards."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
