"""What the outbox promises whatever the mail server does: nothing twice, nothing lost, nothing decided by itself."""

import datetime as dt
import sqlite3
from pathlib import Path

import pytest

from tieout.core.periods import IsoWeek
from tieout.mail.messages import Message, RecipientState, Rendered
from tieout.mail.outbox import DATABASE_NAME, Outbox, OutboxBusyError, OutboxError, open_outbox, read_outbox

WEEK = IsoWeek.parse("2026-W46")
NOW = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)
ANNA, BEN = "anna@example.com", "ben@example.com"


def rendered(edition: str = "r1", content: bytes = b"Subject: a week\r\n\r\ntext\r\n") -> Rendered:
    return Rendered(WEEK, edition, "finance", f"<{edition}@example.com>", "t@example.com", "a week", NOW, content)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def states(message: Message) -> dict[str, str]:
    return {recipient.address: recipient.state.value for recipient in message.recipients}


def current(outbox: Outbox) -> Message:
    [message] = outbox.messages()
    return message


def test_a_message_is_kept_byte_for_byte_under_a_name_that_says_what_it_is(folder: Path) -> None:
    with open_outbox(folder) as outbox:
        message = outbox.keep(rendered(), [ANNA, BEN])
        assert message.file_name == "2026-W46-r1-finance.eml"
        assert outbox.content(message) == (folder / message.file_name).read_bytes() == rendered().content
        assert states(message) == {ANNA: "waiting", BEN: "waiting"}
        assert message.rendered_at == NOW


def test_the_state_outlives_the_process(folder: Path) -> None:
    with open_outbox(folder) as outbox:
        outbox.accepted(outbox.keep(rendered(), [ANNA]), ANNA, "250 queued")
    with read_outbox(folder) as outbox:
        [recipient] = current(outbox).recipients
    assert (recipient.state, recipient.attempts, recipient.reply) == (RecipientState.SENT, 1, "250 queued")


def test_who_was_being_sent_to_when_the_process_ended_is_in_doubt(folder: Path) -> None:
    with open_outbox(folder) as outbox:
        outbox.begin(outbox.keep(rendered(), [ANNA, BEN]), ANNA)
    with read_outbox(folder) as outbox:
        assert states(current(outbox)) == {ANNA: "sending", BEN: "waiting"}
    with open_outbox(folder) as outbox:
        assert states(current(outbox)) == {ANNA: "in doubt", BEN: "waiting"}


def test_looking_at_the_outbox_changes_nothing(folder: Path) -> None:
    with read_outbox(folder) as outbox:
        assert outbox.messages() == ()
    assert not folder.exists()


def test_two_processes_do_not_send_at_once(folder: Path) -> None:
    with open_outbox(folder), pytest.raises(OutboxBusyError, match="another process is sending"), open_outbox(folder):
        raise AssertionError("both are sending")
    with open_outbox(folder) as outbox:
        assert outbox.messages() == ()


def test_a_message_that_no_server_knows_may_be_rendered_anew(folder: Path) -> None:
    with open_outbox(folder) as outbox:
        outbox.keep(rendered(), [ANNA])
        message = outbox.keep(rendered(content=b"Subject: corrected\r\n\r\n"), [ANNA])
        assert outbox.content(message) == b"Subject: corrected\r\n\r\n"
        assert outbox.messages() == (message,)


@pytest.mark.parametrize("what", ["accepted", "refused", "doubtful", "postponed", "begin"])
def test_a_message_that_a_server_may_know_stays_as_it_is(folder: Path, what: str) -> None:
    with open_outbox(folder) as outbox:
        message = outbox.keep(rendered(), [ANNA])
        match what:
            case "begin":
                outbox.begin(message, ANNA)
            case "postponed":
                outbox.postponed(message, ANNA, "450 later", now=NOW)
            case _:
                getattr(outbox, what)(message, ANNA, "an answer")
        with pytest.raises(OutboxError, match="stays as it is"):
            outbox.keep(rendered(content=b"other"), [ANNA])
        assert outbox.content(message) == rendered().content


def test_a_file_that_somebody_changed_is_not_sent(folder: Path) -> None:
    with open_outbox(folder) as outbox:
        message = outbox.keep(rendered(), [ANNA])
        (folder / message.file_name).write_bytes(b"Subject: other figures\r\n\r\n")
        with pytest.raises(OutboxError, match="was changed since it was rendered"):
            outbox.content(message)
        (folder / message.file_name).unlink()
        with pytest.raises(OutboxError, match="cannot be read"):
            outbox.content(message)


def test_every_delay_doubles_the_pause_up_to_six_hours(folder: Path) -> None:
    pauses = []
    with open_outbox(folder) as outbox:
        outbox.keep(rendered(), [ANNA])
        for _ in range(9):
            outbox.postponed(current(outbox), ANNA, "450 later", now=NOW)
            [recipient] = current(outbox).recipients
            assert recipient.next_attempt_at is not None
            pauses.append(int((recipient.next_attempt_at - NOW).total_seconds() // 60))
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 360, 360]


def test_new_recipients_get_the_message_and_former_ones_do_not(folder: Path) -> None:
    with open_outbox(folder) as outbox:
        message = outbox.keep(rendered(), [ANNA])
        dropped = outbox.set_recipients(message, [BEN])
        assert [recipient.address for recipient in dropped] == [ANNA]
        assert states(current(outbox)) == {ANNA: "dropped", BEN: "waiting"}
        outbox.set_recipients(current(outbox), [ANNA, BEN])
        assert states(current(outbox)) == {ANNA: "waiting", BEN: "waiting"}


def test_whoever_has_the_message_keeps_it_in_the_record(folder: Path) -> None:
    with open_outbox(folder) as outbox:
        message = outbox.keep(rendered(), [ANNA, BEN])
        outbox.accepted(message, ANNA, "250 queued")
        outbox.doubtful(message, BEN, "no answer")
        assert outbox.set_recipients(current(outbox), []) == ()
        assert states(current(outbox)) == {ANNA: "sent", BEN: "in doubt"}


def test_a_newer_mail_takes_the_place_of_one_that_still_waits(folder: Path) -> None:
    with open_outbox(folder) as outbox:
        first = outbox.keep(rendered("r1"), [ANNA, BEN])
        outbox.accepted(first, ANNA, "250 queued")
        second = outbox.keep(rendered("r2"), [ANNA, BEN])
        outbox.replace_earlier(second)
        assert states(outbox.message(first.message_id)) == {ANNA: "sent", BEN: "dropped"}
        assert states(outbox.message(second.message_id)) == {ANNA: "waiting", BEN: "waiting"}


def test_a_doubt_is_decided_by_hand_either_way(folder: Path) -> None:
    with open_outbox(folder) as outbox:
        message = outbox.keep(rendered(), [ANNA, BEN])
        outbox.doubtful(message, ANNA, "no answer")
        outbox.doubtful(message, BEN, "no answer")
        outbox.confirm(current(outbox), ANNA)
        outbox.send_again(current(outbox), BEN)
        assert states(current(outbox)) == {ANNA: "sent", BEN: "waiting"}


def test_there_is_nothing_to_decide_about_who_has_it_or_is_unknown(folder: Path) -> None:
    with open_outbox(folder) as outbox:
        message = outbox.keep(rendered(), [ANNA])
        outbox.accepted(message, ANNA, "250 queued")
        for decide in (outbox.confirm, outbox.send_again):
            with pytest.raises(OutboxError, match="nothing to decide"):
                decide(current(outbox), ANNA)
            with pytest.raises(OutboxError, match=f"{BEN} is no recipient"):
                decide(current(outbox), BEN)


def test_a_state_that_is_none_is_refused_by_the_database_itself(folder: Path) -> None:
    with open_outbox(folder) as outbox:
        outbox.keep(rendered(), [ANNA])
    with sqlite3.connect(folder / DATABASE_NAME) as con, pytest.raises(sqlite3.IntegrityError):
        con.execute("update recipients set state = 'perhaps'")


def test_a_damaged_state_is_said_and_nothing_is_sent(folder: Path) -> None:
    folder.mkdir()
    (folder / DATABASE_NAME).write_bytes(b"no database" * 500)
    with pytest.raises(OutboxError, match="Restore it from a backup"), open_outbox(folder):
        raise AssertionError("opened")


def test_a_state_of_a_newer_version_is_left_alone(folder: Path) -> None:
    with open_outbox(folder) as outbox:
        outbox.keep(rendered(), [ANNA])
    with sqlite3.connect(folder / DATABASE_NAME) as con:
        con.execute("pragma user_version = 2")
    with pytest.raises(OutboxError, match="newer version"), read_outbox(folder):
        raise AssertionError("opened")
