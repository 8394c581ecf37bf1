"""Usage of two weeks, built in an empty warehouse from what is landed in it."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import duckdb

from tests.support.names import put_row
from tieout.warehouse.models import model_named

MONDAY = dt.datetime(2026, 11, 2)  # noqa: DTZ001 - naive UTC
"""The second of the two weeks begins."""

_WEEK = dt.timedelta(days=7)
_LOGS = ("staging.superseded_calls", "staging.call_logs")
_USAGE = ("usage.container_days", "usage.containers", "usage.warm_hours", "usage.hours")


def configure(con: duckdb.DuckDBPyConnection, app: str, cluster_sizes: Mapping[str, int]) -> None:
    """Give each function of an app one configuration for all time, with the size of its clusters."""
    for function, size in cluster_sizes.items():
        row = {
            "environment": "main",
            "app": app,
            "function": function,
            "valid_from": dt.date(1970, 1, 1),
            "valid_to": dt.date(9999, 12, 31),
            "phase": "p",
            "scaledown_window_seconds": 60,
            "min_containers": 0,
            "buffer_containers": 0,
            "cluster_size": size,
            "single_use_containers": False,
            "startup_timeout_seconds": 300,
            "source": "catalog",
        }
        put_row(con, "staging.configurations", row, MONDAY)


def all_rows(name: str) -> str:
    """Select all rows of a table."""
    return f"select * from {name} order by all"


def rows_with_container_ids(name: str) -> str:
    """Select all rows of a table, with the id of a container for its number, which is given when it is first seen."""
    if "container_key" not in model_named(name).columns:
        return all_rows(name)
    keyed = "select t.* exclude (container_key), coalesce(c.container_id, t.container_key::varchar) as container_id"
    return f"{keyed} from {name} as t left join raw.containers as c using (container_key) order by all"


def build_usage(con: duckdb.DuckDBPyConnection, select: Callable[[str], str]) -> dict[str, list[Any]]:
    """Build the tables of usage anew, one week after the other, and return what is selected of each."""
    for name in (*_LOGS, *_USAGE):
        con.execute(f"delete from {name}")
    for name in _LOGS:
        con.execute(f"insert into {name} by name {model_named(name).sql}")
    for name in _USAGE:
        model = model_named(name)
        for since in (MONDAY - _WEEK, MONDAY):
            days = {"since": since, "until": since + _WEEK}
            con.execute(f"insert into {name} by name {model.sql}", {key: days[key] for key in model.parameters})
            if not model.parameters:
                break
    return {name: con.execute(select(name)).fetchall() for name in _USAGE}
