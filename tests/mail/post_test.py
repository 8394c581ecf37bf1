"""What is mailed about a week, to whom, and how often."""

import datetime as dt
import email
from dataclasses import replace
from email import policy

import pytest

from tests.golden.handmade import REPORT
from tests.mail.conftest import ANNA, BEN, CLARA, NOW, WEEK, settings
from tests.mail.mail_server import Postmaster, running
from tieout.catalog.mail_settings import MailSettings
from tieout.mail.deliver import Posted, WeekReadiness, occasion_of, post, standing_of
from tieout.mail.messages import Message
from tieout.mail.outbox import Outbox
from tieout.report.contents import WeeklyReport
from tieout.report.inputs import DayState, ReportDay
from tieout.report.sections.revisions import Revision
from tieout.report.sections.tie_out import GateOutcome

ISSUED_AT = dt.datetime(2026, 11, 17, 3, 15)  # noqa: DTZ001 - naive UTC, as everywhere
OPERATOR = "ops@example.com"
FINAL = replace(
    REPORT,
    days=tuple(ReportDay(day, DayState.SETTLED) for day in WEEK.days()),
    gates=tuple(
        replace(gate, outcome=GateOutcome.PASSED) if gate.outcome is GateOutcome.BLOCKED else gate
        for gate in REPORT.gates
    ),
    revision=Revision(1, ISSUED_AT),
)


@pytest.fixture(autouse=True)
def without_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts have tests of their own and take their time."""
    monkeypatch.setattr("tieout.mail.deliver.draw_charts", lambda _: ())


def mail(outbox: Outbox, report: WeeklyReport, to: MailSettings) -> Posted:
    return post(outbox, occasion_of(report, to), to, clock=lambda: NOW)


def states(message: Message) -> dict[str, str]:
    return {recipient.address: recipient.state.value for recipient in message.recipients}


def test_a_final_week_goes_to_finance_once(outbox: Outbox, postmaster: Postmaster) -> None:
    with running(postmaster) as server:
        first = mail(outbox, FINAL, settings(server.settings))
        again = mail(outbox, FINAL, settings(server.settings))
    assert (first.is_new, again.is_new) == (True, False)
    assert states(again.message) == {ANNA: "sent", BEN: "sent"}
    assert [delivery.recipient for delivery in postmaster.delivered] == [ANNA, BEN]
    received = email.message_from_bytes(postmaster.delivered[0].content, policy=policy.default)
    assert received["Message-ID"] == "<tieout.2026-W46.r1.finance@example.com>"
    assert received["To"] == f"{ANNA}, {BEN}"
    assert postmaster.delivered[0].content == first.path.read_bytes()


def test_what_was_rendered_is_what_is_sent_later_whatever_the_report_says_by_then(
    outbox: Outbox, postmaster: Postmaster
) -> None:
    kept = mail(outbox, FINAL, settings(None)).path.read_bytes()
    with running(postmaster) as server:
        mail(outbox, replace(FINAL, method_version="2"), settings(server.settings))
    assert {delivery.content for delivery in postmaster.delivered} == {kept}


def test_a_revision_is_mailed_again_and_takes_the_place_of_what_still_waits(
    outbox: Outbox, postmaster: Postmaster
) -> None:
    postmaster.rcpt[BEN] = ["450 later"]
    revised = replace(FINAL, revision=Revision(2, ISSUED_AT, ("Avoided cost: $60.10 is now $58.50.",)))
    with running(postmaster) as server:
        first = mail(outbox, FINAL, settings(server.settings))
        second = mail(outbox, revised, settings(server.settings))
    assert states(outbox.message(first.message.message_id)) == {ANNA: "sent", BEN: "dropped"}
    assert states(second.message) == {ANNA: "sent", BEN: "sent"}
    assert ", revision 2:" in second.message.subject
    assert (postmaster.copies(ANNA), postmaster.copies(BEN)) == (2, 1)


def test_a_week_with_a_closed_gate_goes_to_operators_only_once_for_a_reason(
    outbox: Outbox, postmaster: Postmaster
) -> None:
    assert standing_of(REPORT) is WeekReadiness.BLOCKED
    with running(postmaster) as server:
        to = settings(server.settings)
        mail(outbox, REPORT, to)
        mail(outbox, replace(REPORT, method_version="2"), to)
        assert [delivery.recipient for delivery in postmaster.delivered] == [OPERATOR]
        other = tuple(replace(gate, sentence="2026-11: difference $7.00.") for gate in REPORT.gates)
        mail(outbox, replace(REPORT, gates=other), to)
    assert [delivery.recipient for delivery in postmaster.delivered] == [OPERATOR, OPERATOR]
    assert len({message.message_id for message in outbox.messages()}) == 2
    assert {message.audience for message in outbox.messages()} == {"operators"}


def test_a_week_that_is_not_issued_is_provisional_and_does_not_stand_for_the_final_one(
    outbox: Outbox, postmaster: Postmaster
) -> None:
    early = replace(FINAL, days=REPORT.days, revision=Revision(1, None))
    assert standing_of(early) is WeekReadiness.PROVISIONAL
    with running(postmaster) as server:
        mail(outbox, early, settings(server.settings))
        mail(outbox, FINAL, settings(server.settings))
    assert [message.edition for message in outbox.messages()] == ["provisional-55555555", "r1"]
    assert postmaster.copies(ANNA) == 2


def test_a_copy_for_somebody_else_is_a_message_of_its_own(outbox: Outbox, postmaster: Postmaster) -> None:
    with running(postmaster) as server:
        to = settings(server.settings)
        post(outbox, occasion_of(FINAL, to, only_to=[CLARA]), to, clock=lambda: NOW)
        assert [delivery.recipient for delivery in postmaster.delivered] == [CLARA]
        mail(outbox, FINAL, to)
    assert [delivery.recipient for delivery in postmaster.delivered] == [CLARA, ANNA, BEN]


def test_who_joins_later_gets_the_same_mail(outbox: Outbox, postmaster: Postmaster) -> None:
    with running(postmaster) as server:
        to = settings(server.settings)
        mail(outbox, FINAL, to)
        posted = mail(outbox, FINAL, replace(to, finance=(ANNA, CLARA)))
    assert states(posted.message) == {ANNA: "sent", BEN: "sent", CLARA: "sent"}
    assert postmaster.copies(CLARA) == 1
    assert len({delivery.content for delivery in postmaster.delivered}) == 1


def test_who_leaves_before_getting_it_is_dropped_and_named(outbox: Outbox) -> None:
    mail(outbox, FINAL, settings(None))
    posted = mail(outbox, FINAL, replace(settings(None), finance=(ANNA,)))
    assert [recipient.address for recipient in posted.dropped] == [BEN]
    assert states(posted.message) == {ANNA: "written", BEN: "dropped"}


def test_a_mail_that_was_only_written_takes_the_sender_that_is_set_later(
    outbox: Outbox, postmaster: Postmaster
) -> None:
    mail(outbox, FINAL, replace(settings(None), sender="tieout@localhost"))
    with running(postmaster) as server:
        posted = mail(outbox, FINAL, settings(server.settings))
    assert posted.is_new
    assert len(outbox.messages()) == 1
    assert {delivery.sender for delivery in postmaster.delivered} == {"tieout@example.com"}
    assert states(posted.message) == {ANNA: "sent", BEN: "sent"}


def test_without_anybody_to_send_to_the_mail_is_still_kept(outbox: Outbox) -> None:
    posted = mail(outbox, FINAL, replace(settings(None), finance=()))
    assert posted.message.recipients == ()
    assert posted.path.exists()
