"""`tieout freeze-baseline`, and what the other commands do with what it wrote."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import Tieout
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.savings.baseline_lock import LOCK_NAME
from tieout.savings.baseline_lock_parser import parse_lock


@pytest.fixture
def home(measured_home: Home, tmp_path: Path) -> Home:
    """A copy of a warehouse with what a measurement reads."""
    return Home(shutil.copytree(measured_home.root, tmp_path / "home"))


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return shutil.copytree(resource_path("catalog"), tmp_path / "catalog", ignore=shutil.ignore_patterns(LOCK_NAME))


def test_the_baseline_is_frozen_beside_the_catalog(tieout: Tieout, home: Home, catalog: Path) -> None:
    said = tieout("freeze-baseline", "--home", home.root, "--catalog", catalog)
    assert (said.code, said.err) == (0, "")
    assert "Frozen: 21 days from 2026-09-28 on, before 2026-10-19, of 2 functions." in said.out
    lock = parse_lock((catalog / LOCK_NAME).read_text(encoding="utf-8"))
    assert len(lock.series) == 2 * 21
    assert sorted(path.name for path in catalog.iterdir() if path.suffix != ".yaml") == [LOCK_NAME]


def test_a_frozen_baseline_is_not_replaced_by_mistake(tieout: Tieout, home: Home, catalog: Path) -> None:
    arguments = ("freeze-baseline", "--home", home.root, "--catalog", catalog)
    tieout(*arguments)
    frozen = (catalog / LOCK_NAME).read_bytes()
    (catalog / "adjustments.yaml").write_text("# looked at again\nadjustments: []\n")
    said = tieout(*arguments)
    assert said.code == 2
    assert f"{catalog / LOCK_NAME}: a baseline is frozen already" in said.err
    assert "--force" in said.err
    assert (catalog / LOCK_NAME).read_bytes() == frozen
    assert tieout(*arguments, "--force").code == 0
    assert (catalog / LOCK_NAME).read_bytes() != frozen


def test_the_built_in_programme_keeps_no_baseline(
    tieout: Tieout, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = tieout("freeze-baseline", "--home", home.root)
    assert said.code == 2
    assert "built-in" in said.err
    assert "--catalog" in said.err
    assert not (resource_path("catalog") / LOCK_NAME).exists()


def test_without_a_catalog_the_message_says_how_to_get_one(
    tieout: Tieout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TIEOUT_CATALOG")
    monkeypatch.chdir(tmp_path)
    said = tieout("freeze-baseline", "--home", tmp_path)
    assert said.code == 2
    assert f"{tmp_path} has no catalog" in said.err
    assert "tieout init" in said.err


def test_without_a_phase_the_message_names_the_file_that_lacks_it(tieout: Tieout, home: Home, catalog: Path) -> None:
    rollout = (catalog / "rollout.yaml").read_text()
    (catalog / "rollout.yaml").write_text(rollout.partition("phases:")[0] + "phases: []\n")
    (catalog / "functions.yaml").write_text("environment: main\nfunctions: []\n")
    (catalog / "projection.yaml").write_text("title: No projection\nlines: []\n")
    said = tieout("freeze-baseline", "--home", home.root, "--catalog", catalog)
    assert said.code == 2
    assert f"{catalog / 'rollout.yaml'} names no phase" in said.err
    assert "bills" not in said.err


def test_too_short_a_baseline_is_refused_with_its_days(tieout: Tieout, built_workspace: Home, catalog: Path) -> None:
    said = tieout("freeze-baseline", "--home", built_workspace.root, "--catalog", catalog)
    assert said.code == 1
    assert "there are 7: 2026-10-12" in said.err
    assert not (catalog / LOCK_NAME).exists()


def test_without_a_warehouse_there_is_nothing_to_freeze(tieout: Tieout, tmp_path: Path, catalog: Path) -> None:
    said = tieout("freeze-baseline", "--home", tmp_path / "nowhere", "--catalog", catalog)
    assert said.code == 2
    assert "tieout run" in said.err


@pytest.mark.parametrize("command", ["run", "report", "audit"])
def test_a_damaged_lock_is_named_with_file_and_line(
    tieout: Tieout, home: Home, built_workspace: Home, catalog: Path, command: str
) -> None:
    tieout("freeze-baseline", "--home", home.root, "--catalog", catalog)
    path = catalog / LOCK_NAME
    path.write_text(path.read_text(encoding="utf-8").replace("successful_calls: 410", "successful_calls: many", 1))
    line = path.read_text(encoding="utf-8").split("many", 1)[0].count("\n") + 1
    said = tieout(command, "--home", built_workspace.root, "--catalog", catalog)
    assert said.code == 2
    assert f"{path}:{line}: successful_calls" in said.err
    assert "Traceback" not in said.err
