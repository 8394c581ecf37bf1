"""Whose programme a workspace is held against, where nobody names one."""

import json
import shutil
from pathlib import Path

import pytest

from tieout.catalog.load import load_catalog
from tieout.core.environment import NoSuchCatalogError, catalog_or_default
from tieout.core.home import Home
from tieout.core.resources import resource_path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A workspace without a catalog, looked at from an empty folder."""
    monkeypatch.delenv("TIEOUT_CATALOG", raising=False)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    folder = Home(tmp_path / "acme")
    folder.root.mkdir()
    return folder


def simulated(home: Home, scenario: str) -> None:
    home.simulation.write_text(json.dumps({"scenario": scenario, "seed": 1, "weeks": 1, "is_complete": True}))


@pytest.mark.parametrize("scenario", ["coral-x", "as-deployed"])
def test_the_built_in_programme_belongs_to_a_workspace_that_simulates_it(home: Home, scenario: str) -> None:
    simulated(home, scenario)
    assert catalog_or_default(None, home) == resource_path("catalog")


@pytest.mark.parametrize("mark", [None, "field", "broken"])
def test_no_other_workspace_is_held_against_the_built_in_programme(home: Home, mark: str | None) -> None:
    if mark == "field":
        simulated(home, mark)
    elif mark is not None:
        home.simulation.write_text("{")
    catalog = load_catalog(catalog_or_default(None, home))
    assert catalog.rollout.programme == "acme"
    assert (catalog.functions.functions, catalog.rollout.phases, catalog.projection.lines) == ((), (), ())
    assert catalog.prices == load_catalog(resource_path("catalog")).prices


def test_a_clone_s_catalog_is_the_built_in_one_and_no_stranger_s(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(resource_path("catalog").parent)
    assert catalog_or_default(None, home) == home.catalog
    shutil.copytree(resource_path("catalog"), home.root / "clone" / "catalog")
    monkeypatch.chdir(home.root / "clone")
    assert catalog_or_default(None, home) == home.catalog


def test_a_catalog_of_one_s_own_in_the_current_folder_is_taken(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    own = shutil.copytree(resource_path("catalog"), home.root / "mine" / "catalog")
    rollout = own / "rollout.yaml"
    rollout.write_text(rollout.read_text().replace("programme: CORAL-X", "programme: Mine"))
    monkeypatch.chdir(home.root / "mine")
    assert catalog_or_default(None, home) == own


def test_the_catalog_in_the_workspace_wins_and_a_named_one_wins_over_it(home: Home, tmp_path: Path) -> None:
    simulated(home, "coral-x")
    home.catalog.mkdir()
    named = tmp_path / "named"
    named.mkdir()
    assert catalog_or_default(None, home) == home.catalog
    assert catalog_or_default(named, home) == named


def test_a_named_catalog_that_is_not_there_is_refused(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NoSuchCatalogError, match="mistyped: there is no such folder"):
        catalog_or_default(tmp_path / "mistyped", home)


def test_two_workspaces_without_a_catalog_differ_by_their_names(tmp_path: Path) -> None:
    one, other = (load_catalog(tmp_path / name / "catalog") for name in ("acme", "other"))
    assert one.sha256 != other.sha256
    assert one.sha256 == load_catalog(tmp_path / "acme" / "catalog").sha256
