"""A workspace of the first version opens: what was issued, closed and mailed stays (tests/data/first-version)."""

import email
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from tests.conftest import BuildOnce, Spoken, Tieout
from tests.mail.mail_server import HOST, Postmaster, running

pytestmark = pytest.mark.slow

WORKSPACE = Path(__file__).parent / "data" / "first-version" / "workspace.tar.xz"
WEEK_MAILED = "2026-W42"
REVISIONS = ("2026-W42/revision-1", "2026-W42/revision-2", "2026-W43/revision-1")
_SENT = "sent.txt"
CLOSINGS = "select week, revision, closed_at, document from meta.closings order by week, revision"

Row = dict[str, object]


@dataclass(frozen=True)
class State:
    """What no landed file can bring back: files of issued revisions and of mails, closings, and who has which mail."""

    revisions: dict[str, bytes]
    mails: dict[str, bytes]
    closings: list[tuple[object, ...]]
    messages: list[Row]
    recipients: list[Row]


@dataclass(frozen=True)
class Upgraded:
    """A copy of the workspace, its state before and after a run, and the mails that the run sent."""

    home: Path
    before: State
    after: State
    sent: int


@pytest.fixture(scope="module")
def unpacked(build_once: BuildOnce) -> Path:
    """The workspace as the first version left it. Look at it, and leave it as it is."""

    def fill(folder: Path) -> None:
        with tarfile.open(WORKSPACE) as archive:
            # Python before 3.11.4 knows no filter, and unpacks this archive of ours as it is
            archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
            archive.extractall(folder)

    return build_once("first-version", fill)


Command = Callable[..., Spoken]


@pytest.fixture
def command(tieout: Tieout, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command with the workspace's own catalog and a mail server."""
    for name in [name for name in os.environ if name.startswith(("TIEOUT_", "MODAL_"))]:
        monkeypatch.delenv(name)

    def call(postmaster: Postmaster, *arguments: str | Path) -> Spoken:
        with running(postmaster) as server:
            monkeypatch.setenv("TIEOUT_SMTP_HOST", HOST)
            monkeypatch.setenv("TIEOUT_SMTP_PORT", str(server.settings.port))
            monkeypatch.setenv("TIEOUT_SMTP_SECURITY", "none")
            monkeypatch.setenv("TIEOUT_MAIL_FROM", "tieout@example.com")
            return tieout(*arguments)

    return call


@pytest.fixture
def upgraded(unpacked: Path, build_once: BuildOnce, command: Command) -> Upgraded:
    """The workspace after a run of this version, while a mail server was there. Look at it, and leave it as it is."""

    def fill(folder: Path) -> None:
        home = shutil.copytree(unpacked, folder / "workspace")
        postmaster = Postmaster()
        ended = command(postmaster, "--home", home, "run")
        assert ended.code == 0, ended
        (folder / _SENT).write_text(str(len(postmaster.delivered)))

    folder = build_once("upgraded-first-version", fill)
    home = folder / "workspace"
    return Upgraded(home, state_of(unpacked), state_of(home), int((folder / _SENT).read_text()))


def test_the_archive_holds_what_these_tests_are_about(upgraded: Upgraded) -> None:
    before = upgraded.before
    assert {name.rpartition("/")[0] for name in before.revisions} == set(REVISIONS)
    assert [f"{week}/revision-{revision}" for week, revision, *_ in before.closings] == list(REVISIONS)
    assert [(row["edition"], row["state"]) for row in before.recipients] == [("r1", "sent"), ("r2", "waiting")]


def test_issued_revisions_stay_as_they_are_to_the_last_byte(upgraded: Upgraded) -> None:
    assert upgraded.after.revisions.items() >= upgraded.before.revisions.items()


def test_closings_stay(upgraded: Upgraded) -> None:
    assert [row for row in upgraded.after.closings if row in upgraded.before.closings] == upgraded.before.closings


def test_the_outbox_stays_and_a_run_sends_nothing(upgraded: Upgraded) -> None:
    before, after = upgraded.before, upgraded.after
    assert after.mails.items() >= before.mails.items()
    assert kept(before.messages, after.messages)
    assert kept(before.recipients, after.recipients)
    assert upgraded.sent == 0


def test_a_mail_that_was_sent_is_not_sent_again_and_one_that_waits_goes_out_once(
    upgraded: Upgraded, command: Command, tmp_path: Path
) -> None:
    home, postmaster = shutil.copytree(upgraded.home, tmp_path / "workspace"), Postmaster()
    for _ in range(2):
        ended = command(postmaster, "--home", home, "send", "--week", WEEK_MAILED)
        assert ended.code == 0, ended
    [delivered] = postmaster.delivered
    sent = {row["message_id"] for row in upgraded.before.recipients if row["state"] == "sent"}
    assert sent and email.message_from_bytes(delivered.content)["Message-ID"] not in sent


def test_questions_are_answered(upgraded: Upgraded, command: Command) -> None:
    ended = command(
        Postmaster(), "--home", upgraded.home, "sql", "select week from finance.weeks order by week", "--csv"
    )
    assert (ended.code, ended.out) == (0, "week\n2026-W42\n2026-W43\n"), ended
    ended = command(Postmaster(), "--home", upgraded.home, "sql", "closed_weeks")
    assert ended.code == 0 and WEEK_MAILED in ended.out, ended


def test_a_run_with_nothing_to_do_names_what_was_lost_of_an_issue(
    upgraded: Upgraded, command: Command, tmp_path: Path
) -> None:
    home = shutil.copytree(upgraded.home, tmp_path / "workspace")
    revision = home / "reports" / REVISIONS[0]
    [workbook] = revision.glob("*.xlsx")
    workbook.unlink()
    figures = (revision / "figures.json").read_bytes()
    (revision / "figures.json").write_bytes(b"")
    ended = command(Postmaster(), "--home", home, "run")
    assert ended.code == 0 and "Nothing has changed" in ended.out, ended
    assert f"{workbook} is gone, and nothing here has its content" in ended.err
    assert "Written again, as they were issued" in ended.out
    assert (revision / "figures.json").read_bytes() == figures


def state_of(home: Path) -> State:
    """Read the state of a workspace without anything of Tieout."""
    with duckdb.connect(home / "warehouse.duckdb", read_only=True) as con:
        closings = con.execute(CLOSINGS).fetchall()
    with closing(sqlite3.connect(home / "outbox" / "outbox.sqlite")) as outbox:
        messages = rows_of(outbox, "select * from messages order by message_id")
        recipients = rows_of(
            outbox, "select * from recipients join messages using (message_id) order by message_id, address"
        )
    reports = home / "reports"
    return State(
        revisions={
            path.relative_to(reports).as_posix(): path.read_bytes()
            for path in sorted(reports.glob("*/revision-*/**/*"))
            if path.is_file()
        },
        mails={path.name: path.read_bytes() for path in (home / "outbox").glob("*.eml")},
        closings=closings,
        messages=messages,
        recipients=recipients,
    )


def rows_of(con: sqlite3.Connection, select: str) -> list[Row]:
    """Return rows by the names of their columns, so that a column more in a later version is no difference."""
    cursor = con.execute(select)
    names = [column for column, *_ in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def kept(before: list[Row], after: list[Row]) -> bool:
    """Tell whether every row is there as it was."""
    return all(any(row.items() <= now.items() for now in after) for row in before)
