"""The project's own suites: each one runs on the tables that the project really builds."""

import datetime as dt
from collections.abc import Iterator

import duckdb
import pytest

from tests.support.empty_warehouse import NEVER, open_empty_warehouse
from tieout.catalog.load import load_catalog
from tieout.core.findings import Severity
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.measure.tables import MeasuredTables
from tieout.validation.runner import Validator
from tieout.validation.suites import Expectation, Suite, all_suites
from tieout.warehouse.build import Period
from tieout.warehouse.connection import read_warehouse
from tieout.warehouse.models import reported_models


@pytest.fixture(scope="module")
def validator() -> Iterator[Validator]:
    """A warehouse with every table and the catalog, but nothing landed."""
    week = Period(dt.date(2000, 1, 3), dt.date(2000, 1, 10))
    with open_empty_warehouse() as con:
        rows = MeasuredTables(con, load_catalog(resource_path("catalog")), None)
        for model in reported_models():
            kind = "view" if model.is_view else "table"
            if model.is_measured:
                con.register(model.relation, rows(model, week))
            con.execute(f"create {kind} {model.name} as {model.sql}", dict.fromkeys(model.parameters, NEVER))
            if model.is_measured:
                con.unregister(model.relation)
        yield Validator(con)


@pytest.mark.parametrize("suite", all_suites().values(), ids=lambda suite: suite.table)
def test_every_expectation_can_be_evaluated_and_holds_for_a_new_warehouse(suite: Suite, validator: Validator) -> None:
    result = validator.validate(suite, rows=f"select * from {suite.table}", spares_what_holds=False)
    assert [outcome.summary for outcome in result.failures] == []


@pytest.fixture(scope="module")
def built(built_workspace: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with read_warehouse(built_workspace.warehouse) as con:
        yield con


@pytest.mark.parametrize("suite", all_suites().values(), ids=lambda suite: suite.table)
def test_what_is_spared_where_a_table_has_no_row_finds_none_then(
    suite: Suite, built: duckdb.DuckDBPyConnection
) -> None:
    none = f"(select * from {suite.table} limit 0)"
    for expectation in suite.expectations:
        if expectation.sql is not None and expectation.holds_without_rows and "temp." not in expectation.sql:
            assert built.execute(expectation.rule(none)).fetchall() == [], expectation.name


def test_a_rule_that_looks_for_what_is_missing_is_not_spared() -> None:
    missing = (
        "select p.* from spend.pools as p anti join {table} as t using (hour)",
        "select count(*) as n from {table} having count(*) = 0",
        "select max(day) as day from {table}",
        "select * from {table} as t full join spend.pools as p using (hour)",
        "select * from {table} union all select * from spend.pools",
        "select * from {table} where day not between {since} and {until}",
    )
    for sql in missing:
        assert not Expectation("It is there", Severity.CRITICAL, None, {}, sql, 1).holds_without_rows, sql
