"""A message on its way over a real SMTP server: once to everybody, whatever the server says."""

import datetime as dt
import ssl
from dataclasses import replace

import pytest

from tests.mail.conftest import ANNA, BEN, CLARA, CONTENT, NOW, SENDER, keep, settings
from tests.mail.mail_server import HOST, PASSWORD, USER, Postmaster, Running, reserved, running
from tieout.catalog.mail_settings import MailServer, Security
from tieout.mail.deliver import deliver, retry, waiting_messages
from tieout.mail.outbox import Outbox
from tieout.mail.transport import Timeouts, without_secrets

SHORT_TIMEOUTS = Timeouts(command=5, end_of_data=0.2)


def clock() -> dt.datetime:
    return NOW


def send(outbox: Outbox, server: Running | MailServer, message_id: str | None = None) -> str | None:
    """Deliver what waits, and return what prevented it."""
    messages = outbox.messages()
    [message] = [each for each in messages if message_id in (None, each.message_id)]
    target = server.settings if isinstance(server, Running) else server
    return deliver(outbox, message, settings(target), clock=clock, timeouts=SHORT_TIMEOUTS)


def states(outbox: Outbox) -> dict[str, str]:
    [message] = outbox.messages()
    return {recipient.address: recipient.state.value for recipient in message.recipients}


def replies(outbox: Outbox) -> dict[str, str]:
    [message] = outbox.messages()
    return {recipient.address: recipient.reply for recipient in message.recipients}


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("security", [Security.STARTTLS, Security.SSL])
def test_it_arrives_over_tls_with_a_password_as_it_was_rendered(
    outbox: Outbox, postmaster: Postmaster, certificate: ssl.SSLContext, security: Security
) -> None:
    keep(outbox, ANNA, BEN)
    with running(postmaster, security=security, context=certificate) as server:
        assert send(outbox, server) is None
    assert [(each.sender, each.recipient) for each in postmaster.delivered] == [(SENDER, ANNA), (SENDER, BEN)]
    assert {each.content for each in postmaster.delivered} == {CONTENT}
    assert replies(outbox) == {ANNA: "250 queued as 1", BEN: "250 queued as 2"}


def test_it_is_sent_once_however_often_it_is_tried(outbox: Outbox, postmaster: Postmaster) -> None:
    keep(outbox, ANNA, BEN)
    with running(postmaster) as server:
        for _ in range(5):
            assert send(outbox, server) is None
            assert retry(outbox, settings(server.settings), clock=clock) == []
    assert (postmaster.copies(ANNA), postmaster.copies(BEN)) == (1, 1)


def test_a_server_that_is_down_loses_nothing(outbox: Outbox, postmaster: Postmaster) -> None:
    keep(outbox, ANNA, BEN)
    place = reserved()
    address = MailServer(HOST, place.getsockname()[1], Security.NONE)
    trouble = send(outbox, address)
    assert trouble is not None
    assert f"{HOST}:{address.port} cannot be reached" in trouble
    assert "$TIEOUT_SMTP_HOST" in trouble
    assert states(outbox) == {ANNA: "waiting", BEN: "waiting"}
    with running(postmaster, at=place):
        assert send(outbox, address) is None
    assert states(outbox) == {ANNA: "sent", BEN: "sent"}
    assert (postmaster.copies(ANNA), postmaster.copies(BEN)) == (1, 1)


def test_one_refused_recipient_keeps_nobody_else_from_the_mail(outbox: Outbox, postmaster: Postmaster) -> None:
    keep(outbox, ANNA, BEN, CLARA)
    postmaster.rcpt[BEN] = ["550 5.1.1 no such mailbox"]
    with running(postmaster) as server:
        assert send(outbox, server) is None
        assert states(outbox) == {ANNA: "sent", BEN: "refused", CLARA: "sent"}
        assert replies(outbox)[BEN] == "550 5.1.1 no such mailbox"
        send(outbox, server)
    assert states(outbox)[BEN] == "refused"
    assert postmaster.copies(BEN) == 0


def test_a_refusal_of_the_content_is_a_refusal_too(outbox: Outbox, postmaster: Postmaster) -> None:
    keep(outbox, ANNA)
    postmaster.data[ANNA] = ["552 5.3.4 message too big"]
    with running(postmaster) as server:
        send(outbox, server)
    assert (states(outbox), replies(outbox)) == ({ANNA: "refused"}, {ANNA: "552 5.3.4 message too big"})


@pytest.mark.parametrize("stage", ["rcpt", "data"])
def test_greylisting_costs_a_second_attempt_and_nothing_else(
    outbox: Outbox, postmaster: Postmaster, stage: str
) -> None:
    keep(outbox, ANNA, BEN)
    getattr(postmaster, stage)[ANNA] = ["450 4.7.1 greylisted, try again"]
    with running(postmaster) as server:
        assert send(outbox, server) is None
        assert states(outbox) == {ANNA: "waiting", BEN: "sent"}
        assert replies(outbox)[ANNA] == "450 4.7.1 greylisted, try again"
        assert waiting_messages(outbox, now=NOW) == ()
        assert retry(outbox, settings(server.settings), clock=clock) == []
        later = NOW + dt.timedelta(minutes=6)
        [posted] = retry(outbox, settings(server.settings), clock=lambda: later)
        assert posted.trouble is None
    assert states(outbox) == {ANNA: "sent", BEN: "sent"}
    assert (postmaster.copies(ANNA), postmaster.copies(BEN)) == (1, 1)


def test_a_connection_cut_before_the_end_of_the_data_is_harmless(outbox: Outbox, postmaster: Postmaster) -> None:
    keep(outbox, ANNA, BEN)
    postmaster.cut_at_data = [ANNA]
    with running(postmaster) as server:
        send(outbox, server)
        assert states(outbox) == {ANNA: "waiting", BEN: "waiting"}
        assert send(outbox, server) is None
    assert (postmaster.copies(ANNA), postmaster.copies(BEN)) == (1, 1)


@pytest.mark.parametrize("fault", ["drop", "hang"])
def test_without_an_answer_to_the_end_of_the_data_nobody_guesses(
    outbox: Outbox, postmaster: Postmaster, fault: str
) -> None:
    keep(outbox, ANNA, BEN)
    postmaster.data[ANNA] = [fault]
    with running(postmaster) as server:
        send(outbox, server)
        assert states(outbox)[ANNA] == "in doubt"
        for _ in range(3):
            send(outbox, server)
        assert states(outbox) == {ANNA: "in doubt", BEN: "sent"}
        had = postmaster.copies(ANNA)
        assert had == (1 if fault == "drop" else 0)
        outbox.send_again(outbox.messages()[0], ANNA)
        send(outbox, server)
    assert (states(outbox)[ANNA], postmaster.copies(ANNA)) == ("sent", had + 1)


def test_what_a_person_confirms_is_not_sent_again(outbox: Outbox, postmaster: Postmaster) -> None:
    keep(outbox, ANNA)
    postmaster.data[ANNA] = ["drop"]
    with running(postmaster) as server:
        send(outbox, server)
        outbox.confirm(outbox.messages()[0], ANNA)
        send(outbox, server)
    assert (states(outbox), postmaster.copies(ANNA)) == ({ANNA: "sent"}, 1)


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_is_said_without_the_password(
    outbox: Outbox, postmaster: Postmaster, certificate: ssl.SSLContext
) -> None:
    keep(outbox, ANNA)
    secret = "wrong-horse-battery"
    with running(postmaster, security=Security.STARTTLS, context=certificate) as server:
        trouble = send(outbox, replace(server.settings, password=secret)) or ""
    assert "does not accept the user and password: 535" in trouble
    assert "$TIEOUT_SMTP_PASSWORD" in trouble
    assert states(outbox) == {ANNA: "waiting"}
    assert secret not in f"{trouble} {replies(outbox)} {replace(server.settings, password=secret)!r}"


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.SSL])
def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    outbox: Outbox, postmaster: Postmaster, certificate: ssl.SSLContext, security: Security
) -> None:
    keep(outbox, ANNA)
    with running(postmaster, security=security, context=certificate) as server:
        trouble = send(outbox, server) or ""
    assert f"the certificate of {HOST}:{server.settings.port} is not trusted: unable to get local issuer" in trouble
    assert "$SSL_CERT_FILE" in trouble
    assert (states(outbox), postmaster.delivered) == ({ANNA: "waiting"}, [])


def test_a_server_without_tls_gets_nothing_unasked(outbox: Outbox, postmaster: Postmaster) -> None:
    keep(outbox, ANNA)
    with running(postmaster) as server:
        trouble = send(outbox, replace(server.settings, security=Security.STARTTLS)) or ""
    assert "does not offer STARTTLS" in trouble
    assert postmaster.delivered == []


def test_tls_where_there_is_none_is_said(outbox: Outbox, postmaster: Postmaster) -> None:
    keep(outbox, ANNA)
    with running(postmaster) as server:
        trouble = send(outbox, replace(server.settings, security=Security.SSL)) or ""
    assert "does not speak TLS as $TIEOUT_SMTP_SECURITY=ssl wants it" in trouble


@pytest.mark.usefixtures("trusted")
def test_a_server_that_asks_for_no_password_is_not_sent_one(
    outbox: Outbox, postmaster: Postmaster, certificate: ssl.SSLContext
) -> None:
    keep(outbox, ANNA)
    with running(postmaster) as server:
        trouble = send(outbox, replace(server.settings, user=USER, password=PASSWORD)) or ""
    assert "does not ask for a user and password" in trouble


def test_a_sender_that_the_server_does_not_like_costs_no_recipient(outbox: Outbox, postmaster: Postmaster) -> None:
    keep(outbox, ANNA, BEN)
    postmaster.mail = ["553 5.7.1 not your address"]
    with running(postmaster) as server:
        trouble = send(outbox, server) or ""
        assert f"does not accept mail from {SENDER}: 553 5.7.1 not your address" in trouble
        assert "$TIEOUT_MAIL_FROM" in trouble
        assert states(outbox) == {ANNA: "waiting", BEN: "waiting"}
        send(outbox, server)
    assert states(outbox) == {ANNA: "sent", BEN: "sent"}


def test_without_a_server_the_file_is_the_delivery_until_there_is_one(outbox: Outbox, postmaster: Postmaster) -> None:
    keep(outbox, ANNA)
    [message] = outbox.messages()
    assert deliver(outbox, message, settings(None), clock=clock) is None
    assert states(outbox) == {ANNA: "written"}
    with running(postmaster) as server:
        assert retry(outbox, settings(server.settings), clock=clock) == []  # never by itself
        send(outbox, server)
    assert (states(outbox), postmaster.copies(ANNA)) == ({ANNA: "sent"}, 1)


def test_what_a_server_says_is_kept_short_printable_and_without_the_password() -> None:
    server = MailServer(HOST, 25, Security.SSL, USER, PASSWORD)
    echoed = without_secrets(f"535 you said {PASSWORD},\r\nor AHRpZW91dABjb3JyZWN0LWhvcnNlLWJhdHRlcnk=\x1b[31m", server)
    assert echoed == "535 you said [password], or [password]\N{REPLACEMENT CHARACTER}[31m"
    assert len(without_secrets("x" * 5000, server)) == 200
