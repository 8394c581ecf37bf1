"""A warehouse with every table and the built-in catalog, and one small bill in it that can be replaced by another."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb

from tests.support.empty_warehouse import NEVER, open_empty_warehouse
from tests.support.named_rows import put_amounts
from tieout.catalog.load import load_catalog
from tieout.core.periods import day_start
from tieout.core.resources import resource_path
from tieout.measure.tables import MeasuredTables
from tieout.warehouse.build import Period
from tieout.warehouse.models import reported_models

CATALOG = load_catalog(resource_path("catalog"))
WEEK = "2026-W46"
DAY = dt.date(2026, 11, 9)
FUNCTIONS = ("generate_code_modal", "=cmd|' /C calc'!A0")


def write_finance_warehouse(path: Path) -> None:
    """Write one to a file, with a bill of one dollar for each function."""
    with open_empty_warehouse() as con:
        con.execute("insert into meta.week_inputs values ('2026-W46', 'the inputs', '2026-11-17 02:00:00')")
        rows = MeasuredTables(con, CATALOG, None)
        for model in reported_models():
            kind = "view" if model.is_view else "table"
            if model.is_measured:
                con.register(model.relation, rows(model, Period(DAY, DAY)))
            con.execute(f"create {kind} {model.name} as {model.sql}", dict.fromkeys(model.parameters, NEVER))
            if model.is_measured:
                con.unregister(model.relation)
        bill(con, Decimal(1))
        con.execute(f"attach '{path}' as written")
        con.execute("copy from database memory to written")


def bill(con: duckdb.DuckDBPyConnection, amount: Decimal) -> None:
    """Replace the bill by one hour's cost of each function, as if everything up to `finance` had been built of it."""
    con.execute("begin")
    for table in ("spend.attributed", "finance.spend_daily", "reconciliation.pools", "staging.billing_intervals"):
        con.execute(f"delete from {table}")
    con.execute(
        "insert into staging.billing_intervals by name "
        "select 'now' as reading, $day::timestamp as hour, 'h' as resolution, true as is_settled",
        {"day": DAY},
    )
    for function in FUNCTIONS:
        values = {"day": DAY, "function": function, "amount": amount}
        put_amounts(
            con,
            day_start(DAY),
            environment="main",
            object_id="ap-1",
            app="app",
            resolution="h",
            resource="CPU",
            function=function,
            phase="baseline",
            component="execution",
            amount_usd=amount,
        )
        con.execute(
            "insert into finance.spend_daily by name select $day as day, '2026-W46' as week, 'main' as environment, "
            "'app' as app, $function as function, 'baseline' as phase, 'execution' as component, 'CPU' as resource, "
            "$amount as amount_usd, 'settled' as status",
            values,
        )
    con.execute(
        "insert into reconciliation.pools by name select 'main' as environment, 'ap-1' as object_id, 'app' as app, "
        "$day::timestamp as hour, 'h' as resolution, 'CPU' as resource, $total as billed_usd, "
        "$total as attributed_usd, 0 as modelled_usd, 0 as difference_usd, 'settled' as status",
        {"day": DAY, "total": amount * len(FUNCTIONS)},
    )
    con.execute("commit")
