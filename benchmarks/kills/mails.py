"""`tieout send` is killed: who gets the mail how often, by the server and by the outbox."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.commands import Command, run
from benchmarks.kills.steps import CATALOG, where
from tests.mail.mail_server import HOST, Postmaster, Running, running
from tieout.catalog.mail_settings import MAIL_FILE
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.mail.messages import RecipientState
from tieout.mail.outbox import read_outbox

READERS = 5
# A server may take so long to accept a message, and kills fall into it.
_ANSWER_SECONDS = 0.3
_SETTINGS = "timezone: UTC\nfinance: [{readers}]\noperators: [platform@example.com]\n"

ONCE, DOUBT_ARRIVED, DOUBT_LOST = "exactly once", "in doubt, arrived", "in doubt, not arrived"
TWICE, LOST = "twice", "lost"
FATES = (ONCE, DOUBT_ARRIVED, DOUBT_LOST, TWICE, LOST)
IN_DOUBT = (DOUBT_ARRIVED, DOUBT_LOST)


@dataclass(frozen=True)
class MailOffice:
    """A mail server that runs, and the workspace whose weeks are mailed."""

    server: Running

    def prepare(self, folder: Path) -> None:
        """Give the workspace its readers."""
        settings = _SETTINGS.format(readers=", ".join(self.readers))
        (folder / CATALOG / MAIL_FILE).write_text(settings, encoding="utf-8")

    def forget(self) -> None:
        """Let the server forget what it has taken so far."""
        self.server.postmaster.delivered.clear()

    @property
    def readers(self) -> tuple[str, ...]:
        """Who gets every week's mail."""
        return tuple(f"reader-{number}@example.com" for number in range(1, READERS + 1))

    def command(self, folder: Path, week: IsoWeek, *decisions: str) -> Command:
        """`tieout send` of a week."""
        variables = {"HOST": HOST, "PORT": str(self.server.settings.port), "SECURITY": "none"}
        environment = {f"TIEOUT_SMTP_{name}": value for name, value in variables.items()}
        arguments = ("send", "--week", week.label, *where(folder), *decisions)
        return Command(arguments, environment | {"TIEOUT_MAIL_FROM": "tieout@example.com"})

    def fates(self, folder: Path, week: IsoWeek) -> dict[str, str]:
        """What became of each reader's mail, by what the outbox says and what the server has."""
        copies = Counter(delivery.recipient for delivery in self.server.postmaster.delivered)
        with read_outbox(Home(folder).outbox) as outbox:
            [message] = outbox.messages(week)
        states = {recipient.address: recipient.state for recipient in message.recipients}
        return {reader: fate_of(states.get(reader), copies[reader]) for reader in self.readers}

    def decide(self, folder: Path, week: IsoWeek, fates: Mapping[str, str]) -> None:
        """Do what a person does who has asked the readers in doubt whether they have it."""
        answers = {DOUBT_ARRIVED: "--confirm", DOUBT_LOST: "--resend"}
        decisions = [(answers[fate], reader) for reader, fate in fates.items() if fate in answers]
        if decisions:
            run(self.command(folder, week, *(word for decision in decisions for word in decision)), folder)


@contextmanager
def mail_office() -> Iterator[MailOffice]:
    """A server that takes its time to accept a message."""
    postmaster = Postmaster(before_answer=lambda: time.sleep(_ANSWER_SECONDS))
    with running(postmaster) as server:
        yield MailOffice(server)


def fate_of(state: RecipientState | None, copies: int) -> str:
    """What became of a mail, by its state in the outbox and the copies that the server has; one of `FATES`."""
    if copies <= 1 and state is RecipientState.IN_DOUBT:
        return DOUBT_ARRIVED if copies else DOUBT_LOST
    if copies == 1 and state is RecipientState.SENT:
        return ONCE
    return TWICE if copies else LOST  # who has it and still waits will get it again
