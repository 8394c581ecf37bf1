"""The bookkeeping survives a change of version, in one direction."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import pytest

from tieout.catalog.vocabulary import COMPONENTS
from tieout.validation.suites import load_suite
from tieout.warehouse.connection import WarehouseError, open_warehouse, read_warehouse
from tieout.warehouse.schema import MIGRATIONS, Migration, migrate, version_of

# What the first version of Tieout made when it opened a warehouse; the other tables came when they were needed first.
FIRST_VERSION = """
create schema raw;
create schema meta;
create schema quarantine;
create table meta.models (model varchar primary key, code_version varchar not null);
create table meta.week_inputs (week varchar primary key, input_hash varchar not null, built_at timestamp not null);
create table meta.closings (
    week varchar not null, revision integer not null, closed_at timestamp not null, document varchar not null,
    primary key (week, revision)
);
create table meta.followed_calls (last_file_id integer not null);
create table quarantine.rows (
    table_name varchar not null, expectation varchar not null, severity varchar not null, row_json varchar not null,
    run_id varchar not null, seen_at timestamp not null
);
alter table quarantine.rows add column since date;
alter table quarantine.rows add column until date;
insert into meta.closings values ('2026-W46', 1, '2026-11-17 09:00:00', '{"sha256": "of an issue"}');
insert into meta.followed_calls values (7);
"""
STATE = "select week, revision, closed_at::varchar, document, last_file_id from meta.closings, meta.followed_calls"
BOOKKEEPING = """
select schema_name, table_name, column_name, data_type, is_nullable, comment
from duckdb_columns() where schema_name in ('meta', 'quarantine') order by all
"""
NEXT = Migration(MIGRATIONS[-1].version + 1, "Weeks have a colour", "alter table meta.models add column colour varchar")


@pytest.fixture
def first_version(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(path) as con:
        con.execute(FIRST_VERSION)
    return path


def test_components_and_evidence_are_types_in_the_order_of_their_names(tmp_path: Path) -> None:
    rules = [rule.kwargs for rule in load_suite("spend.pool_claims").expectations]
    [evidence] = [rule["value_set"] for rule in rules if rule.get("column") == "evidence"]
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        for kind, names in (("component", [component.name for component in COMPONENTS]), ("evidence", evidence)):
            [(values,)] = con.execute(f"select enum_range(null::meta.{kind})::varchar[]").fetchall()
            assert values == sorted(names)


def test_versions_count_up_from_one() -> None:
    assert [migration.version for migration in MIGRATIONS] == [*range(1, len(MIGRATIONS) + 1)]


def test_a_warehouse_of_the_first_version_keeps_its_state_and_gets_what_is_new(
    first_version: Path, tmp_path: Path
) -> None:
    with duckdb.connect(first_version) as con:
        before = con.execute(STATE).fetchall()
    with open_warehouse(tmp_path / "fresh.duckdb") as fresh:
        wanted = fresh.execute(BOOKKEEPING).fetchall()
    with open_warehouse(first_version) as con:
        assert con.execute(STATE).fetchall() == before != []
        assert con.execute(BOOKKEEPING).fetchall() == wanted
        assert version_of(con) == MIGRATIONS[-1].version


def test_a_warehouse_of_the_first_version_can_be_read_before_it_is_brought_up_to_date(first_version: Path) -> None:
    with read_warehouse(first_version) as con:
        assert version_of(con) == 0
        assert len(con.execute(STATE).fetchall()) == 1


def test_a_warehouse_records_every_change_once(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    for _ in range(2):
        with open_warehouse(path) as con:
            recorded = con.execute("select version, change from meta.migrations order by version").fetchall()
            assert recorded == [(migration.version, migration.change) for migration in MIGRATIONS]


def test_only_what_is_new_is_done(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        con.execute("insert into meta.models values ('spend.hourly', 'abc')")
        migrate(con, [*MIGRATIONS, NEXT])
        assert con.execute("select * from meta.models").fetchall() == [("spend.hourly", "abc", None)]
        assert version_of(con) == NEXT.version


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    broken = Migration(NEXT.version, "Half of it", f"{NEXT.sql}; select * from meta.nothing")
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        before = con.execute(BOOKKEEPING).fetchall()
        with pytest.raises(duckdb.CatalogException):
            migrate(con, [*MIGRATIONS, broken])
        assert con.execute(BOOKKEEPING).fetchall() == before
        assert version_of(con) == MIGRATIONS[-1].version


@pytest.mark.parametrize("opened", [open_warehouse, read_warehouse])
def test_a_warehouse_of_a_newer_version_is_refused_and_left_alone(
    tmp_path: Path, opened: Callable[[Path], AbstractContextManager[duckdb.DuckDBPyConnection]]
) -> None:
    path = tmp_path / "warehouse.duckdb"
    with open_warehouse(path) as con:
        migrate(con, [*MIGRATIONS, NEXT])
    with pytest.raises(WarehouseError) as refused, opened(path):
        pass
    assert str(refused.value) == (
        f"{path}: a newer version of Tieout wrote this warehouse: its bookkeeping is version {NEXT.version}, "
        f"this one knows {MIGRATIONS[-1].version}. Install the version of Tieout that wrote it, or name another "
        "folder with --home."
    )
    with duckdb.connect(path) as con:
        assert version_of(con) == NEXT.version
