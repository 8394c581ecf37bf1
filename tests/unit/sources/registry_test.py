"""What every record of the registry must keep to, so that what is derived from it holds together."""

import duckdb
import pytest

from tieout.sources import create_raw_schema
from tieout.sources.registry import SOURCES
from tieout.sources.source import Coverage, Role, Source

EVERY_SOURCE = pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.name)


@EVERY_SOURCE
def test_the_rows_of_a_source_are_in_the_table_of_its_name(source: Source) -> None:
    assert source.tables[-1].name == source.name


@EVERY_SOURCE
def test_the_example_of_a_path_is_one_that_loads(source: Source) -> None:
    folder, *keys, name = source.file.split("/")
    assert folder == source.name
    assert tuple(key.partition("=")[0] for key in keys) == source.path_keys
    assert name.endswith(source.suffixes)


@EVERY_SOURCE
def test_what_decides_the_cost_of_a_function_covers_days(source: Source) -> None:
    if source.role in {Role.BILL, Role.USAGE}:
        assert source.covers is Coverage.DAYS


def test_a_table_of_an_earlier_version_gets_the_columns_added_since() -> None:
    with duckdb.connect() as con:
        create_raw_schema(con)
        con.execute("insert into raw.files (file_id, source) values (1, 'app_list')")
        con.execute("alter table raw.files drop column server")
        create_raw_schema(con)
        assert con.execute("select file_id, source, server from raw.files").fetchall() == [(1, "app_list", None)]
