"""The project's own suites: each one runs on the tables that the project really builds."""

import datetime as dt
from collections.abc import Iterator

import pytest

from tests.support.empty_warehouse import NEVER, open_empty_warehouse
from tieout.catalog.load import load_catalog
from tieout.core.resources import resource_path
from tieout.measure.tables import MeasuredTables
from tieout.validation.runner import Validator
from tieout.validation.suites import Suite, all_suites
from tieout.warehouse.build import Period
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
    result = validator.validate(suite, rows=f"select * from {suite.table}")
    assert [outcome.summary for outcome in result.failures] == []
