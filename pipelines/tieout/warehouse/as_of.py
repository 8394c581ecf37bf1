"""The warehouse as it would have been: built from what had been fetched by then, in a file that is gone afterwards.

Nothing is validated again: a closed week was, when it was built.
"""

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.sql import literal, transaction
from tieout.warehouse.build import Period, write_models
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import WarehouseError, open_warehouse
from tieout.warehouse.models import load_models
from tieout.warehouse.weeks import known_weeks, record_weeks

_RAW_TABLES = """
select table_name, bool_or(column_name = 'file_id')
from duckdb_columns()
where database_name = 'home' and schema_name = 'raw' and table_name != 'deliveries'
group by all
"""

_DELIVERED = "create table raw.deliveries as select * from home.raw.deliveries where fetched_at <= $as_of"

# The rows themselves stay where they are: what had not been delivered by then is left out of sight.
_OF_DELIVERED_FILES = """
create view raw."{0}" as select * from home.raw."{0}" where file_id in (select d.file_id from raw.deliveries as d)
"""
_WHOLE = 'create view raw."{0}" as select * from home.raw."{0}"'

_CLOSINGS = """
insert into meta.closings
select * from home.meta.closings
where (document ->> '$.closing.figures.as_of')::timestamp <= $as_of
"""


@contextmanager
def warehouse_as_of(warehouse: Path, as_of: dt.datetime, catalog: Catalog) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build every table from what had been fetched by a moment, with the closings that could have been made of it.

    Args:
        warehouse: the workspace's warehouse; only read from.
        as_of: naive UTC.
        catalog: the programme, as it is now.

    Raises:
        WarehouseError: there is no warehouse yet, another process is writing it, or nothing had been fetched by then.
    """
    if not warehouse.exists():
        raise WarehouseError(f"{warehouse} does not exist yet", remedy="`tieout run` builds it from the landed files.")
    with tempfile.TemporaryDirectory(prefix="tieout-") as folder, open_warehouse(Path(folder) / "as_of.duckdb") as con:
        _attach(con, warehouse)
        _show_raw(con, as_of)
        con.execute(_CLOSINGS, {"as_of": as_of})
        weeks = known_weeks(con)
        if not weeks:
            raise WarehouseError(f"no bill or call log had been fetched by {as_of:%Y-%m-%d %H:%M} UTC")
        write_catalog(con, catalog)
        period = Period(weeks[0].start, weeks[-1].end)
        with transaction(con):
            write_models(con, load_models(), period)
        record_weeks(con, catalog, weeks, now=as_of.replace(tzinfo=dt.UTC))
        yield con


def _attach(con: duckdb.DuckDBPyConnection, warehouse: Path) -> None:
    try:
        con.execute(f"attach {literal(str(warehouse))} as home (read_only)")
    except duckdb.IOException as error:
        raise WarehouseError(
            f"{warehouse} cannot be read, perhaps because another process is writing it: {error}"
        ) from error


def _show_raw(con: duckdb.DuckDBPyConnection, as_of: dt.datetime) -> None:
    con.execute(_DELIVERED, {"as_of": as_of})
    for table, is_of_files in con.execute(_RAW_TABLES).fetchall():
        con.execute((_OF_DELIVERED_FILES if is_of_files else _WHOLE).format(table))
