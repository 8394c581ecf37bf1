"""A build that a critical expectation breaks leaves every visible table as it was, to the last byte."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from tests.conftest import FIRST_WEEK, LAST_WEEK
from tieout.catalog.load import load_catalog
from tieout.core.findings import Severity
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.measure.tables import MeasuredTables
from tieout.validation.runner import Validator
from tieout.validation.suites import Expectation, Suite
from tieout.warehouse import build
from tieout.warehouse.build import Period, build_models
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import FLOORS, Model, all_models

WEEKS = Period(IsoWeek.parse(FIRST_WEEK).start, IsoWeek.parse(LAST_WEEK).end)
# It finds one row in any table, also in an empty one.
IMPOSSIBLE = Expectation("No rows are counted", Severity.CRITICAL, None, {}, "select count(*) as rows from {table}", 1)

HARMLESS = replace(IMPOSSIBLE, sql="select * from {table} where false")
# One table of every floor: the last one, so that those before it are built when it is refused.
REFUSED = {model.schema: model.name for model in all_models()}


@pytest.fixture(scope="module")
def con(built_workspace: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of a built warehouse, for builds that fail: it stays as it is."""
    copy = tmp_path_factory.mktemp("blocked") / "warehouse.duckdb"
    shutil.copyfile(built_workspace.warehouse, copy)
    with open_warehouse(copy) as opened:
        yield opened


@pytest.fixture(scope="module")
def before(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    return content(con)


@pytest.fixture(scope="module")
def validator(con: duckdb.DuckDBPyConnection) -> Validator:
    return Validator(con)


def judge(monkeypatch: pytest.MonkeyPatch, *, refused: str) -> None:
    """Let everything pass but one table."""

    def suite_of(table: str) -> Suite:
        return Suite(table, "expectations/x.yaml", (IMPOSSIBLE if table == refused else HARMLESS,))

    monkeypatch.setattr(build, "load_suite", suite_of)


def content(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """The rows of every table and view, and everything that the database says about them."""
    tables = con.execute(
        "select table_schema || '.' || table_name from information_schema.tables where table_schema != 'quarantine'"
    ).fetchall()
    names = sorted(name for (name,) in tables)
    rows = {name: con.execute(f"select count(*), sum(hash(t)) from {name} as t").fetchall() for name in names}
    columns = con.execute(
        "select schema_name, table_name, column_name, data_type, comment from duckdb_columns() order by all"
    ).fetchall()
    views = con.execute("select schema_name, view_name, sql, comment from duckdb_views() order by all").fetchall()
    return {**rows, "columns": columns, "views": views}


def other(model: Model) -> Model:
    """The same table made by other SQL, which leaves out all rows."""
    return replace(model, sql=f"select * from ({model.sql}\n) as made where false", code_version="another")


@pytest.mark.parametrize("floor", FLOORS[1:])
def test_what_a_blocked_build_made_is_nowhere_to_be_seen(
    floor: str,
    con: duckdb.DuckDBPyConnection,
    before: dict[str, object],
    validator: Validator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = REFUSED[floor]
    judge(monkeypatch, refused=refused)

    made = build_changed(con, validator)

    assert not made.is_committed
    tried = {table.model.name for table in made.tables}
    assert refused in tried
    assert not tried & {model.name for model in all_models() if refused in model.depends_on}
    kept = con.execute("select distinct table_name, expectation, run_id from quarantine.rows where run_id = 'changed'")
    assert (refused, "No rows are counted", "changed") in kept.fetchall()
    assert content(con) == before


def test_the_same_build_would_be_seen_if_it_passed(
    built_workspace: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(monkeypatch, refused="none")
    shutil.copyfile(built_workspace.warehouse, tmp_path / "warehouse.duckdb")
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        made = build_changed(con, Validator(con))
        assert made.is_committed
        assert [table.model.name for table in made.tables] == [model.name for model in all_models()]
        assert con.execute("select distinct code_version from meta.models").fetchall() == [("another",)]
        assert con.execute("select count(*) from spend.hourly").fetchall() == [(0,)], "little is left of what it reads"


def build_changed(con: duckdb.DuckDBPyConnection, validator: Validator) -> build.Build:
    """Build everything by other SQL."""
    measured = MeasuredTables(con, load_catalog(resource_path("catalog")), None)
    return build_models(
        con, [other(m) for m in all_models()], WEEKS, validator=validator, run_id="changed", measured=measured
    )
