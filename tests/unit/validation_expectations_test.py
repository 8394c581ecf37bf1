"""The project's own suites: each one runs on the tables that the project really builds."""

import datetime as dt
from collections.abc import Iterator

import duckdb
import pytest

from pipelines.core.catalog import load_catalog
from pipelines.core.periods import day_start
from pipelines.core.resources import resource_path
from pipelines.sources.raw_schema import create_raw_schema
from pipelines.warehouse.build import Period
from pipelines.warehouse.catalog_tables import write_catalog
from pipelines.warehouse.connection import SCHEMAS
from pipelines.warehouse.measured_tables import MeasuredTables
from pipelines.warehouse.models import load_models, measured_models
from pipelines.warehouse.suites import Suite, all_suites
from pipelines.warehouse.validation import Validator


@pytest.fixture(scope="module")
def validator() -> Iterator[Validator]:
    """A warehouse with every table and the catalog, but nothing landed."""
    con = duckdb.connect()
    for schema in SCHEMAS:
        con.execute(f"create schema if not exists {schema}")
    create_raw_schema(con)
    catalog = load_catalog(resource_path("catalog"))
    write_catalog(con, catalog)
    for model in load_models():
        kind = "view" if model.is_view else "table"
        nothing = dict.fromkeys(model.parameters, day_start(dt.date(2000, 1, 1)))
        con.execute(f"create {kind} {model.name} as {model.sql}", nothing)
    week = Period(dt.date(2000, 1, 3), dt.date(2000, 1, 10))
    rows = MeasuredTables(con, catalog, None)
    for model in measured_models():
        con.register(model.relation, rows(model, week))
        con.execute(f"create table {model.name} as {model.sql}", dict.fromkeys(model.parameters, day_start(week.since)))
        con.unregister(model.relation)
    yield Validator(con)
    con.close()


@pytest.mark.parametrize("suite", all_suites().values(), ids=lambda suite: suite.table)
def test_every_expectation_can_be_evaluated_and_holds_for_a_new_warehouse(suite: Suite, validator: Validator) -> None:
    result = validator.validate(suite, rows=f"select * from {suite.table}")
    assert [outcome.summary for outcome in result.failures] == []
