from pathlib import Path

from tests.conftest import Tieout
from tieout.catalog.load import load_catalog
from tieout.core.home import Home


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_simulation_writes_exports_and_the_truth_beside_them(tieout: Tieout, tmp_path: Path) -> None:
    said = tieout("simulate", "--seed", "3", "--weeks", "1", "--out", tmp_path / "out")
    assert said.code == 0
    assert {path.name for path in (tmp_path / "out" / "truth").iterdir()} == {
        "avoided_daily.parquet",
        "cost_hourly.parquet",
    }
    assert any((tmp_path / "out" / "landing" / "billing_report").iterdir())


def test_the_field_brings_a_catalog_of_its_own(tieout: Tieout, tmp_path: Path) -> None:
    said = tieout("simulate", "--scenario", "field", "--seed", "3", "--weeks", "1", "--out", tmp_path / "out")
    assert said.code == 0
    assert "Catalog:" in said.out
    catalog = load_catalog(Home(tmp_path / "out").catalog)
    assert [phase.functions for phase in catalog.rollout.phases] == [("transcribe", "upscale")]
    assert {
        configuration.app for function in catalog.functions.functions for configuration in function.configurations
    } == {"media"}


def test_simulating_the_same_again_changes_nothing(tieout: Tieout, tmp_path: Path) -> None:
    arguments = ("simulate", "--seed", "3", "--weeks", "1", "--out", tmp_path / "out")
    tieout(*arguments)
    before = files_below(tmp_path / "out")
    said = tieout(*arguments)
    assert said.code == 0
    assert "already" in said.out
    assert files_below(tmp_path / "out") == before


def test_an_interrupted_simulation_is_written_again(tieout: Tieout, tmp_path: Path) -> None:
    arguments = ("simulate", "--seed", "3", "--weeks", "1", "--out", tmp_path / "out")
    tieout(*arguments)
    before = files_below(tmp_path / "out")
    mark = tmp_path / "out" / "simulation.json"
    mark.write_text(mark.read_text().replace("true", "false"))
    next((tmp_path / "out" / "landing" / "billing_report").glob("*.json")).unlink()
    assert tieout(*arguments).code == 0
    assert files_below(tmp_path / "out") == before


def test_two_simulations_are_not_mixed(tieout: Tieout, tmp_path: Path) -> None:
    tieout("simulate", "--seed", "3", "--weeks", "1", "--out", tmp_path / "out")
    before = files_below(tmp_path / "out")
    said = tieout("demo", "--scenario", "as-deployed", "--weeks", "1", "--home", tmp_path / "out")
    assert said.code == 2
    assert "holds another simulation: --scenario coral-x --seed 3 --weeks 1" in said.err
    assert files_below(tmp_path / "out") == before


def test_a_simulation_is_not_mixed_into_real_exports(tieout: Tieout, tmp_path: Path) -> None:
    real = tmp_path / "landing" / "billing_report" / "november.json"
    real.parent.mkdir(parents=True)
    real.write_text("[]")
    said = tieout("demo", "--home", tmp_path)
    assert said.code == 2
    assert "not from a simulation" in said.err
    assert files_below(tmp_path) == {"landing/billing_report/november.json": b"[]"}
