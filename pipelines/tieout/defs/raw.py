"""The raw floor, and the catalog beside it: what was landed as tables, loaded by one step for all of them."""

from collections.abc import Iterator

import dagster as dg

from tieout.catalog.models import Catalog
from tieout.defs.calendar import show_weeks, write_calendar
from tieout.defs.checks import PROGRAMME, broken_rules, check_results, check_specs, table_key
from tieout.defs.columns import write_columns
from tieout.defs.landing import landing_key, report_deliveries
from tieout.defs.metadata import rows_as_table
from tieout.defs.workspace import OpenWorkspace
from tieout.sources import LoadResult
from tieout.sources.raw_schema import LEDGER_TABLES, TABLES
from tieout.sources.registry import SOURCES
from tieout.sources.tables import Table
from tieout.workspace import Workspace

# What the loader remembers of paths is no data.
RAW_TABLES = tuple(table for table in TABLES if table.name != "scanned_paths")


def _spec(table: Table) -> dg.AssetSpec:
    # What is written down of files is of all sources.
    sources = [source.name for source in SOURCES.values() if table in source.tables or table in LEDGER_TABLES]
    return dg.AssetSpec(
        key=table_key(f"raw.{table.name}"),
        deps=[landing_key(source) for source in sources],
        description=table.comment,
        group_name="raw",
        kinds={"duckdb", "python"},
        owners=["team:platform"],
        tags={"floor": "raw"},
        metadata={"dagster/table_name": f"raw.{table.name}"},
    )


@dg.multi_asset(
    name="load_landed_files",
    specs=[_spec(table) for table in RAW_TABLES],
    check_specs=[spec for table in RAW_TABLES for spec in check_specs(f"raw.{table.name}")],
    can_subset=True,  # where no row is new, no check runs
    pool="warehouse",
)
def raw_tables(
    context: dg.AssetExecutionContext, workspace: OpenWorkspace
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Load every new file, check its rows, and report the days that it speaks for."""
    result = workspace.load()
    context.log.info(f"{result.loaded} new files with {result.rows:,} rows, {len(result.rejected)} refused")
    validations = workspace.check_raw()
    write_calendar(workspace.home, weeks := workspace.known_weeks())
    show_weeks(context.instance, weeks)
    write_columns(workspace.home, workspace.con)
    for validation in validations.values():
        yield from (each for each in check_results(validation) if _key(each) in context.selected_asset_check_keys)
    if broken := broken_rules(*validations.values()):
        raise dg.Failure(f"The raw tables stay as they were; see quarantine.rows. {broken}", allow_retries=False)
    report_deliveries(context.instance, result.changed)
    for table in RAW_TABLES:
        key = table_key(f"raw.{table.name}")
        if key in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=key, metadata=raw_metadata(workspace, table.name, result))


def _key(check: dg.AssetCheckResult) -> dg.AssetCheckKey:
    assert check.asset_key is not None and check.check_name is not None
    return dg.AssetCheckKey(check.asset_key, check.check_name)


def loaded_tables(result: LoadResult) -> list[str]:
    """Name the raw tables, without schema, that a load has written to."""
    written = {table.name for loaded in result.changed for table in SOURCES[loaded.content.source].tables}
    if result.changed or result.rejected:
        written |= {table.name for table in LEDGER_TABLES}
    return [table.name for table in RAW_TABLES if table.name in written]


def raw_metadata(opened: Workspace, table: str, result: LoadResult) -> dict[str, dg.MetadataValue]:
    """What is known of a raw table after a load."""
    row = opened.con.execute(f"select count(*) from raw.{table}").fetchone()  # noqa: S608 - one of RAW_TABLES
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(row[0] if row else 0),
    }
    if table in SOURCES:
        new = [loaded for loaded in result.changed if loaded.content.source == table and loaded.is_new]
        metadata["new_files"] = dg.MetadataValue.int(len(new))
        metadata["new_rows"] = dg.MetadataValue.int(sum(loaded.content.row_count for loaded in new))
    return metadata


@dg.asset(
    key=PROGRAMME,
    description="The programme as text in git: functions, rollout, projection, prices and adjustments, as tables.",
    group_name="catalog",
    kinds={"yaml", "duckdb"},
    owners=["team:platform"],
    tags={"floor": "catalog"},
    pool="warehouse",
)
def programme(workspace: OpenWorkspace) -> dg.MaterializeResult[None]:
    """Show the catalog that this run works with; it was written to the warehouse when the run started."""
    return dg.MaterializeResult(metadata=programme_metadata(workspace.catalog))


def programme_metadata(catalog: Catalog) -> dict[str, dg.MetadataValue]:
    """What the catalog says of itself."""
    functions = [
        {"function": function.name, "phase": each.phase, "app": each.app, "gpu": each.gpu or "none"}
        for function in catalog.functions.functions
        for each in function.configurations
    ]
    metadata: dict[str, dg.MetadataValue] = {
        "programme": dg.MetadataValue.text(catalog.rollout.programme),
        "claim": dg.MetadataValue.text(catalog.projection.title),
        "sha256": dg.MetadataValue.text(catalog.sha256),
    }
    return metadata | ({"configurations": rows_as_table(functions)} if functions else {})
