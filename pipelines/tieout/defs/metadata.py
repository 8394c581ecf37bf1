"""What Dagster shows of a table: its rows, its SQL, and the rows that broke a rule."""

from collections.abc import Mapping, Sequence

import dagster as dg

from tieout.core.resources import resource_path
from tieout.warehouse.build import BuildResult
from tieout.warehouse.models import Model


def rows_as_table(rows: Sequence[Mapping[str, str | None]]) -> dg.TableMetadataValue:
    """Rows of text as a table, in the order given; there is at least one."""
    columns = [dg.TableColumn(name, type="string") for name in rows[0]]
    records = [dg.TableRecord({name: value or "" for name, value in row.items()}) for row in rows]
    return dg.MetadataValue.table(records, dg.TableSchema(columns))


def model_metadata(model: Model) -> dict[str, dg.MetadataValue]:
    """What is known of a table before it is built."""
    return {
        "sql": dg.MetadataValue.md(f"```sql\n{model.sql}\n```"),
        "key": dg.MetadataValue.text(", ".join(model.key)),
        "dagster/table_name": dg.MetadataValue.text(model.name),
        "dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[_sql_file(model)]),
    }


def _sql_file(model: Model) -> dg.LocalFileCodeReference:
    path = resource_path("sql") / model.schema / f"{model.table}.sql"
    return dg.LocalFileCodeReference(
        file_path=str(path.resolve()), line_number=1, label=f"sql/{model.schema}/{model.table}.sql"
    )


def build_metadata(built: BuildResult) -> dict[str, dg.MetadataValue]:
    """What is known of a table once it is built."""
    return {
        "build_seconds": dg.MetadataValue.float(round(built.seconds, 3)),
        "expectations": dg.MetadataValue.int(len(built.validation.outcomes)),
    }
