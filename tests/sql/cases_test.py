"""SQL cases: small inputs and the rows that a person expects, as YAML that a reviewer can check by eye.

A case names the model, gives rows for the tables it reads (missing columns are null), and the rows it must return. With
`build: [a.b, …]` the named models run first, in that order, after what every load makes of the logs of calls. A pool of
the bill is called by its names where models know its number. Values are compared as DuckDB prints them.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.support.empty_warehouse import open_empty_warehouse
from tests.support.pools import by_number, number_pools
from tieout.sources import container_hours
from tieout.warehouse.models import model_named

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
    con = empty_warehouse
    days = {"since": case.get("since", "2026-11-02"), "until": case.get("until", "2026-11-03")}
    period = {name: dt.datetime.fromisoformat(day) for name, day in days.items()}
    con.execute("begin")
    try:
        for table, rows in sorted(case["given"].items(), key=lambda given: given[0] != "spend.pools"):
            con.execute(f"delete from {table}")
            _insert(con, table, rows)
        con.execute("delete from raw.container_hours")
        container_hours.insert(con, 0, _LAST_FILE_ID)
        for name in (*_CALL_LOGS, *case.get("build", [])):
            _build(con, name, period)
        actual = _rows(con, case["model"], period, case["expect"])
    finally:
        con.execute("rollback")
    assert actual == [{key: _text(value) for key, value in row.items()} for row in case["expect"]]


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: list[Mapping[str, Any]]) -> None:
    for row in (by_number(con, table, row) for row in rows):
        marks = ", ".join("?" for _ in row)
        con.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values()))
    if table == "spend.pools":
        number_pools(con)


def _build(con: duckdb.DuckDBPyConnection, name: str, period: Mapping[str, dt.datetime]) -> None:
    model = model_named(name)
    con.execute(f"delete from {name}")
    con.execute(f"insert into {name} by name {model.sql}", {key: period[key] for key in model.parameters})


def _rows(
    con: duckdb.DuckDBPyConnection, name: str, period: Mapping[str, dt.datetime], expect: list[Mapping[str, Any]]
) -> list[dict[str, str]]:
    model = model_named(name)
    columns = list(expect[0]) if expect else list(model.columns)[:1]
    listed = ", ".join(f"coalesce({column}::varchar, 'null') as {column}" for column in columns)
    rows = con.execute(
        f"select {listed} from ({model.sql}) order by all", {key: period[key] for key in model.parameters}
    ).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _text(value: Any) -> str:
    return "null" if value is None else str(value)
