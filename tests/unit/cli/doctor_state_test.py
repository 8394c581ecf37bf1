"""What the disk has damaged gets one sentence with what to do, from the doctor and from what meets it."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from tests.conftest import Tieout
from tests.support.issued_weeks import FIRST, IssuedWeeks
from tieout.core.home import Home
from tieout.defs.instance import open_instance
from tieout.mail.messages import Rendered
from tieout.mail.outbox import OutboxError, open_outbox, read_outbox
from tieout.warehouse.connection import DamagedError, read_every_block, read_warehouse

PAGE = 4096


@pytest.fixture(scope="module")
def kept(issued_weeks: Path, tmp_path_factory: pytest.TempPathFactory) -> IssuedWeeks:
    """Weeks that are issued, a mail in the outbox, and a record of runs. Look at them, and leave them as they are."""
    weeks = IssuedWeeks(shutil.copytree(issued_weeks, tmp_path_factory.mktemp("state") / "weeks"))
    with open_outbox(weeks.home.outbox) as outbox:
        outbox.keep(
            Rendered(
                week=FIRST,
                edition="r1",
                audience="finance",
                message_id="<r1@example.com>",
                sender="tieout@example.com",
                subject="A week",
                rendered_at=dt.datetime(2026, 11, 2, tzinfo=dt.UTC),
                content=b"Subject: A week\r\n\r\nIt cost.\r\n",
            ),
            ["finance@example.com"],
        )
    with open_instance(weeks.home):
        pass
    return weeks


@pytest.fixture
def home(kept: IssuedWeeks, tmp_path: Path) -> Home:
    """A copy, to do anything to."""
    return Home(shutil.copytree(kept.home.root, tmp_path / "weeks"))


def overwrite(path: Path, offset: int, length: int) -> None:
    """Lose a part of a file, as a bad sector does."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\x5a" * length)


def spoil_pages(path: Path) -> None:
    """Lose all of a SQLite file but its first page."""
    overwrite(path, PAGE, path.stat().st_size - PAGE)


def doctor(tieout: Tieout, home: Home) -> str:
    return " ".join(tieout("doctor", "--home", home.root).out.split())


def test_state_that_can_be_read_is_well(tieout: Tieout, home: Home) -> None:
    said = doctor(tieout, home)
    assert "every block and every state file can be read" in said
    assert "issues" not in said


def test_a_damaged_block_of_the_warehouse_is_found_and_how_to_rebuild_is_said(tieout: Tieout, home: Home) -> None:
    size = home.warehouse.stat().st_size
    overwrite(home.warehouse, 3 * PAGE, size - 3 * PAGE)
    said = doctor(tieout, home)
    assert f"{home.warehouse} is damaged: " in said
    assert "Move it away and run `tieout run" in said and "builds it anew from `landing/` and `reports/`" in said
    with pytest.raises(DamagedError), read_warehouse(home.warehouse) as con:
        read_every_block(con)


def test_a_damaged_record_of_runs_is_found(tieout: Tieout, home: Home) -> None:
    runs = home.dagster / "history" / "runs.db"
    spoil_pages(runs)
    (home.dagster / "weeks.json").write_text('{"first": ')
    said = doctor(tieout, home)
    assert f"{runs} is damaged" in said and f"Move the folder {home.dagster} away" in said
    assert "weeks.json is damaged: it is not JSON → Delete it" in said


def test_a_damaged_outbox_is_found_and_refused(tieout: Tieout, home: Home) -> None:
    (home.outbox / "outbox.sqlite-wal").unlink(missing_ok=True)
    spoil_pages(home.outbox / "outbox.sqlite")
    assert "outbox.sqlite is damaged" in doctor(tieout, home)
    with pytest.raises(OutboxError, match=r"is damaged.*Restore it from a backup"), read_outbox(home.outbox) as outbox:
        outbox.messages()


def test_a_message_that_is_gone_or_changed_is_named(tieout: Tieout, home: Home) -> None:
    [message] = home.outbox.glob("*.eml")
    message.write_bytes(message.read_bytes() + b"more")
    assert f"{message} was changed since it was rendered" in doctor(tieout, home)
    message.unlink()
    assert f"{message} cannot be read" in doctor(tieout, home)


def test_an_issue_is_written_again_or_named(tieout: Tieout, home: Home) -> None:
    revision = home.reports / FIRST.label / "revision-1"
    (revision / "figures.json").write_bytes(b"")
    assert "figures.json was lost and is written again, as it was issued" in doctor(tieout, home)
    for workbook in (revision / "workbook.xlsx", revision.parent / "workbook.xlsx"):
        workbook.unlink()
    assert f"{revision / 'workbook.xlsx'} is gone → Restore it from a backup" in doctor(tieout, home)
