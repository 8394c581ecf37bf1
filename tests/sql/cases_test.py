"""SQL cases: small inputs and the rows that a person expects, as YAML that a reviewer can check by eye.

A case names the model, gives rows for the tables it reads (missing columns are null), and the rows it must return. With
`build: [a.b, …]` the named models run first, in that order, after what every load makes of the logs of calls. Pools,
configurations and claimants are called by their names where models know a number or a key (`tests.support.names`): what
a list of names has of the case stays in it when its model runs. Values are compared as DuckDB prints them.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.support.empty_warehouse import open_empty_warehouse
from tests.support.names import LISTS, number_pools, put_row, table_of, with_names
from tieout.sources import container_hours
from tieout.warehouse.models import Model, load_models, model_named

_CALL_LOGS = ("staging.superseded_calls", "staging.call_logs")
_LAST_FILE_ID = 2**31 - 1
CASES = Path(__file__).parent / "cases"


def _cases() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in sorted(CASES.glob("*.yaml"))
        for case in yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    ]


@pytest.fixture(scope="module")
def empty_warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_empty_warehouse() as con:
        yield con


@pytest.mark.parametrize("case", _cases())
def test_model_returns_the_expected_rows(case: Mapping[str, Any], empty_warehouse: duckdb.DuckDBPyConnection) -> None:
    with _given(empty_warehouse, case) as period:
        actual = _rows(empty_warehouse, case["model"], period, case["expect"])
    assert actual == [{key: _text(value) for key, value in row.items()} for row in case["expect"]]


# A build writes nothing where these tables are empty.
@pytest.mark.parametrize("model", [model for model in load_models() if model.empty_without], ids=attrgetter("name"))
def test_model_has_no_row_without_what_its_head_names(model: Model, empty_warehouse: duckdb.DuckDBPyConnection) -> None:
    cases = [case for [case] in (param.values for param in _cases()) if case["model"] == model.name and case["expect"]]
    assert cases
    for case in cases:
        with _given(empty_warehouse, case) as period:
            for table in model.empty_without:
                empty_warehouse.execute(f"delete from {table}")
            assert _rows(empty_warehouse, model.name, period, []) == [], case["name"]


@contextmanager
def _given(con: duckdb.DuckDBPyConnection, case: Mapping[str, Any]) -> Iterator[dict[str, dt.datetime]]:
    """Put the rows of a case where its model finds them, for as long as the block takes, and say its period."""
    days = {"since": case.get("since", "2026-11-02"), "until": case.get("until", "2026-11-03")}
    period = {name: dt.datetime.fromisoformat(day) for name, day in days.items()}
    con.execute("begin")
    try:
        _give(con, case["given"], period["since"])
        con.execute("delete from raw.container_hours")
        container_hours.insert(con, 0, _LAST_FILE_ID)
        for name in (*_CALL_LOGS, *case.get("build", [])):
            _build(con, name, period)
        yield period
    finally:
        con.execute("rollback")


def _give(con: duckdb.DuckDBPyConnection, given: Mapping[str, list[Mapping[str, Any]]], week: dt.datetime) -> None:
    tables = sorted(given, key=lambda table: table != "spend.pools")
    for table in tables:
        con.execute(f"delete from {table_of(table)}")
    for table in tables:
        for row in given[table]:
            put_row(con, table, row, week)
        if table == "spend.pools":
            number_pools(con)


def _build(con: duckdb.DuckDBPyConnection, name: str, period: Mapping[str, dt.datetime]) -> None:
    model = model_named(name)
    rows = model.sql
    if name in LISTS:
        rows = f"select * from ({rows}) as r anti join {name} as n using ({', '.join(model.key)})"
    else:
        con.execute(f"delete from {name}")
    con.execute(f"insert into {name} by name {rows}", {key: period[key] for key in model.parameters})


def _rows(
    con: duckdb.DuckDBPyConnection, name: str, period: Mapping[str, dt.datetime], expect: list[Mapping[str, Any]]
) -> list[dict[str, str]]:
    model = model_named(name)
    columns = list(expect[0]) if expect else list(model.columns)[:1]
    listed = ", ".join(f"coalesce({column}::varchar, 'null') as {column}" for column in columns)
    rows = con.execute(
        f"select {listed} from ({with_names(model)}) order by all", {key: period[key] for key in model.parameters}
    ).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _text(value: Any) -> str:
    return "null" if value is None else str(value)
