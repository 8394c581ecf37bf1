"""The SQL floors: one asset for every select in `sql/`, with the checks of its suite."""

import warnings
from collections.abc import Iterator

import dagster as dg

from tieout.defs.calendar import WEEKS, period_of
from tieout.defs.checks import PROGRAMME, broken_rules, check_results, check_specs, table_key
from tieout.defs.columns import lineage_metadata, write_columns
from tieout.defs.metadata import build_metadata, model_metadata
from tieout.defs.workspace import OpenWorkspace
from tieout.validation.raw_checks import unchecked_files
from tieout.warehouse.build import BuildResult
from tieout.warehouse.models import Model, all_models
from tieout.workspace import Workspace

_OWNERS = {"reconciliation": "team:finance", "savings": "team:finance"}


def model_assets() -> dg.AssetsDefinition:
    """Declare every table of the SQL floors; one step builds those that are asked for, together or not at all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # backfill_policy

        @dg.multi_asset(
            name="build_tables",
            specs=[_spec(model) for model in all_models()],
            check_specs=[spec for model in all_models() for spec in check_specs(model.name)],
            partitions_def=WEEKS,
            backfill_policy=dg.BackfillPolicy.single_run(),
            can_subset=True,
            pool="warehouse",
        )
        def tables(
            context: dg.AssetExecutionContext, workspace: OpenWorkspace
        ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
            """Build the chosen tables for the chosen weeks; checks that are chosen alone look at tables as they are."""
            chosen = [model for model in all_models() if table_key(model.name) in context.selected_asset_keys]
            if not chosen:
                yield from _checked(context, workspace)
                return
            _require_checked(workspace)
            build = workspace.build_models(chosen, period_of(context))
            for validation in build.validations:
                yield from check_results(validation)
            if not build.is_committed:
                broken = broken_rules(*build.validations)
                raise dg.Failure(f"Every table stays as it was; see quarantine.rows. {broken}", allow_retries=False)
            write_columns(workspace.home, workspace.con)
            for built in build.tables:
                _count_by_week(context, built)
                metadata = build_metadata(built) | lineage_metadata(built.model.name)
                yield dg.MaterializeResult(asset_key=table_key(built.model.name), metadata=metadata)

    return tables


def _spec(model: Model) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=table_key(model.name),
        deps=_deps(model),
        description=model.description,
        metadata=model_metadata(model),
        group_name=model.schema,
        kinds={"duckdb", "sql", *(("python",) if model.is_measured else ())},
        owners=[_OWNERS.get(model.schema, "team:platform")],
        tags={"floor": model.schema, "kept_as": model.kind},
        code_version=model.code_version,
    )


def _checked(context: dg.AssetExecutionContext, opened: Workspace) -> Iterator[dg.AssetCheckResult]:
    """Evaluate the chosen checks on what is built."""
    wanted = context.selected_asset_check_keys
    tables = {key.asset_key for key in wanted}
    for model in all_models():
        if table_key(model.name) in tables:
            for result in check_results(opened.check(model)):
                if dg.AssetCheckKey(table_key(model.name), result.check_name or "") in wanted:
                    yield result


def _deps(model: Model) -> list[dg.AssetKey]:
    """Name what a model reads, but for the bookkeeping of the warehouse, which no asset makes."""
    read = (name for name in model.depends_on if not name.startswith("meta."))
    return sorted({PROGRAMME if name.startswith("catalog.") else table_key(name) for name in read})


def _require_checked(opened: Workspace) -> None:
    """Refuse to build from raw rows that a run loaded and did not live to check."""
    if unchecked := unchecked_files(opened.con):
        raise dg.Failure(
            f"{unchecked} landed files are loaded but not checked, because their run was ended. Nothing is built from "
            "them; run `tieout run`, which checks them first.",
            allow_retries=False,
        )


def _count_by_week(context: dg.AssetExecutionContext, built: BuildResult) -> None:
    """Give every week its own number of rows."""
    key = table_key(built.model.name)
    for week in period_of(context).weeks():
        rows = {"dagster/row_count": built.rows_of(week)}
        context.add_asset_metadata(rows, asset_key=key, partition_key=week.label)
