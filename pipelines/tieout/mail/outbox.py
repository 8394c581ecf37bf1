"""The outbox: every message as it was rendered, once, and what became of it with each recipient.

`outbox/<week>-<edition>-<audience>.eml` is the message, `outbox/outbox.sqlite` the state. SQLite, because the state has
to survive a warehouse that is built anew, and because every change has to be on the disk before the next step is taken
(docs/decisions/0006-the-outbox.md). A change of state is one transaction.

A recipient is *sending* from just before the end of the data until the server's answer is recorded. Whoever is found
in that state when the outbox is opened is *in doubt*: a process ended before it knew the answer.
"""

import datetime as dt
import hashlib
import re
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from tieout.core.errors import TieoutError
from tieout.core.files import make_folder, write_whole
from tieout.core.locks import LockedError, only_process
from tieout.core.periods import IsoWeek
from tieout.core.sql import transaction
from tieout.mail.messages import Message, Recipient, RecipientState, Rendered

DATABASE_NAME = "outbox.sqlite"
_LOCK_NAME = "outbox.lock"
_RESTORE = "Restore it from a backup."
_FIRST_PAUSE = dt.timedelta(minutes=5)
_LONGEST_PAUSE = dt.timedelta(hours=6)


class OutboxError(TieoutError):
    """The outbox cannot be used as it was meant."""


class OutboxBusyError(OutboxError):
    """Another process is sending."""


@contextmanager
def open_outbox(folder: Path) -> Iterator["Outbox"]:
    """Open the outbox to send from it; one process at a time can.

    Raises:
        OutboxBusyError: another process is sending.
        OutboxError: the state cannot be read.
    """
    make_folder(folder)
    try:
        path = folder / DATABASE_NAME
        with only_process(folder / _LOCK_NAME), _damage_explained(path), closing(_connect(path)) as con:
            outbox = Outbox(folder, con)
            outbox.doubt_what_was_interrupted()
            yield outbox
    except LockedError:
        raise OutboxBusyError(
            f"another process is sending from {folder}",
            remedy="It does this work; look at `tieout outbox` when it is done.",
        ) from None


@contextmanager
def read_outbox(folder: Path) -> Iterator["Outbox"]:
    """Open the outbox to look at it, also while a process is sending.

    Raises:
        OutboxError: the state cannot be read.
    """
    path = folder / DATABASE_NAME
    with _damage_explained(path), closing(_connect(path if path.exists() else Path(":memory:"))) as con:
        yield Outbox(folder, con)


@contextmanager
def _damage_explained(path: Path) -> Iterator[None]:
    """Word what SQLite says of a page that the disk has lost; a lock or a full disk is no damage."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise
        raise OutboxError(f"{path} is damaged ({error})", remedy=_RESTORE) from None


class Outbox:
    """Messages and their recipients; times are UTC."""

    def __init__(self, folder: Path, con: sqlite3.Connection) -> None:
        """Work on an open state; the connection stays the caller's to close."""
        self.folder = folder
        self._con = con

    # Messages

    def keep(self, rendered: Rendered, recipients: Sequence[str]) -> Message:
        """Keep a message, its file first; the row makes it count.

        A message of the same week, edition and audience gives way, which it may as long as no server knows it.

        Raises:
            OutboxError: a server knows the other one.
        """
        before = self.find(rendered.week, rendered.edition, rendered.audience)
        if before is not None and before.was_offered:
            raise OutboxError(f"{before.file_name} was offered to a mail server already and stays as it is")
        name = f"{rendered.week.label}-{rendered.edition}-{rendered.audience}.eml"
        write_whole(self.folder / name, rendered.content)
        with self._transaction():
            if before is not None:
                self._con.execute("delete from messages where message_id = ?", (before.message_id,))
            self._con.execute(
                "insert into messages values (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    rendered.message_id,
                    rendered.week.label,
                    rendered.edition,
                    rendered.audience,
                    rendered.sender,
                    rendered.subject,
                    hashlib.sha256(rendered.content).hexdigest(),
                    _text(rendered.rendered_at),
                ),
            )
            self._insert(rendered.message_id, recipients)
        return self.message(rendered.message_id)

    def message(self, message_id: str) -> Message:
        """Return a message by its id, as it stands now.

        Raises:
            OutboxError: there is none.
        """
        for message in self._messages("where message_id = ?", (message_id,)):
            return message
        raise OutboxError(f"{self.folder} has no message {message_id}")

    def find(self, week: IsoWeek, edition: str, audience: str) -> Message | None:
        """Return the message of a week, edition and audience; None when none was rendered."""
        where = "where week = ? and edition = ? and audience = ?"
        return next(iter(self._messages(where, (week.label, edition, audience))), None)

    def find_edition(self, edition: str, audience: str) -> Message | None:
        """Return the message of an edition and audience, of whichever week; None when none was rendered."""
        return next(iter(self._messages("where edition = ? and audience = ?", (edition, audience))), None)

    def messages(self, week: IsoWeek | None = None) -> tuple[Message, ...]:
        """Return all messages, or those of one week, in the order in which they were rendered."""
        return self._messages("where week = coalesce(?, week)", (None if week is None else week.label,))

    def content(self, message: Message) -> bytes:
        """Return the message as it was rendered, byte for byte.

        Raises:
            OutboxError: the file is gone, or is not what was rendered.
        """
        path = self.folder / message.file_name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise OutboxError(f"{path} cannot be read ({error.strerror})", remedy=_RESTORE) from None
        if hashlib.sha256(content).hexdigest() != message.sha256:
            raise OutboxError(f"{path} was changed since it was rendered, so it is not sent", remedy=_RESTORE)
        return content

    # Recipients

    def set_recipients(self, message: Message, addresses: Sequence[str]) -> tuple[Recipient, ...]:
        """Add who is new, drop who has nothing yet and is gone, and return those who were dropped."""
        known = {recipient.address: recipient for recipient in message.recipients}
        gone = [
            recipient
            for recipient in message.with_state(RecipientState.WAITING, RecipientState.WRITTEN)
            if recipient.address not in addresses
        ]
        back = [known[a] for a in addresses if a in known and known[a].state is RecipientState.DROPPED]
        with self._transaction():
            self._insert(message.message_id, [address for address in addresses if address not in known])
            for recipient in gone:
                self._set(message, recipient.address, RecipientState.DROPPED, reply="no longer a recipient")
            for recipient in back:
                self._set(message, recipient.address, RecipientState.WAITING, reply=recipient.reply)
        return tuple(gone)

    def replace_earlier(self, message: Message) -> None:
        """Drop who still waits for an earlier mail to the same audience about the same week; this one replaces it."""
        with self._transaction():
            for earlier in self.messages(message.week):
                if earlier.audience != message.audience or earlier.message_id == message.message_id:
                    continue
                for recipient in earlier.with_state(RecipientState.WAITING, RecipientState.WRITTEN):
                    self._set(earlier, recipient.address, RecipientState.DROPPED, reply=f"replaced: {message.edition}")

    def write(self, message: Message, addresses: Collection[str]) -> None:
        """Record that nothing is sent to some because no server is set; the file is the delivery."""
        with self._transaction():
            for recipient in message.with_state(RecipientState.WAITING):
                if recipient.address not in addresses:
                    continue
                self._set(message, recipient.address, RecipientState.WRITTEN, reply=recipient.reply)

    def begin(self, message: Message, address: str) -> None:
        """Record, on the disk, that the end of the data is about to be sent."""
        self._set(message, address, RecipientState.SENDING, reply="")

    def accepted(self, message: Message, address: str, reply: str) -> None:
        """Record the server's acceptance."""
        self._tried(message, address, RecipientState.SENT, reply)

    def refused(self, message: Message, address: str, reply: str) -> None:
        """Record the server's refusal for good."""
        self._tried(message, address, RecipientState.REFUSED, reply)

    def doubtful(self, message: Message, address: str, reply: str) -> None:
        """Record that the server may have it, or not."""
        self._tried(message, address, RecipientState.IN_DOUBT, reply)

    def postponed(self, message: Message, address: str, reply: str, *, now: dt.datetime) -> None:
        """Record that it does not have the message yet; the pause doubles with every attempt, to six hours at most."""
        attempts = next(each.attempts for each in message.recipients if each.address == address)
        pause = min(_FIRST_PAUSE * 2 ** min(attempts, 10), _LONGEST_PAUSE)
        self._tried(message, address, RecipientState.WAITING, reply, next_attempt_at=now + pause)

    def confirm(self, message: Message, address: str) -> None:
        """Record by hand that a recipient in doubt has the message."""
        self._require(message, address, RecipientState.IN_DOUBT)
        self._set(message, address, RecipientState.SENT, reply="confirmed by hand")

    def send_again(self, message: Message, address: str) -> None:
        """Decide by hand that a recipient in doubt, or one that was refused, is to be tried again.

        Raises:
            OutboxError: they have it, or nothing was tried yet.
        """
        self._require(message, address, RecipientState.IN_DOUBT, RecipientState.REFUSED)
        self._set(message, address, RecipientState.WAITING, reply="to be sent again, decided by hand")

    def doubt_what_was_interrupted(self) -> None:
        """Put in doubt who was being sent to when a process ended."""
        with self._transaction():
            for message in self.messages():
                for recipient in message.with_state(RecipientState.SENDING):
                    self.doubtful(message, recipient.address, "the sending process ended before the server's answer")

    # Weeks

    def looked_at(self) -> dict[IsoWeek, str]:
        """Return the weeks that were looked at by themselves, with the hash of what the report was made of then."""
        return {IsoWeek.parse(week): digest for week, digest in self._con.execute("select * from looks").fetchall()}

    def look(self, week: IsoWeek, report_hash: str) -> None:
        """Record that a week's report was considered, and everything due to it rendered."""
        self._con.execute("insert or replace into looks values (?, ?)", (week.label, report_hash))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        is_part_of_another = self._con.in_transaction
        with nullcontext() if is_part_of_another else transaction(self._con, begin="begin immediate"):
            yield

    def _messages(self, where: str, parameters: Sequence[object]) -> tuple[Message, ...]:
        rows = self._con.execute(
            f"select {_MESSAGE} from messages {where} order by rendered_at, week, edition, audience",  # noqa: S608
            parameters,
        ).fetchall()
        return tuple(
            Message(
                IsoWeek.parse(week), edition, audience, message_id, sender, subject, sha256, _time(rendered_at),
                self._recipients(message_id),
            )
            for message_id, week, edition, audience, sender, subject, sha256, rendered_at in rows
        )  # fmt: skip

    def _recipients(self, message_id: str) -> tuple[Recipient, ...]:
        rows = self._con.execute(
            "select address, state, attempts, reply, next_attempt_at from recipients where message_id = ? order by 1",
            (message_id,),
        ).fetchall()
        return tuple(
            Recipient(address, RecipientState(state), attempts, reply, None if due is None else _time(due))
            for address, state, attempts, reply, due in rows
        )

    def _insert(self, message_id: str, addresses: Sequence[str]) -> None:
        self._con.executemany(
            "insert into recipients values (?, ?, ?, 0, '', null)",
            [(message_id, address, RecipientState.WAITING) for address in addresses],
        )

    def _set(self, message: Message, address: str, state: RecipientState, *, reply: str) -> None:
        self._con.execute(
            "update recipients set state = ?, reply = ?, next_attempt_at = null where message_id = ? and address = ?",
            (state, reply, message.message_id, address),
        )

    def _tried(
        self,
        message: Message,
        address: str,
        state: RecipientState,
        reply: str,
        *,
        next_attempt_at: dt.datetime | None = None,
    ) -> None:
        self._con.execute(
            "update recipients set state = ?, reply = ?, next_attempt_at = ?, attempts = attempts + 1 "
            "where message_id = ? and address = ?",
            (state, reply, next_attempt_at and _text(next_attempt_at), message.message_id, address),
        )

    def _require(self, message: Message, address: str, *states: RecipientState) -> None:
        found = next((each for each in message.recipients if each.address == address), None)
        if found is None:
            known = ", ".join(each.address for each in message.recipients) or "nobody"
            raise OutboxError(f"{address} is no recipient of {message.file_name}; it goes to {known}")
        if found.state not in states:
            raise OutboxError(
                f"{message.file_name} is {found.state} for {address}, not {' or '.join(states)}: nothing to decide"
            )


_MESSAGE = "message_id, week, edition, audience, sender, subject, sha256, rendered_at"
_VERSION = 1
_DDL = """
create table if not exists messages (
    message_id text primary key,
    week text not null,
    edition text not null,
    audience text not null,
    sender text not null,
    subject text not null,
    sha256 text not null,
    rendered_at text not null,
    unique (week, edition, audience)
) strict;
create table if not exists recipients (
    message_id text not null references messages on delete cascade,
    address text not null,
    state text not null check (
        state in ('waiting', 'written', 'sending', 'sent', 'refused', 'in doubt', 'dropped')
    ),
    attempts integer not null,
    reply text not null,
    next_attempt_at text,
    primary key (message_id, address)
) strict;
create table if not exists looks (
    week text primary key,
    report_hash text not null
) strict;
"""


def _connect(path: Path) -> sqlite3.Connection:
    con = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        [(version,)] = con.execute("pragma user_version").fetchall()
        if version == 0:
            con.execute("pragma journal_mode = wal")
            con.executescript(f"begin immediate; {_DDL} pragma user_version = {_VERSION}; commit;")
        con.execute("pragma synchronous = full")
        con.execute("pragma foreign_keys = on")
    except sqlite3.DatabaseError as error:
        con.close()
        raise OutboxError(f"{path} cannot be read ({error})", remedy=_RESTORE) from None
    if version > _VERSION:
        con.close()
        raise OutboxError(f"{path} was written by a newer version of Tieout", remedy="Install that one.")
    return con


def _text(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(re.sub("Z$", "+00:00", text))
