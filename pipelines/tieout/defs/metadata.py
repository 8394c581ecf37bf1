"""What Dagster shows of a table: its rows, its SQL, and the rows that broke a rule."""

from collections.abc import Mapping, Sequence

import dagster as dg
import duckdb

from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.warehouse.build import BuildResult, Period
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


def rows_by_week(con: duckdb.DuckDBPyConnection, built: BuildResult, period: Period) -> dict[IsoWeek, int]:
    """Count the rows of every week of a period; a table that is always built whole has one number for all weeks."""
    model = built.model
    if model.partition is None or built.period is None:
        return dict.fromkeys(period.weeks(), built.rows)
    if len(period.weeks()) == 1 and built.period == period:
        return {period.weeks()[0]: built.rows}
    counted = con.execute(
        f"select date_trunc('week', {model.partition})::date, count(*) from {model.name} "  # noqa: S608 - our own names
        f"where {model.partition} >= $since and {model.partition} < $until group by all",
        {"since": period.since, "until": period.until},
    ).fetchall()
    rows = dict(counted)
    return {week: rows.get(week.start, 0) for week in period.weeks()}
