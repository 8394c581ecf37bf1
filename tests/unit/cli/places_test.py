"""Where a workspace is, who may read it, and what a terminal is shown of hostile names."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from tests.conftest import Tieout
from tests.support.issued_weeks import FIRST, IssuedWeeks
from tieout.core.environment import HomeNameError, home_or_default
from tieout.modal.worker import mask


@pytest.mark.parametrize("name", ["what?", "50%41"])
def test_a_home_that_dagster_cannot_find_is_refused_in_a_sentence(tieout: Tieout, tmp_path: Path, name: str) -> None:
    said = tieout("run", "--home", tmp_path / name)
    assert said.code == 2 and "a workspace cannot have" in said.err and "Name another folder with --home" in said.err
    with pytest.raises(HomeNameError):
        home_or_default(tmp_path / name / "below")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["50% off", "back\\slash", "a#b&c", "ümlaut ‮"])
def test_other_homes_work(tmp_path: Path, name: str) -> None:
    assert home_or_default(tmp_path / name).root == tmp_path / name


def test_no_control_character_of_a_name_reaches_the_terminal(tieout: Tieout, tmp_path: Path) -> None:
    name = "a\x1b[31m\x07\u202eb"
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / f"{name}.json").write_text("[]")
    for command in (["run", "--home", tmp_path / name], ["doctor", "--home", tmp_path / name]):
        said = tieout(*command)
        assert "\ufffd" in said.out + said.err
        assert [part for part in ("\x1b[31m", "\x07", "\u202e") if part in said.out + said.err] == []


def test_a_login_in_a_url_is_masked() -> None:
    assert (
        mask("cannot reach https://user:secret@modal.example.com/x") == "cannot reach https://•••@modal.example.com/x"
    )


def test_a_home_that_cannot_be_written_still_reports_an_issued_week(
    tieout: Tieout, issued_weeks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weeks = IssuedWeeks(shutil.copytree(issued_weeks, tmp_path / "weeks"))
    root, reports = weeks.home.root, weeks.home.reports
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    if os.getuid() == 0:  # whom no permission stops
        monkeypatch.setattr(os, "access", lambda path, mode: not (mode & os.W_OK and root in (path, *path.parents)))
    reports.chmod(0o555)
    try:
        said = tieout("report", "--home", root, "--week", FIRST.label)
    finally:
        reports.chmod(0o755)
    assert said.code == 0 and FIRST.label in said.out, said.err
    assert f"Nothing is written: {root} cannot be written." in said.out
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_nobody_else_may_read_what_the_umask_keeps_from_them(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        weeks = IssuedWeeks(tmp_path / "weeks")
        weeks.land_week(FIRST)
        weeks.report()
    finally:
        os.umask(before)
    assert [path for path in weeks.home.root.rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
