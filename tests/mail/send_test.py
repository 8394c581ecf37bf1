"""`tieout send` and `tieout outbox` on a workspace, with the mail server that the environment names."""

import email
import re
import ssl
from collections.abc import Iterator
from decimal import Decimal
from email import policy
from email.message import EmailMessage
from pathlib import Path

import duckdb
import pytest

from tests.conftest import FIRST_WEEK, LAST_WEEK, Tieout
from tests.mail.mail_server import HOST, PASSWORD, USER, Postmaster, running
from tieout.catalog.mail_settings import Security
from tieout.core.home import Home
from tieout.core.money import format_usd
from tieout.mail.compose import LARGEST_HTML
from tieout.mail.outbox import open_outbox

FINANCE, OPERATORS = "finance@example.com", "platform@example.com"


@pytest.fixture
def served(
    postmaster: Postmaster, certificate: ssl.SSLContext, trusted: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Postmaster]:
    """The environment names a server with TLS and a password; it runs."""
    with running(postmaster, security=Security.STARTTLS, context=certificate) as server:
        variables = {"HOST": HOST, "PORT": str(server.settings.port), "USER": USER, "PASSWORD": PASSWORD}
        for name, value in variables.items():
            monkeypatch.setenv(f"TIEOUT_SMTP_{name}", value)
        monkeypatch.setenv("TIEOUT_MAIL_FROM", "tieout@example.com")
        yield postmaster


def change(home: Home, *statements: str) -> None:
    """Change the warehouse in a way that no landed file could, to see what the mail makes of it."""
    with duckdb.connect(home.warehouse) as con:
        for statement in statements:
            con.execute(statement)


def unsettle(home: Home) -> None:
    """Take back the issue of the last week, and with it what was known of its last day."""
    change(
        home,
        f"delete from meta.closings where week = '{LAST_WEEK}'",
        "update staging.billing_intervals set is_settled = false where hour >= '2026-10-25'",
    )


def close_a_gate(home: Home) -> None:
    change(home, "update reconciliation.months set bill_difference_usd = 1.25")


def received(postmaster: Postmaster) -> EmailMessage:
    [delivery] = postmaster.delivered
    message = email.message_from_bytes(delivery.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def test_straight_after_the_demo_the_mail_is_a_file(workspace: Home, tieout: Tieout) -> None:
    said = tieout("send", "--home", workspace.root)
    file = workspace.outbox / f"{LAST_WEEK}-r1-finance.eml"
    assert (said.code, said.err) == (0, "")
    assert str(file) in said.out
    assert "Not sent: no SMTP server is configured ($TIEOUT_SMTP_HOST)" in said.out
    content = file.read_bytes()
    assert tieout("send", "--home", workspace.root, "--week", LAST_WEEK).code == 0
    assert file.read_bytes() == content
    assert len(list(workspace.outbox.glob("*.eml"))) == 1
    shown = tieout("outbox", "--home", workspace.root)
    assert shown.code == 0
    assert re.search(rf"{FINANCE}\s+written\s+0", shown.out)


def test_the_mail_arrives_once_and_its_totals_are_those_of_the_warehouse(
    workspace: Home, tieout: Tieout, served: Postmaster
) -> None:
    said = tieout("send", "--home", workspace.root)
    again = tieout("send", "--home", workspace.root)
    assert (said.code, said.err, again.code, again.err) == (0, "", 0, "")
    message = received(served)
    with duckdb.connect(workspace.warehouse, read_only=True) as con:
        [(spent,)] = con.execute(
            "select sum(amount_usd) from spend.hourly where hour >= '2026-10-19' and hour < '2026-10-26'"
        ).fetchall()
        [(avoided,)] = con.execute(f"select sum(avoided_usd) from savings.ledger where week = '{LAST_WEEK}'").fetchall()
    assert isinstance(spent, Decimal)
    assert isinstance(avoided, Decimal)
    html, text = part(message, "html"), part(message, "plain")
    assert len(html.encode()) <= LARGEST_HTML
    assert re.search(rf"Spent<.*?{re.escape(format_usd(spent))}<", html, flags=re.DOTALL)
    assert f"{format_usd(spent)} billed, {format_usd(spent)} attributed" in " ".join(text.split())
    assert format_usd(avoided) in str(message["Subject"])
    cids = set(re.findall(r"cid:([^\"]+)", html))
    assert cids == {str(each["Content-ID"]).strip("<>") for each in message.walk() if each["Content-ID"]}
    assert [each.get_filename() for each in message.iter_attachments()] == [
        f"tieout-{LAST_WEEK}.pdf",
        f"tieout-{LAST_WEEK}.xlsx",
    ]
    everything = f"{said.out}{said.err}{(workspace.outbox / 'outbox.sqlite').read_bytes()!r}"
    assert PASSWORD not in everything


def test_a_dry_run_shows_the_mail_and_changes_nothing(
    workspace: Home, tieout: Tieout, served: Postmaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    said = tieout("send", "--dry-run", "--home", workspace.root)
    assert (said.code, said.err) == (0, "")
    assert f"To: {FINANCE}" in said.out
    [page] = tmp_path.glob("tieout-*/mail.html")
    assert str(page) in said.out
    assert "cid:" not in page.read_text(encoding="utf-8")
    assert page.with_name("mail.eml").exists()
    assert served.delivered == []
    assert not workspace.outbox.exists()


def test_a_week_that_is_not_final_goes_out_only_when_that_is_said(
    workspace: Home, tieout: Tieout, served: Postmaster
) -> None:
    unsettle(workspace)
    refused = tieout("send", "--week", LAST_WEEK, "--home", workspace.root)
    assert refused.code == 1
    assert f"{LAST_WEEK} is not final, so it is not mailed. Days: 6 settled and 1 provisional." in refused.err
    assert "--provisional" in refused.err
    assert served.delivered == []
    assert tieout("send", "--week", LAST_WEEK, "--provisional", "--home", workspace.root).code == 0
    message = received(served)
    assert "(provisional)" in str(message["Subject"])
    assert "may still move" in part(message, "html")
    newest_final = tieout("send", "--home", workspace.root)
    assert newest_final.code == 0
    assert f"{FIRST_WEEK}-r1-finance.eml" in newest_final.out


def test_a_week_with_a_closed_gate_is_told_to_operators_and_not_to_finance(
    workspace: Home, tieout: Tieout, served: Postmaster
) -> None:
    close_a_gate(workspace)
    for _ in range(2):
        said = tieout("send", "--week", LAST_WEEK, "--home", workspace.root)
        assert said.code == 1
        assert f"{LAST_WEEK} is held back from finance. Blocked: G4 is not passed." in said.err
    message = received(served)
    assert message["To"] == OPERATORS
    assert "G4 Metered plus adjustments equals billed." in part(message, "plain")
    copied = tieout("send", "--week", LAST_WEEK, "--to", "anna@example.com", "--home", workspace.root)
    assert (copied.code, len(served.delivered)) == (1, 1)


def test_a_doubt_is_shown_with_both_ways_out_and_decided_once(
    workspace: Home, tieout: Tieout, served: Postmaster
) -> None:
    served.data[FINANCE] = ["drop"]
    said = tieout("send", "--home", workspace.root)
    assert said.code == 1
    for way in ("--confirm", "--resend"):
        assert f"tieout send --week {LAST_WEEK} {way} {FINANCE}" in said.err
    assert tieout("send", "--home", workspace.root).code == 1
    assert served.copies(FINANCE) == 1
    assert tieout("outbox", "--home", workspace.root).code == 1
    assert tieout("send", "--week", LAST_WEEK, "--confirm", FINANCE, "--home", workspace.root).code == 0
    assert served.copies(FINANCE) == 1
    decided = tieout("send", "--week", LAST_WEEK, "--resend", FINANCE, "--home", workspace.root)
    assert decided.code == 2
    assert "nothing to decide" in decided.err


def test_while_one_process_sends_another_says_so(workspace: Home, tieout: Tieout, served: Postmaster) -> None:
    with open_outbox(workspace.outbox):
        said = tieout("send", "--home", workspace.root)
    assert said.code == 1
    assert "another process is sending" in said.err
    assert served.delivered == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "anna"), "'anna' is not a plain mail address"),
        (("--week", "2026-W50"), f"landed weeks: {FIRST_WEEK} to {LAST_WEEK}"),
        (("--dry-run", "--resend", FINANCE), "--dry-run decides nothing"),
    ],
)
def test_wrong_use_is_answered_with_what_to_do(
    built_workspace: Home, tieout: Tieout, arguments: tuple[str, ...], said: str
) -> None:
    answer = tieout("send", *arguments, "--home", built_workspace.root)
    assert answer.code == 2
    assert said in answer.err


def test_a_setting_that_is_wrong_is_named(
    built_workspace: Home, tieout: Tieout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEOUT_SMTP_USER", "tieout")
    said = tieout("send", "--home", built_workspace.root)
    assert said.code == 2
    assert "$TIEOUT_SMTP_USER is set, $TIEOUT_SMTP_HOST is not" in said.err
    assert "Traceback" not in said.err
