"""Pools of a test by their numbers: a row names its pool as a person does, and gets the number that models match by."""

from collections.abc import Mapping
from typing import Any

import duckdb

_NUMBER = """
update spend.pools as p
set pool_number = n.pool_number, interval_number = n.interval_number
from (
    select
        rowid as id,
        epoch_us(hour) // 3600000000 * 1000000000 + row_number() over (
            partition by hour order by environment, object_id, resolution, resource
        ) as pool_number,
        epoch_us(hour) // 3600000000 * 1000000000 + dense_rank() over (
            partition by hour order by environment, object_id, resolution
        ) as interval_number
    from spend.pools
) as n
where p.rowid = n.id
"""
_FIND = """
select {number} from spend.pools
where environment = $environment and object_id = $object_id and hour = $hour::timestamp and resolution = $resolution
"""


def number_pools(con: duckdb.DuckDBPyConnection) -> None:
    """Give the rows of spend.pools the numbers that its model gives them."""
    con.execute(_NUMBER)


def by_number(con: duckdb.DuckDBPyConnection, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with the number of its pool, or of its interval, in place of names that its table does not have.

    A row that has the names keeps them, and has no number where spend.pools lacks its pool.

    Raises:
        LookupError: spend.pools has no such pool.
    """
    columns = con.table(table).columns
    numbers = [number for number in ("pool_number", "interval_number") if number in columns and number not in row]
    if table == "spend.pools" or "object_id" not in row or not numbers:
        return dict(row)
    names = {name: row[name] for name in ("environment", "object_id", "resolution")}
    names["hour"] = row["interval_start"] if "interval_start" in row else row["hour"]
    is_pool = "pool_number" in numbers
    where = " and resource = $resource" if is_pool else " limit 1"
    found = con.execute(
        _FIND.format(number=", ".join(numbers)) + where, names | ({"resource": row["resource"]} if is_pool else {})
    ).fetchone()
    if found is None and "object_id" in columns:
        return dict(row)
    if found is None:
        raise LookupError(f"{table}: no pool is called {row}")
    kept = {name: value for name, value in row.items() if name in columns}
    return kept | dict(zip(numbers, found, strict=True))
