"""The columns of every table, as Dagster shows them: with their types, what they hold, and what they are made of.

Types are kept in a small file beside Dagster's own, so that the definitions have them while the warehouse is being
written, and no event of a run has to repeat them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import dagster as dg
import duckdb

from tieout.core.files import write_whole
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.defs.checks import PROGRAMME, table_key
from tieout.defs.event_texts import LINEAGE

_COLUMNS = "columns.json"
_LINEAGE = "lineage.json"


def write_columns(home: Home, con: duckdb.DuckDBPyConnection) -> None:
    """Keep the columns of the tables as they are now for the next time the definitions are read."""
    columns: dict[str, list[tuple[str, str, str | None]]] = {}
    for table, *column in con.execute(
        "select schema_name || '.' || table_name, column_name, data_type, comment from duckdb_columns() "
        "where database_name = current_database() and not internal order by 1, column_index"
    ).fetchall():
        columns.setdefault(table, []).append((column[0], column[1], column[2]))
    path, text = home.dagster / _COLUMNS, json.dumps(columns, ensure_ascii=False)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        home.dagster.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)


def with_columns(home: Home, assets: Iterable[dg.AssetsDefinition | dg.AssetSpec]) -> list[Any]:
    """Describe the columns of every table that has been built."""
    try:
        kept = json.loads((home.dagster / _COLUMNS).read_text(encoding="utf-8"))
        schemas = {table_key(table): _schema(columns) for table, columns in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return list(assets)

    def described(spec: dg.AssetSpec) -> dg.AssetSpec:
        if spec.key not in schemas:
            return spec
        return spec.merge_attributes(metadata={"dagster/column_schema": schemas[spec.key]})

    return list(dg.map_asset_specs(described, assets))


def _schema(columns: Iterable[tuple[str, str, str | None]]) -> dg.TableSchemaMetadataValue:
    return dg.MetadataValue.table_schema(
        dg.TableSchema([dg.TableColumn(name, type=kind, description=comment) for name, kind, comment in columns])
    )


def lineage_metadata(table: str) -> dict[str, dg.MetadataValue]:
    """Which columns of other tables each column is made of; Dagster looks for it on the newest materialization."""
    columns = _lineage().get(table)
    if not columns:
        return {}
    deps = {column: [_dep(source) for source in sources] for column, sources in columns.items()}
    return {LINEAGE: dg.MetadataValue.column_lineage(dg.TableColumnLineage(deps))}


@cache
def _lineage() -> Mapping[str, Mapping[str, Sequence[str]]]:
    found: Mapping[str, Mapping[str, Sequence[str]]] = json.loads(
        (resource_path("sql") / _LINEAGE).read_text(encoding="utf-8")
    )
    return found


def _dep(source: str) -> dg.TableColumnDep:
    schema, _, name = source.partition(".")
    if schema == "catalog":  # its tables are one asset
        return dg.TableColumnDep(PROGRAMME, name)
    table, _, column = source.rpartition(".")
    return dg.TableColumnDep(table_key(table), column)
