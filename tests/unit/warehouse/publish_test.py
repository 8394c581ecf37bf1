"""Finance's file: what is in it, that others can open it, and that no failure spoils the one that is there."""

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Tieout
from tests.support.finance_warehouse import CATALOG, DAY, FUNCTIONS, WEEK, bill, write_finance_warehouse
from tieout.catalog.models import Billing
from tieout.core.home import Home
from tieout.warehouse.connection import WarehouseError
from tieout.warehouse.models import model_named
from tieout.warehouse.publish import (
    DESCRIPTIONS,
    STORAGE_VERSION,
    is_published,
    publish,
    published_models,
    published_name,
    read_published,
)
from tieout.warehouse.published_days import first_changed_day, read_contents, record

# Bytes 12 to 20 of a DuckDB file: the format it is written in; 65 is what DuckDB 1.2 brought.
FORMAT_OF_1_2 = 65

EARLIER = """
select date '2026-09-30' as day, '2026-W40' as week, 'main' as environment, 'app' as app, 'f' as function,
    'baseline' as phase, 'execution' as component, 'CPU' as resource, 5 as amount_usd, 'settled' as status
"""
EARLIER_GONE = "delete from finance.spend_daily where day = '2026-09-30'"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb"
    write_finance_warehouse(path)
    return path


@pytest.fixture
def con(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    copy = tmp_path_factory.mktemp("copy") / "warehouse.duckdb"
    shutil.copy(warehouse, copy)
    with duckdb.connect(copy) as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "finance.duckdb"


def read(path: Path, select: str) -> list[tuple[object, ...]]:
    with read_published(path) as file:
        return list(file.execute(select).fetchall())


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with read_published(path) as file:
        tables = file.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        return {str(table): list(file.execute(f"from {table}").fetchall()) for (table,) in tables}


def test_the_file_holds_what_finance_queries_and_nothing_else(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    published = publish(con, path, CATALOG)
    wanted = {model.name for model in published_models()} | {each.table for each in DESCRIPTIONS}
    assert published.rows.keys() == wanted
    assert contents(path).keys() == {published_name(table) for table in wanted}
    schemas = read(path, "select schema_name from duckdb_schemas() where database_name = 'finance'")
    assert {name for (name,) in schemas} == {"main", "focus"}
    assert read(path, "select view_name from duckdb_views() where not internal") == []
    assert published.rows["finance.spend_daily"] == len(FUNCTIONS)
    assert published.size_bytes == path.stat().st_size


def test_duckdb_from_1_2_on_can_open_it(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    publish(con, path, CATALOG)
    header = path.read_bytes()[:20]
    assert STORAGE_VERSION == "v1.2.0"
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == FORMAT_OF_1_2


def test_every_table_and_column_says_what_it_is(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    publish(con, path, CATALOG)
    assert read(path, "select table_name from duckdb_tables() where coalesce(comment, '') = ''") == []
    assert (
        read(
            path,
            "select table_name, column_name from duckdb_columns() "
            "where database_name = 'finance' and not internal and coalesce(comment, '') = ''",
        )
        == []
    )


def test_the_columns_made_at_publishing_are_those_described(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    publish(con, path, CATALOG)
    for description in DESCRIPTIONS:
        columns = [name for name, *_ in read(path, f"describe {description.table}")]
        assert columns == list(description.columns)


def test_it_says_what_it_was_made_from_and_that_it_ties(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    bill(con, Decimal("12.345678901234"))
    publish(con, path, CATALOG)
    [about] = read(path, "select * exclude (inputs_sha256, tieout_version, built_at) from finance.about")
    assert about == (
        "2",
        WEEK,
        WEEK,
        CATALOG.sha256,
        None,
        read(path, f"select timestamp '{DAY} 01:00:00'")[0][0],
        1,
        0,
        Decimal("24.691357802468"),
        Decimal("24.691357802468"),
        Decimal("0.000000000000"),
        True,
    )
    assert read(path, "select week, billed_usd, status from finance.weeks") == [
        (WEEK, Decimal("24.691357802468"), "settled")
    ]


def test_opened_directly_its_tables_need_no_qualifier(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    publish(con, path, CATALOG)
    with duckdb.connect(path, read_only=True) as opened:
        plain = opened.execute("select function, amount_usd from spend_daily").fetchall()
        assert len(plain) == len(FUNCTIONS)
        assert opened.execute("select function, amount_usd from finance.spend_daily").fetchall() == plain
        assert opened.execute("select count(*) from focus.cost_and_usage_1_2").fetchall() == [(0,)]


def test_tags_can_be_left_out_and_the_file_is_made_again_for_it(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    con.execute("drop view if exists focus.cost_and_usage_1_4")
    model = model_named("focus.cost_and_usage_1_4")
    tagged = ", ".join(f"'x' as {column}" for column in model.columns)
    con.execute(f"create or replace table focus.cost_and_usage_1_4 as select {tagged}")
    tags = "select Tags, ResourceName from focus.cost_and_usage_1_4"
    publish(con, path, CATALOG)
    assert read(path, tags) == [("x", "x")]
    without = CATALOG.model_copy(update={"billing": Billing(publishes_tags=False)})
    assert not is_published(con, path, without)
    publish(con, path, without)
    assert read(path, tags) == [(None, "x")]
    assert is_published(con, path, without)


def test_the_same_warehouse_gives_the_same_content(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    publish(con, path, CATALOG)
    first = contents(path)
    publish(con, path, CATALOG)
    assert contents(path) == first


def test_days_that_changed_are_replaced_and_the_rest_is_as_if_written_whole(
    con: duckdb.DuckDBPyConnection, path: Path, tmp_path: Path
) -> None:
    publish(con, path, CATALOG)
    other = tmp_path / "whole.duckdb"
    for amount, earlier in ((2, ""), (3, f"insert into finance.spend_daily by name {EARLIER}"), (4, EARLIER_GONE)):
        bill(con, Decimal(amount))
        con.execute(earlier)
        publish(con, path, CATALOG)
        replaced, order = contents(path), read(path, "select day, function from spend_daily")
        assert order == sorted(order)
        publish(con, other, CATALOG)
        assert contents(other) == replaced
        publish(con, path, CATALOG)  # what was made last is the other file
        assert contents(path) == replaced


def test_it_is_known_from_which_day_on_a_file_is_out_of_date(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    def changed(code: str = "code") -> dt.date | None:
        return first_changed_day(con, path, read_contents(con, published_models()), code)

    con.execute(f"insert into finance.spend_daily by name {EARLIER}")
    assert changed() is None  # there is no file
    path.write_bytes(b"as it was made")
    record(con, path, read_contents(con, published_models()), "code")
    assert changed() == dt.date(2026, 11, 9)  # nothing has changed: the last day
    bill(con, Decimal(2))
    assert changed() == dt.date(2026, 9, 30)  # the earlier day is gone
    assert changed("other code") is None
    con.execute(f"insert into finance.spend_daily by name {EARLIER}")
    assert changed() == dt.date(2026, 11, 9)
    con.execute(f"insert into finance.spend_daily by name {EARLIER.replace('2026-09-30', '2026-11-08')}")
    assert changed() == dt.date(2026, 11, 8)
    con.execute("insert into reconciliation.months by name select date '2026-11-01' as month, 1 as metered_usd")
    assert changed() == dt.date(2026, 11, 1)  # what is said of a month counts for all of its days
    con.execute("insert into catalog.components select 'new', 'work', 99, true, 'new'")
    assert changed() is None  # it has no day
    record(con, path, read_contents(con, published_models()), "code")
    con.execute(f"insert into finance.spend_daily by name {EARLIER.replace('2026-09-30', '2026-12-01')}")
    assert changed() is None  # a new month
    con.execute("delete from finance.spend_daily where day = '2026-12-01'")
    assert changed() == dt.date(2026, 11, 9)
    con.execute(f"insert into finance.spend_daily by name {EARLIER.replace('2026-09-30', '2026-11-10')}")
    assert changed() == dt.date(2026, 11, 10)  # a new day
    path.write_bytes(b"as somebody else left it")
    assert changed() is None


def test_a_kill_as_soon_as_the_file_is_in_its_place_leaves_what_it_was_made_of(
    con: duckdb.DuckDBPyConnection, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(con, path, CATALOG)
    bill(con, Decimal(2))
    replace = Path.replace

    def killed(partial: Path, target: Path) -> None:
        replace(partial, target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "replace", killed)
        publish(con, path, CATALOG)
    assert is_published(con, path, CATALOG)  # so nobody publishes it again
    assert read(path, "select sum(amount_usd) from finance.spend_daily") == [(Decimal(4),)]
    remembered = "select table_name, day, digest from meta.published_days order by all"
    by_the_run = con.execute(remembered).fetchall()
    publish(con, path, CATALOG)
    assert con.execute(remembered).fetchall() == by_the_run


def test_a_file_that_cannot_be_built_upon_is_written_whole(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    publish(con, path, CATALOG)
    made = contents(path)
    times = path.stat()
    path.chmod(0o644)
    path.write_bytes(bytes(times.st_size))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    publish(con, path, CATALOG)
    assert contents(path) == made


def test_rows_stand_in_the_order_of_their_key(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    con.execute("set preserve_insertion_order = false")
    publish(con, path, CATALOG)
    assert read(path, "select function from finance.spend_daily") == [(name,) for name in sorted(FUNCTIONS)]
    assert con.execute("select current_setting('preserve_insertion_order')").fetchall() == [(False,)]


def test_a_file_is_current_until_a_week_is_built_anew(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    assert not is_published(con, path, CATALOG)
    publish(con, path, CATALOG)
    assert is_published(con, path, CATALOG)
    con.execute("update meta.week_inputs set input_hash = 'other inputs'")
    assert not is_published(con, path, CATALOG)


def test_whoever_has_the_old_file_open_keeps_reading_it(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    publish(con, path, CATALOG)
    with read_published(path) as reader:
        bill(con, Decimal(2))
        publish(con, path, CATALOG)
        assert reader.execute("select sum(amount_usd) from finance.spend_daily").fetchall() == [(Decimal(2),)]
    assert read(path, "select sum(amount_usd) from finance.spend_daily") == [(Decimal(4),)]


def test_the_file_is_for_reading(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    publish(con, path, CATALOG)
    assert path.stat().st_mode & 0o222 == 0
    publish(con, path, CATALOG)  # and still it can be replaced


def test_what_somebody_wrote_into_the_old_file_does_not_reach_the_new_one(
    con: duckdb.DuckDBPyConnection, path: Path
) -> None:
    publish(con, path, CATALOG)
    log = path.with_name("finance.duckdb.wal")
    log.write_bytes(b"left by a program that opened the file for writing")
    publish(con, path, CATALOG)
    assert not log.exists()
    assert len(read(path, "from finance.spend_daily")) == len(FUNCTIONS)


@pytest.mark.parametrize(
    "broken", ["drop view finance.savings_ledger", "drop table reconciliation.pools", "drop table meta.week_inputs"]
)
def test_a_publication_that_fails_leaves_the_old_file(con: duckdb.DuckDBPyConnection, path: Path, broken: str) -> None:
    publish(con, path, CATALOG)
    before = path.read_bytes()
    con.execute(broken)
    with pytest.raises(duckdb.Error):
        publish(con, path, CATALOG)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    assert con.execute("select count(*) from duckdb_databases() where not internal").fetchall() == [(1,)]


def test_what_a_killed_publication_left_is_no_obstacle(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    (path.parent / ".finance.duckdb.partial").write_bytes(b"half a file")
    (path.parent / ".finance.duckdb.partial.wal").write_bytes(b"half a log")
    publish(con, path, CATALOG)
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_is_an_error_and_the_old_file_stays(
    con: duckdb.DuckDBPyConnection, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(con, path, CATALOG)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        publish(con, path, CATALOG)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_path_may_have_any_name(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = tmp_path / "finance's books; drop table x"
    folder.mkdir()
    publish(con, folder / "finance.duckdb", CATALOG)
    assert len(read(folder / "finance.duckdb", "from finance.about")) == 1


def test_a_file_that_is_none_of_duckdbs_is_named(path: Path) -> None:
    with pytest.raises(WarehouseError, match="does not exist yet"), read_published(path):
        pass
    path.write_bytes(b"a spreadsheet" * 1000)
    with pytest.raises(WarehouseError, match="not a valid DuckDB database file"), read_published(path):
        pass


# With the command line


def test_a_run_publishes_and_makes_up_for_a_file_that_is_gone(workspace: Home, tieout: Tieout) -> None:
    published = contents(workspace.finance)
    assert published["main.spend_daily"]
    workspace.finance.unlink()
    assert tieout("run", "--home", workspace.root).code == 0
    assert contents(workspace.finance) == published
