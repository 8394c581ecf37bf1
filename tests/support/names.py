"""Rows of a test by names: a row says as a person does whom it is about, and gets what models match by.

That is the number of a pool, and the key of a configuration, a claimant or a function. Configurations and claimants are
entered where models look names up, `usage.configurations` and `spend.claimants`.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import duckdb

from tieout.warehouse.models import Model

LISTS = ("usage.configurations", "spend.claimants")
"""The tables that say, by week, what names keys stand for."""

_TABLES = {"usage.hourly": "usage.hours", "spend.hourly": "spend.attributed"}
"""Which table each of these views shows with names."""

_POOL = ("environment", "object_id", "app", "resolution", "resource", "status")
_CONFIGURATION = ("environment", "app", "function", "phase", "configuration_from")
_BY_NAMES = ("configuration_key", "claimant_key", "function_key")

_NUMBER_POOLS = """
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
_ADD_POOL = """
insert into spend.pools by name
select
    {names},
    $hour::timestamp as hour,
    epoch_us(hour) // 3600000000 * 1000000000 + 1 + n.others as pool_number,
    pool_number as interval_number
from (select count(*) as others from spend.pools as p where p.hour = $hour::timestamp) as n
"""
# Where a row does not say since when a configuration holds, its phase tells it from others of the function.
_KEYS = """
select
    case
        when $configuration_from is null
            then meta.name_key(concat_ws(chr(31), $environment, $app, $function, $phase))
        else meta.configuration_key($environment, $app, $function, $configuration_from::timestamp)
    end as configuration_key,
    meta.claimant_key($function, $phase) as claimant_key,
    meta.function_key($environment, $app, $function) as function_key
"""


def number_pools(con: duckdb.DuckDBPyConnection) -> None:
    """Give the rows of spend.pools the numbers that its model gives them."""
    con.execute(_NUMBER_POOLS)


def table_of(name: str) -> str:
    """Return where a test puts its rows of a table, or of a view that shows a table with names."""
    return _TABLES.get(name, name)


def put_row(con: duckdb.DuckDBPyConnection, table: str, row: Mapping[str, Any], week: dt.datetime) -> None:
    """Insert a row, with numbers and keys that it lacks in place of names that its table does not have.

    A row of a view goes into the table that the view shows. The pool of an amount is made where spend.pools lacks it;
    any other row whose table has the pool's names has no number then.

    Args:
        con: a warehouse.
        table: qualified name of a table, or of one of these views.
        row: values by column, and names.
        week: naive UTC, the first hour of the week in which keys are to stand for the names.

    Raises:
        LookupError: spend.pools has no such pool, or several.
    """
    table = table_of(table)
    columns = con.table(table).columns
    found = _numbers(con, table, columns, row) | _keys(con, table, columns, row, week)
    replaced = {*_POOL, *_CONFIGURATION, "interval_start"} - set(columns) if found else set()
    values = {name: value for name, value in row.items() if name not in replaced} | found
    _insert(con, table, _in_picodollars(values, columns))


def with_names(model: Model) -> str:
    """Return SQL that selects a model's rows, each with the names of its configuration."""
    names = [name for name in _CONFIGURATION if name not in model.columns]
    if "configuration_key" not in model.columns or not names:
        return model.sql
    listed = f"select distinct configuration_key, {', '.join(names)} from usage.configurations"
    return f"select * from ({model.sql}) as r left join ({listed}) as n using (configuration_key)"


def _numbers(con: duckdb.DuckDBPyConnection, table: str, columns: list[str], row: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of the pool that a row names, or of its interval."""
    numbers = [number for number in ("pool_number", "interval_number") if number in columns and number not in row]
    is_amount = table == "spend.attributed"
    if table == "spend.pools" or not numbers or not (is_amount or "object_id" in row):
        return {}
    names = {name: row[name] for name in _POOL if name in row}
    pool = names | {"hour": row["interval_start"] if "interval_start" in row else row["hour"]}
    same = " and ".join(f"{name} is not distinct from ${name}" for name in names)
    find = f"select distinct {', '.join(numbers)} from spend.pools where hour = $hour::timestamp and {same}"
    found = con.execute(find, pool).fetchall()
    if not found and is_amount:
        con.execute(_ADD_POOL.format(names=", ".join(f"${name} as {name}" for name in names)), pool)
        found = con.execute(find, pool).fetchall()
    if not found and "object_id" in columns:
        return {}
    if len(found) != 1:
        raise LookupError(f"{table}: {len(found) or 'no'} pools are called {row}")
    return dict(zip(numbers, found[0], strict=True))


def _keys(
    con: duckdb.DuckDBPyConnection, table: str, columns: list[str], row: Mapping[str, Any], week: dt.datetime
) -> dict[str, Any]:
    """The keys of what a row names; the configuration and the claimant are entered in the lists."""
    keys = [key for key in _BY_NAMES if key in columns and key not in row]
    if table in LISTS or not keys or "function" not in row:
        return {}
    names = {name: row.get(name) for name in _CONFIGURATION}
    if "valid_from" in columns:
        names["configuration_from"] = row["valid_from"]
    if names["app"] is None and "object_id" in row:
        [(names["app"],)] = con.execute(
            "select distinct app from spend.pools where environment = ? and object_id = ?",
            [row["environment"], row["object_id"]],
        ).fetchall()
    [found] = con.execute(_KEYS, names).fetchall()
    made = dict(zip(_BY_NAMES, found, strict=True))
    # Which of all configurations there are in a week is for the model of their list to say.
    if table != "staging.configurations":
        of_week = {"window_start": week} | names | made
        for name in LISTS if "configuration_key" in keys else LISTS[1:]:
            listed = con.table(name).columns
            _enter(con, name, {column: value for column, value in of_week.items() if column in listed})
    return {key: made[key] for key in keys}


def _in_picodollars(row: Mapping[str, Any], columns: list[str]) -> dict[str, Any]:
    """A row with picodollars where its table has them in place of dollars."""
    named = {f"{name.removesuffix('_usd')}_pd": name for name in row if name.endswith("_usd") and name not in columns}
    return {name: value for name, value in row.items() if name not in named.values()} | {
        name: int(Decimal(str(row[dollars])).scaleb(12)) for name, dollars in named.items()
    }


def _enter(con: duckdb.DuckDBPyConnection, table: str, row: Mapping[str, Any]) -> None:
    """Insert a row that is not there yet."""
    same = " and ".join(f"{name} is not distinct from ${name}" for name in row)
    if con.execute(f"select 1 from {table} where {same}", row).fetchone() is None:
        _insert(con, table, row)


def _insert(con: duckdb.DuckDBPyConnection, table: str, row: Mapping[str, Any]) -> None:
    marks = ", ".join("?" for _ in row)
    con.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values()))
