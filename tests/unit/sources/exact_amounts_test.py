"""Amounts outside the bill: up to 12 decimals are kept exactly; more are refused, with the reason and what to do."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.landing_folder import LandingFolder

PARTS = {"adjustments": {"Credits": "0"}, "metered_cost_breakdown": {"GPU": "1"}}
SUMMARY = {"metered_cost": "1", "billed_cost": "1", **PARTS}
SANDBOXES = {
    "app_id": "ap-1",
    "since": "2026-10-14T00:00:00Z",
    "until": "2026-10-15T00:00:00Z",
    "groups": [{"tags": {}, "cost": "1", "cost_by_resource": {"CPU": "1"}}],
}
EXPORTS = {
    "billing_summary/2026-10.json": SUMMARY,
    "environment_billing/environment=main/2026-10.json": SUMMARY,
    "billing_rates/2026-10-01.json": {"CPU": "1"},
    "invoices/2026-10.json": {"number": "INV-1", "total": "1"},
    "sandbox_stats/app=sandboxes/2026-10-14.json": SANDBOXES,
}
PRINTED = json.dumps("1")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LandingFolder]:
    with LandingFolder(tmp_path) as folder:
        yield folder


def with_amount(name: str, amount: str) -> str:
    """The export with another amount wherever it has one."""
    return json.dumps(EXPORTS[name]).replace(f": {PRINTED}", f": {json.dumps(amount)}")


@pytest.mark.parametrize("name", EXPORTS)
def test_an_amount_of_12_decimals_is_kept_as_it_is(folder: LandingFolder, name: str) -> None:
    folder.put(name, with_amount(name, "1.000000000001"))
    assert folder.load().rejected == ()
    source = name.partition("/")[0]
    [amount] = [
        column
        for [column] in folder.rows(
            f"select column_name from duckdb_columns() where schema_name = 'raw' and table_name = '{source}' "
            "and data_type = 'DECIMAL(38,12)'"
        )
    ]
    assert (Decimal("1.000000000001"),) in folder.rows(f"select {amount} from raw.{source}")


@pytest.mark.parametrize("name", EXPORTS)
def test_an_amount_of_13_decimals_is_refused_with_the_reason_and_what_to_do(folder: LandingFolder, name: str) -> None:
    folder.put(name, with_amount(name, "1.0000000000001"))
    [rejected] = folder.load().rejected
    assert "'1.0000000000001' has more than 12 decimals. Only a line of a billing report may" in rejected.reason
    assert rejected.fix.startswith("Write it with 12 decimals.")
