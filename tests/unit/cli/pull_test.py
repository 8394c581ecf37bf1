import shutil
from pathlib import Path

import pytest

from tests.conftest import Tieout
from tieout.core.home import Home
from tieout.core.resources import resource_path


@pytest.fixture
def without_token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET", "MODAL_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MODAL_CONFIG_PATH", "nonexistent.toml")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "yesterday"), "'yesterday' is not a day like 2026-11-02"),
        (("--since", "2026-11-09", "--until", "2026-11-02"), "--since 2026-11-09 is not before --until 2026-11-02"),
        (("--since", "2999-01-01"), "has not come yet"),
        (("--since", "1990-01-01"), "--since 1990-01-01 is more than 13 months ago\nThe earliest day is 20"),
        (("--until", "2026-01-01"), "--until 2026-01-01: without --since a pull begins on "),
        (("--only", "invoice"), "there is no 'invoice'; there are: app_history"),
    ],
)
def test_a_range_or_a_source_that_is_none_is_refused(
    tieout: Tieout, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    spoken = tieout("pull", *arguments, "--home", tmp_path)
    assert spoken.code == 2
    assert said in spoken.err


def test_real_exports_are_not_mixed_with_simulated_ones(tieout: Tieout, tmp_path: Path) -> None:
    (tmp_path / "simulation.json").write_text("{}")
    spoken = tieout("pull", "--home", tmp_path)
    assert spoken.code == 2
    assert "simulated workspace" in spoken.err


@pytest.mark.usefixtures("without_token")
@pytest.mark.parametrize("command", ["pull", "init"])
def test_without_a_token_the_message_says_how_to_get_one(tieout: Tieout, tmp_path: Path, command: str) -> None:
    arguments = ("--home", tmp_path / "home") if command == "pull" else (tmp_path / "catalog",)
    spoken = tieout(command, *arguments)
    assert spoken.code == 2
    assert "no Modal token is configured" in spoken.err
    assert "modal token new" in spoken.err
    assert list(tmp_path.iterdir()) == []


def test_a_limit_in_the_environment_that_is_no_number_is_named(
    tieout: Tieout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEOUT_PULL_AT_ONCE", "lots")
    spoken = tieout("pull", "--home", tmp_path)
    assert spoken.code == 2
    assert "$TIEOUT_PULL_AT_ONCE: 'lots' is no whole number" in spoken.err


def test_a_catalog_that_is_there_is_never_overwritten(tieout: Tieout, tmp_path: Path) -> None:
    (tmp_path / "functions.yaml").write_text("environment: main\n")
    spoken = tieout("init", tmp_path)
    assert spoken.code == 2
    assert "holds a catalog already: functions.yaml" in spoken.err
    assert [path.name for path in tmp_path.iterdir()] == ["functions.yaml"]


@pytest.mark.usefixtures("without_token")
def test_the_doctor_needs_a_token_only_when_asked_to(tieout: Tieout, tmp_path: Path) -> None:
    def modal_line(*arguments: str) -> str:
        said = tieout("doctor", *arguments, "--home", tmp_path).out.splitlines()
        return next(line for line in said if line.split()[1:2] == ["modal"])

    assert modal_line().startswith("ok")
    assert modal_line("--modal").startswith("problem")


def test_a_pull_needs_a_catalog_of_the_workspace(
    tieout: Tieout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TIEOUT_CATALOG")
    home = Home(tmp_path / "mine")
    spoken = tieout("pull", "--home", home.root)
    assert spoken.code == 2
    assert f"`tieout init --home {home.root}` writes one" in spoken.err


def test_a_catalog_in_the_home_is_found_unasked(
    tieout: Tieout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TIEOUT_CATALOG")
    home = Home(tmp_path / "mine")
    shutil.copytree(resource_path("catalog"), home.catalog)
    assert f"{home.catalog}: CORAL-X" in tieout("doctor", "--home", home.root).out
