"""Operators are told once of each trouble, by mail and to a webhook, and once a day of what is open."""

import datetime as dt
import email
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from email import policy
from pathlib import Path

import pytest

from tests.mail.conftest import ANNA, BEN, SENDER
from tests.mail.mail_server import HOST, Postmaster, running
from tests.mail.webhook_server import SECRET, Hook, hooked
from tieout.catalog.mail_settings import (
    WEBHOOKS_VARIABLE,
    MailServer,
    MailSettings,
    MailSettingsError,
    load_mail_settings,
)
from tieout.catalog.settings import AlertKind
from tieout.mail.alerts import Alert, tell
from tieout.mail.deliver import Posted
from tieout.mail.messages import RecipientState
from tieout.mail.outbox import Outbox

MORNING = dt.datetime(2026, 11, 23, 7, 30, tzinfo=dt.UTC)
PULL = Alert(AlertKind.PULL, "run 1", "the pull has failed", "Modal cannot be reached.", "`tieout ui` shows the run.")
DAY = Alert(AlertKind.UNUSUAL_DAY, "f 2026-11-20", "an unusual day of f", "f cost $90.00.", "Look at it.")


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooked() as hook:
        yield hook


@pytest.fixture
def server(postmaster: Postmaster) -> Iterator[MailServer]:
    with running(postmaster) as server:
        yield server.settings


@pytest.fixture
def settings(hook: Hook, server: MailServer, tmp_path: Path) -> MailSettings:
    read = load_mail_settings(tmp_path / "none", {WEBHOOKS_VARIABLE: hook.url})
    return replace(read, operators=(ANNA, BEN), sender=SENDER, server=server)


def told(
    outbox: Outbox,
    settings: MailSettings,
    *alerts: Alert,
    now: dt.datetime = MORNING,
    open_items: Sequence[str] = (),
) -> list[Posted]:
    return tell(
        outbox,
        alerts,
        settings,
        programme="CORAL-X",
        open_items=open_items,
        digest_hour=8,
        clock=lambda: now,
    )


def states(outbox: Outbox, settings: MailSettings) -> list[RecipientState]:
    [webhook] = settings.webhooks
    return [each.state for m in outbox.messages() for each in m.recipients if each.address == webhook.name]


def test_an_alert_is_said_once_by_mail_and_webhook(
    outbox: Outbox, settings: MailSettings, postmaster: Postmaster, hook: Hook
) -> None:
    for hours in (0, 0.25, 24 * 9):
        told(outbox, settings, PULL, now=MORNING + dt.timedelta(hours=hours) - dt.timedelta(hours=1))
    assert [postmaster.copies(ANNA), postmaster.copies(BEN), len(hook.posted)] == [1, 1, 1]
    [posted] = hook.posted
    message = email.message_from_bytes(postmaster.delivered[0].content, policy=policy.default)
    body = message.get_body()
    assert body is not None
    assert posted["title"] == message["Subject"] == "Tieout · CORAL-X · the pull has failed"
    for text in (posted["message"], body.get_content()):
        assert "Modal cannot be reached.\nWhat to do: `tieout ui` shows the run." in text.replace("\r\n", "\n")
    assert "\r" not in posted["message"]


def test_another_trouble_of_the_same_kind_is_said_too(outbox: Outbox, settings: MailSettings, hook: Hook) -> None:
    told(outbox, settings, PULL)
    told(outbox, settings, replace(PULL, occurrence="run 7"), DAY)
    assert len(hook.posted) == 3


def test_a_webhook_that_answers_with_an_error_is_asked_again_and_gets_it_once(
    outbox: Outbox, settings: MailSettings, postmaster: Postmaster, hook: Hook
) -> None:
    hook.answers += [503]
    [posted] = told(outbox, settings, PULL)
    assert posted.trouble is not None and "answered with error 503" in posted.trouble
    assert states(outbox, settings) == [RecipientState.WAITING]
    for minutes in (1, 6, 11):
        told(outbox, settings, PULL, now=MORNING + dt.timedelta(minutes=minutes))
    assert states(outbox, settings) == [RecipientState.SENT]
    assert [len(hook.posted), postmaster.copies(ANNA)] == [1, 1]


def test_a_webhook_that_is_not_there_waits_and_keeps_the_mail_from_nobody(
    outbox: Outbox, settings: MailSettings, postmaster: Postmaster
) -> None:
    [webhook] = settings.webhooks
    gone = replace(settings, webhooks=(replace(webhook, url=f"json://{HOST}:9/{SECRET}"),))
    [posted] = told(outbox, gone, PULL)
    assert posted.trouble == f"{webhook.name} cannot be reached"
    assert states(outbox, settings) == [RecipientState.WAITING]
    assert postmaster.copies(ANNA) == 1


def test_a_webhook_that_takes_it_without_an_answer_is_in_doubt_and_not_asked_again(
    outbox: Outbox, settings: MailSettings, hook: Hook
) -> None:
    hook.answers += [0]
    for hours in (0, 24):
        told(outbox, settings, PULL, now=MORNING - dt.timedelta(hours=1) + dt.timedelta(hours=hours))
    assert states(outbox, settings) == [RecipientState.IN_DOUBT]
    assert len(hook.posted) == 1


def test_a_url_that_apprise_does_not_know_is_refused(outbox: Outbox, settings: MailSettings) -> None:
    [webhook] = settings.webhooks
    [posted] = told(outbox, replace(settings, webhooks=(replace(webhook, url=f"nonsense://{SECRET}"),)), PULL)
    assert posted.trouble is not None and f"correct ${WEBHOOKS_VARIABLE}" in posted.trouble
    assert states(outbox, settings) == [RecipientState.REFUSED]


def test_without_a_mail_server_the_webhook_is_told_and_the_mail_is_a_file(
    outbox: Outbox, settings: MailSettings, hook: Hook
) -> None:
    [posted] = told(outbox, replace(settings, server=None), PULL)
    assert {each.address: each.state for each in posted.message.recipients} == {
        ANNA: RecipientState.WRITTEN,
        BEN: RecipientState.WRITTEN,
        settings.webhooks[0].name: RecipientState.SENT,
    }
    assert len(hook.posted) == 1


def test_the_digest_lists_what_is_open_once_a_day(
    outbox: Outbox, settings: MailSettings, postmaster: Postmaster, hook: Hook
) -> None:
    for minutes in (0, 30, 45, 60):
        told(
            outbox,
            settings,
            PULL,
            DAY,
            now=MORNING + dt.timedelta(minutes=minutes),
            open_items=["2026-W46 is held back."],
        )
    *_, digest = hook.posted
    assert len(hook.posted) == 3
    assert digest["title"] == "Tieout · CORAL-X · 3 things to look at"
    assert all(
        part in digest["message"] for part in ("the pull has failed", "f cost $90.00.", "2026-W46 is held back.")
    )
    told(outbox, settings, DAY, now=MORNING + dt.timedelta(days=1, hours=1))
    assert hook.posted[-1]["title"] == "Tieout · CORAL-X · 1 thing to look at"
    assert postmaster.copies(ANNA) == len(hook.posted) == 4


def test_on_a_day_on_which_nothing_is_open_there_is_no_digest(
    outbox: Outbox, settings: MailSettings, hook: Hook
) -> None:
    assert told(outbox, settings, now=MORNING + dt.timedelta(hours=1)) == []
    assert hook.posted == []


def test_the_url_is_a_secret_that_no_file_and_no_text_has(outbox: Outbox, settings: MailSettings, hook: Hook) -> None:
    hook.answers += [503]
    said = repr(told(outbox, settings, PULL, DAY)) + repr(settings)
    said += "".join(path.read_bytes().decode("latin-1") for path in outbox.folder.iterdir())
    assert SECRET not in said
    with pytest.raises(MailSettingsError) as refused:
        load_mail_settings(outbox.folder, {WEBHOOKS_VARIABLE: f"{hook.url} hooks.example.com/{SECRET}"})
    assert "URL 2 is none of Apprise's" in str(refused.value) and SECRET not in str(refused.value)


def test_what_alerts_nobody_does_not_import_apprise() -> None:
    code = "import sys, tieout.cli.send, tieout.cli.run; sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
