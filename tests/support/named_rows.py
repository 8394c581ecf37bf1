"""Amounts and usage that a test puts by their names, into the tables that `spend.hourly` and `usage.hourly` show."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import duckdb

_AMOUNTS = """
create or replace temp table named_amounts as
select
    *,
    meta.name_key(concat_ws(chr(31), environment, object_id, epoch_us(hour), resolution, resource)) as pool_number,
    meta.claimant_key(function, phase) as claimant_key
from named_rows;

insert into spend.pools by name
select distinct pool_number, environment, object_id, app, hour, resolution, resource, status
from named_amounts anti join spend.pools using (pool_number);

insert into spend.claimants by name
select distinct window_start, claimant_key, function, phase
from named_amounts anti join spend.claimants using (window_start, claimant_key);

insert into spend.attributed by name
select hour, pool_number, claimant_key, component, (amount_usd * 1000000000000)::hugeint as amount_pd
from named_amounts;

update spend.pools set billed_usd = billed.amount_usd
from (select pool_number, sum(amount_usd) as amount_usd from spend.hourly group by all) as billed
where pools.pool_number = billed.pool_number;
"""

_USAGE = """
create or replace temp table named_usage as
select
    *,
    meta.configuration_key(environment, app, function, configuration_from) as configuration_key
from named_rows;

insert into usage.configurations by name
select distinct window_start, configuration_key, environment, app, function, configuration_from
from named_usage anti join usage.configurations using (window_start, configuration_key);

insert into usage.hours by name
select hour, configuration_key, component, evidence, container_us from named_usage;
"""


def put_amounts(con: duckdb.DuckDBPyConnection, *hours: dt.datetime, status: str = "settled", **names: Any) -> None:
    """Put one amount at each of the hours, and onto the bill, as `spend.hourly` is to show it.

    Args:
        con: an empty warehouse and what a test has put into it.
        hours: starts of billed intervals, naive UTC.
        status: of the bill.
        names: environment, object_id, app, resolution, resource, function, phase, component and amount_usd.
    """
    _put(con, hours, names | {"status": status}, _AMOUNTS)


def put_usage(con: duckdb.DuckDBPyConnection, *hours: dt.datetime, **names: Any) -> None:
    """Put the same container time at each of the hours, as `usage.hourly` is to show it.

    Args:
        con: an empty warehouse and what a test has put into it.
        hours: naive UTC.
        names: environment, app, function, configuration_from, component, evidence and container_us.
    """
    _put(con, hours, names, _USAGE)


def _put(con: duckdb.DuckDBPyConnection, hours: Sequence[dt.datetime], row: dict[str, Any], statements: str) -> None:
    columns = ", ".join(f"${name} as {name}" for name in row)
    con.execute(
        "create or replace temp table named_rows as "
        f"select unnest($hours::timestamp[]) as hour, date_trunc('week', hour) as window_start, {columns}",
        {"hours": hours} | row,
    )
    con.execute(statements)
