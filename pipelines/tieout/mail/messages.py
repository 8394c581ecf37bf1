"""A message as it was rendered, and what became of it with each recipient."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from tieout.core.periods import IsoWeek


class RecipientState(StrEnum):
    """What became of a message with one recipient."""

    WAITING = "waiting"
    WRITTEN = "written"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    IN_DOUBT = "in doubt"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Recipient:
    """One recipient of one message.

    Attributes:
        address: theirs.
        state: as it is recorded.
        attempts: how often the message was offered to a server.
        reply: what the server answered last, or what kept it from answering; empty before the first attempt.
        next_attempt_at: when a waiting one is due (UTC); None for all others.
    """

    address: str
    state: RecipientState
    attempts: int
    reply: str
    next_attempt_at: dt.datetime | None


@dataclass(frozen=True)
class Message:
    """A message as it was rendered. The same week, edition and audience never have two.

    Attributes:
        week: the week it is about.
        edition: `r2` for the second revision of a final week, else what sets it apart from other mails of the week.
        audience: who it was rendered for.
        message_id: as in its header.
        sender: the address it comes from.
        subject: as in its header.
        sha256: of the file.
        rendered_at: UTC, to the second; its Date.
        recipients: by address.
    """

    week: IsoWeek
    edition: str
    audience: str
    message_id: str
    sender: str
    subject: str
    sha256: str
    rendered_at: dt.datetime
    recipients: tuple[Recipient, ...]

    @property
    def file_name(self) -> str:
        """`2026-W46-r1-finance.eml`."""
        return f"{self.week.label}-{self.edition}-{self.audience}.eml"

    @property
    def was_offered(self) -> bool:
        """Whether a server may know it, so that it must stay as it is."""
        fresh = (RecipientState.WAITING, RecipientState.WRITTEN, RecipientState.DROPPED)
        return any(recipient.attempts or recipient.state not in fresh for recipient in self.recipients)

    def with_state(self, *states: RecipientState) -> tuple[Recipient, ...]:
        """The recipients in one of the given states."""
        return tuple(recipient for recipient in self.recipients if recipient.state in states)


@dataclass(frozen=True)
class Rendered:
    """A message to be kept: its content with what identifies it."""

    week: IsoWeek
    edition: str
    audience: str
    message_id: str
    sender: str
    subject: str
    rendered_at: dt.datetime
    content: bytes
