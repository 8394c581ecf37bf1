from pathlib import Path

import duckdb
import pytest

from tieout.warehouse.parsed import parsed

ADD = "insert into costs by name select $cost as cost"


def test_a_statement_does_the_same_again_in_other_warehouses_with_what_it_is_given(tmp_path: Path) -> None:
    for name in ("first", "second"):
        with duckdb.connect(tmp_path / name) as con:
            con.execute("create table costs (cost integer)")
            for cost in (1, 2):
                con.execute(parsed(con, ADD), {"cost": cost})
            assert con.execute("select cost from costs order by all").fetchall() == [(1,), (2,)]


def test_it_is_planned_anew_for_the_tables_as_they_are(tmp_path: Path) -> None:
    sql = "create table summed as select sum(cost) as cost from costs"
    for kind, total in (("integer", 3), ("double", 3.5)):
        with duckdb.connect(tmp_path / kind) as con:
            con.execute(f"create table costs as select unnest([1, {total - 1}])::{kind} as cost")
            con.execute(parsed(con, sql))
            assert con.execute("select cost from summed").fetchall() == [(total,)]


def test_what_is_no_sql_is_refused_every_time() -> None:
    with duckdb.connect() as con:
        for _ in range(2):
            with pytest.raises(duckdb.ParserException):
                parsed(con, "select from where")
