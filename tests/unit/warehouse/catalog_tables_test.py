"""The catalog's tables are written anew when they are not of this catalog, and else left as they are."""

from collections.abc import Iterator

import duckdb
import pytest

from tieout.catalog.load import load_catalog
from tieout.core.resources import resource_path
from tieout.warehouse.catalog_tables import write_catalog

CATALOG = load_catalog(resource_path("catalog"))
OTHER = CATALOG.model_copy(
    update={"settings": CATALOG.settings.model_copy(update={"settle_hours": CATALOG.settings.settle_hours + 1})}
)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("create schema catalog")
        write_catalog(con, CATALOG)
        con.execute("delete from catalog.components")
        yield con


def written_again(con: duckdb.DuckDBPyConnection) -> bool:
    return con.execute("select count(*) > 0 from catalog.components").fetchall() == [(True,)]


def settle_hours(con: duckdb.DuckDBPyConnection) -> int:
    [(hours,)] = con.execute("select settle_hours from catalog.settings").fetchall()
    return int(hours)


def test_tables_of_the_same_catalog_are_left_as_they_are(con: duckdb.DuckDBPyConnection) -> None:
    write_catalog(con, CATALOG)
    assert not written_again(con)


def test_another_catalog_replaces_them_all(con: duckdb.DuckDBPyConnection) -> None:
    write_catalog(con, OTHER)
    assert written_again(con)
    assert settle_hours(con) == OTHER.settings.settle_hours


def test_tables_of_a_version_that_kept_no_hash_are_replaced(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("alter table catalog.settings drop column rows_sha256")
    write_catalog(con, CATALOG)
    assert written_again(con)


def test_every_price_is_exact_and_every_word_of_a_series_is_there(con: duckdb.DuckDBPyConnection) -> None:
    prices = con.execute("select resource, usd_per_hour from catalog.prices").fetchall()
    assert sorted(prices) == sorted(
        (r.name, price.usd_per_hour) for r in CATALOG.prices.resources for price in r.prices
    )
    words = con.execute("select distinct measure, words from catalog.series").fetchall()
    assert sorted(words) == sorted(
        {(rule.measure, rule.words): (rule.measure, list(rule.words)) for rule in CATALOG.series.rules}.values()
    )
