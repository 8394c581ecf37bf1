import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tieout.catalog.load import load_catalog
from tieout.catalog.mail_settings import load_mail_settings
from tieout.catalog.models import Catalog, Configuration
from tieout.core.resources import resource_path
from tieout.modal.first_catalog import first_catalog
from tieout.sources.workspace_snapshot import ConfigurationChange, Deployed, DiscoveredFunction

TODAY, VALID_FROM = dt.date(2026, 11, 23), dt.date(2026, 10, 1)
INFO: dict[str, Any] = {"cpu": None, "memory_mib": None, "gpus": [], "timeout": 300, "scaledown_window": 60}


@pytest.fixture(scope="module")
def built_in() -> Catalog:
    return load_catalog(resource_path("catalog"))


def workspace(*functions: DiscoveredFunction, rates: dict[str, str] | None = None, **fields: Any) -> Deployed:
    looked = {"seen_on": TODAY, "rates_seen_on": TODAY, "billed_from": VALID_FROM, "is_billed": True}
    said = {"workspace": "acme", "environment": "main", "unlisted": (), "elsewhere": (), **looked, **fields}
    return Deployed(functions=functions, rates=rates or {"cpu_hour_cost": "0.05000"}, **said)


def function(name: str, on: str = "api", **info: Any) -> DiscoveredFunction:
    return DiscoveredFunction(on, name, {**INFO, **info})


def written(deployed: Deployed, built_in: Catalog, folder: Path) -> Catalog:
    for name, text in first_catalog(deployed, built_in).items():
        (folder / name).write_text(text, encoding="utf-8")
    load_mail_settings(folder, {})
    return load_catalog(folder)


def configurations(catalog: Catalog) -> list[Configuration]:
    return [each for function in catalog.functions.functions for each in function.configurations]


def test_a_first_catalog_loads_as_it_is_and_claims_nothing(built_in: Catalog, tmp_path: Path) -> None:
    catalog = written(
        workspace(function("train", gpus=[["A100-40GB", 2]], cpu=0.5, memory_mib=2048)), built_in, tmp_path
    )
    [only] = configurations(catalog)
    assert (only.phase, only.app, only.gpu, only.gpu_count) == ("baseline", "api", "A100-40GB", 2)
    assert (only.cpu_cores, only.memory_mib, only.timeout_seconds) == (Decimal("0.5"), 2048, 300)
    assert catalog.rollout.programme == "acme"
    assert (catalog.rollout.phases, catalog.projection.lines, catalog.adjustments.adjustments) == ((), (), ())


def test_what_is_modals_default_is_left_out(built_in: Catalog, tmp_path: Path) -> None:
    [only] = configurations(written(workspace(function("f", scaledown_window=60)), built_in, tmp_path))
    assert (only.gpu, only.cpu_cores, only.memory_mib, only.scaledown_window_seconds) == (None, None, None, None)


def test_a_request_with_a_limit_is_taken_at_its_request(built_in: Catalog, tmp_path: Path) -> None:
    [only] = configurations(written(workspace(function("f", cpu=[2, 8], memory_mib=[512, 4096])), built_in, tmp_path))
    assert (only.cpu_cores, only.memory_mib) == (Decimal(2), 512)


def test_a_function_on_two_apps_is_one_function(built_in: Catalog, tmp_path: Path) -> None:
    catalog = written(workspace(function("f", on="old"), function("f", on="new")), built_in, tmp_path)
    [only] = catalog.functions.functions
    assert [each.app for each in only.configurations] == ["old", "new"]


def test_prices_are_those_of_the_workspace(built_in: Catalog, tmp_path: Path) -> None:
    rates = {"cpu_hour_cost": "0.05000", "gpu_hour_cost_x900": "9.90", "cpu_hour_cost_sandbox": "0.2"}
    catalog = written(workspace(function("f", gpus=[["x900", 1]]), rates=rates), built_in, tmp_path)
    prices = {each.name: each.prices[0] for each in catalog.prices.resources}
    assert prices["CPU"].usd_per_hour == Decimal("0.05")
    assert prices["CPU"].valid_from == VALID_FROM
    assert prices["X900"].usd_per_hour == Decimal("9.9")
    assert configurations(catalog)[0].gpu == "X900"


def test_a_gpu_without_a_price_is_a_question_and_no_guess(built_in: Catalog, tmp_path: Path) -> None:
    catalog = written(workspace(function("f", gpus=[["Z1", 1]])), built_in, tmp_path)
    assert configurations(catalog)[0].gpu is None
    assert 'QUESTION: it asks for the GPU "Z1"' in (tmp_path / "functions.yaml").read_text()


def test_what_only_people_know_is_marked(built_in: Catalog, tmp_path: Path) -> None:
    written(workspace(unlisted=("batch",)), built_in, tmp_path)
    for name in ("functions", "rollout", "projection", "prices", "mail", "billing"):
        assert "# QUESTION:" in (tmp_path / f"{name}.yaml").read_text()
    assert '"batch" was billed lately' in (tmp_path / "functions.yaml").read_text()


def test_the_example_in_the_comments_is_a_phase_that_loads(built_in: Catalog, tmp_path: Path) -> None:
    written(workspace(function("name_of_a_function")), built_in, tmp_path)
    rollout = (tmp_path / "rollout.yaml").read_text()
    example = [line.removeprefix("#   ") for line in rollout.splitlines() if line.startswith("#   ")]
    (tmp_path / "rollout.yaml").write_text(rollout.replace("\nphases: []", "\n" + "\n".join(example)))
    assert load_catalog(tmp_path).rollout.phases[0].id == "phase-1"


def test_a_change_that_was_seen_is_a_question_whose_answer_loads(built_in: Catalog, tmp_path: Path) -> None:
    moment = dt.datetime(2026, 11, 3, 9, 30)  # noqa: DTZ001 - naive UTC
    change = ConfigurationChange(function("f", memory_mib=512), ("memory_mib",), moment, moment, deployed_at=moment)
    deployed = workspace(function("f", memory_mib=2048), changes=(change,))
    written(deployed, built_in, tmp_path)
    assert "deployed_at: 2026-11-03T09:30:00Z" in (tmp_path / "rollout.yaml").read_text()
    functions = (tmp_path / "functions.yaml").read_text()
    (tmp_path / "functions.yaml").write_text(functions.replace("# once rollout.yaml has that phase: ", ""))
    phase = "phases: [{id: phase-1, name: less, deployed_at: 2026-11-03T09:30:00Z, functions: [f], risk: low}]"
    rollout = (tmp_path / "rollout.yaml").read_text()
    (tmp_path / "rollout.yaml").write_text(rollout.replace("phases: []", phase))
    assert [each.memory_mib for each in configurations(load_catalog(tmp_path))] == [2048, 512]


@pytest.mark.parametrize(
    "name", ['"', "'; drop table", "a: b", "#", "{}", "ü\n- x", "\x07", "\x7f", "🜁 東", "..", "*", "null", "1"]
)
def test_names_are_inert(built_in: Catalog, tmp_path: Path, name: str) -> None:
    deployed = workspace(function(name, on=name), unlisted=(name,), workspace=name, environment=name)
    catalog = written(deployed, built_in, tmp_path)
    assert catalog.functions.environment == name
    assert catalog.rollout.programme == name
    assert (catalog.functions.functions[0].name, configurations(catalog)[0].app) == (name, name)
    assert set(YAML(typ="safe").load((tmp_path / "functions.yaml").read_text())) == {"environment", "functions"}
