from pathlib import Path

import dagster as dg
import pytest

from tieout.core.findings import Severity
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.definitions import definitions_of
from tieout.defs.calendar import WEEKS
from tieout.defs.checks import table_key
from tieout.defs.columns import lineage_metadata
from tieout.defs.pull import PULLED
from tieout.defs.workspace import WorkspaceName
from tieout.sources.registry import SOURCES
from tieout.validation.suites import all_suites
from tieout.warehouse.models import FLOORS, all_models

GROUPS = {"modal", "landing", "catalog", "reports", *FLOORS}


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return definitions_of(Home(tmp_path_factory.mktemp("home")), resource_path("catalog"))


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[dg.AssetKey, dg.AssetSpec]:
    return {spec.key: spec for spec in definitions.resolve_all_asset_specs()}


def test_the_definitions_load(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)
    assert {job.name for job in definitions.resolve_all_job_defs()} >= {"load", "week"}


def test_every_asset_stands_on_a_floor_and_says_what_it_is(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    assert {spec.group_name for spec in specs.values()} == GROUPS
    for key, spec in specs.items():
        assert spec.group_name == key.path[0]
        assert spec.description
        assert spec.kinds


def test_every_sql_model_is_an_asset_that_knows_its_sql(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    for model in all_models():
        spec = specs[table_key(model.name)]
        assert spec.code_version == model.code_version
        assert spec.kinds == ({"duckdb", "sql", "python"} if model.is_measured else {"duckdb", "sql"})
        assert spec.owners
        assert model.sql in str(spec.metadata["sql"].value)
        [reference] = spec.metadata["dagster/code_references"].code_references
        assert model.sql in Path(reference.file_path).read_text(encoding="utf-8")
        assert spec.partitions_def == WEEKS


def test_columns_are_made_of_columns_of_what_a_table_depends_on(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    traced = 0
    for model in all_models():
        for lineage in lineage_metadata(model.name).values():
            assert isinstance(lineage.value, dg.TableColumnLineage)
            deps = {dep.asset_key for dep in specs[table_key(model.name)].deps}
            assert lineage.value.deps_by_column.keys() <= model.columns.keys()
            for sources in lineage.value.deps_by_column.values():
                traced += 1
                assert {source.asset_key for source in sources} <= deps
    columns = sum(len(model.columns) for model in all_models() if not model.is_measured)
    assert traced >= 0.8 * columns


def test_a_union_by_name_is_traced_by_name() -> None:
    lineage = lineage_metadata("spend.pool_claims")["dagster/column_lineage"].value
    assert isinstance(lineage, dg.TableColumnLineage)
    assert lineage.deps_by_column["least_pd"] == [
        dg.TableColumnDep(table_key("spend.bill_claims"), "least_pd"),
        dg.TableColumnDep(table_key("spend.function_claims"), "least_pd"),
        dg.TableColumnDep(table_key("spend.gpu_claims"), "claim_pd"),
        dg.TableColumnDep(table_key("spend.gpu_claims"), "least_ppm"),
        dg.TableColumnDep(table_key("spend.sandbox_claims"), "claim_pd"),
    ]


def test_every_dependency_is_an_asset(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    for spec in specs.values():
        assert {dep.asset_key for dep in spec.deps} <= specs.keys()


def test_data_flows_one_way(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    order = ["modal", "landing", "catalog", *FLOORS, "reports"]
    for spec in specs.values():
        for dep in spec.deps:
            assert order.index(dep.asset_key.path[0]) <= order.index(spec.key.path[0])


def test_every_expectation_is_a_check_and_the_critical_ones_block(definitions: dg.Definitions) -> None:
    checks = {
        (spec.asset_key, spec.name): spec
        for assets in definitions.resolve_asset_graph().assets_defs
        for spec in assets.check_specs
    }
    expected = {
        (table_key(suite.table), expectation.check_name): expectation
        for suite in all_suites().values()
        for expectation in suite.expectations
    }
    assert checks.keys() == expected.keys()
    for key, expectation in expected.items():
        assert checks[key].description == expectation.name
        assert checks[key].blocking == (expectation.severity is Severity.CRITICAL)


def test_what_was_landed_is_external_and_daily(specs: dict[dg.AssetKey, dg.AssetSpec]) -> None:
    landing = [spec for key, spec in specs.items() if key.path[0] == "landing"]
    assert len(landing) == len(SOURCES)
    for spec in landing:
        assert isinstance(spec.partitions_def, dg.TimeWindowPartitionsDefinition)
        assert spec.partitions_def.cron_schedule == "0 0 * * *"


def test_the_warehouse_has_one_writer(definitions: dg.Definitions) -> None:
    assert definitions.executor is dg.in_process_executor
    for assets in definitions.resolve_asset_graph().assets_defs:
        if assets.is_executable:
            assert assets.op.pool == ("modal" if PULLED in assets.keys else "warehouse")


def test_a_broken_catalog_does_not_keep_the_definitions_from_loading(tmp_path: Path) -> None:
    dg.Definitions.validate_loadable(definitions_of(Home(tmp_path), tmp_path / "no catalog"))


def test_the_package_serves_the_workspace_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tieout.definitions import defs

    monkeypatch.setenv("TIEOUT_HOME", str(tmp_path))
    (tmp_path / "programme").mkdir()
    monkeypatch.setenv("TIEOUT_CATALOG", str(tmp_path / "programme"))
    resources = defs().resources or {}
    served = resources["modal"](dg.build_init_resource_context())
    assert served == WorkspaceName(Home(tmp_path), tmp_path / "programme")


@pytest.mark.parametrize(("job", "resource"), [("load", "workspace"), ("pull", "modal"), ("mail", "mailroom")])
@pytest.mark.parametrize("named", ["home", "catalog"])
def test_a_run_cannot_name_another_workspace(definitions: dg.Definitions, job: str, resource: str, named: str) -> None:
    config = {"resources": {resource: {"config": {named: "elsewhere"}}}}
    with pytest.raises(dg.DagsterInvalidConfigError, match=f'unexpected config entry "{named}"'):
        dg.validate_run_config(definitions.resolve_job_def(job), config)
