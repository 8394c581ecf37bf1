"""A warehouse with only what a measurement reads: some weeks of two functions, whose cost a person can check by eye."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import duckdb

from tieout.catalog.load import load_catalog
from tieout.core.periods import IsoWeek, days_between
from tieout.core.resources import resource_path
from tieout.core.sql import transaction
from tieout.sources import create_raw_schema
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import model_named

CODE, GENOME = "generate_code_modal", "evaluate_genome_modal"
OLD_APP, NEW_APP = "coral-x-production", "coral-x-production-optimized"
FIRST_DAY, LAST_WEEK = dt.date(2026, 9, 28), IsoWeek.parse("2026-W44")
DEPLOYED = dt.date(2026, 10, 19)
CALL_BEFORE_USD, CALL_AFTER_USD = Decimal("0.50"), Decimal("0.20")

_TABLES = """
create or replace table staging.billing_intervals (
    reading varchar, hour timestamp, resolution varchar, fetched_at timestamp, is_settled boolean
);
create or replace table spend.hourly (
    environment varchar, app varchar, function varchar, resource varchar, hour timestamp, amount_usd decimal(38, 12)
);
create or replace table staging.prices (
    resource varchar, valid_from timestamp, valid_to timestamp, usd_per_hour decimal(38, 12)
);
create or replace table reconciliation.log_vs_bill (
    environment varchar, app varchar, function varchar, day timestamp, billed_usd decimal(38, 12),
    modelled_usd decimal(38, 12), outcome varchar
);
create or replace table reconciliation.completeness (
    environment varchar, app varchar, function varchar, day timestamp, outcome varchar
);
create or replace table spend.pools (
    environment varchar, object_id varchar, app varchar, hour timestamp, billed_usd decimal(38, 12)
);
create or replace table staging.configurations (
    environment varchar, app varchar, function varchar, phase varchar, source varchar, is_catalogued boolean,
    valid_from timestamp, valid_to timestamp, gpu varchar, gpu_count integer, cpu_request_millicores integer,
    memory_request_mib integer
);
create or replace table savings.daily_function (
    environment varchar, app varchar, function varchar, phase varchar, day timestamp, successful_calls bigint,
    function_calls bigint, inputs bigint, errors bigint, timeouts bigint, oom_kills bigint, p50_execution_us bigint,
    p95_execution_us bigint, busy_us bigint, container_us bigint, cost_usd decimal(38, 12), gpu_usd decimal(38, 12),
    cpu_usd decimal(38, 12), memory_usd decimal(38, 12), status varchar
);
create or replace table spend.weekly (
    week_start date, environment varchar, app varchar, function varchar, amount_usd decimal(38, 12),
    low_usd decimal(38, 12), high_usd decimal(38, 12)
);
create or replace table staging.deployments (
    environment varchar, app varchar, deployed_at timestamp, commit_hash varchar
);
create or replace table staging.functions (function_key bigint, environment varchar, app varchar, function varchar);
create or replace table usage.container_days (function_key bigint, day timestamp, inputs bigint);
insert or replace into meta.week_inputs values ('2026-W44', 'x', '2026-11-02');
"""


def write_measured_warehouse(path: Path, *, first_day: dt.date = FIRST_DAY) -> None:
    """Write a warehouse from a day on: $0.50 a call before the deployment, from then on $0.20 for generating code."""
    with open_warehouse(path) as con:
        create_raw_schema(con)
        write_catalog(con, load_catalog(resource_path("catalog")))
        con.execute(_TABLES)
        con.execute(f"create or replace view staging.landed_days as {model_named('staging.landed_days').sql}")
        with transaction(con):
            _work_from(con, first_day)


def _work_from(con: duckdb.DuckDBPyConnection, first_day: dt.date) -> None:
    for day in days_between(first_day, LAST_WEEK.end):
        con.execute(
            "insert into staging.billing_intervals values ('now', ?, 'd', ?, true)",
            [day, day + dt.timedelta(days=2)],
        )
        _work(con, CODE, day, is_moved=day >= DEPLOYED)
        _work(con, GENOME, day, is_moved=False)


def pull_log(con: duckdb.DuckDBPyConnection, function: str, days: Iterable[dt.date], *, app: str = OLD_APP) -> None:
    """Say that the call log of a function was pulled for each of the days."""
    [(first,)] = con.execute("select coalesce(max(file_id), 0) + 1 from raw.files").fetchall()
    con.execute(
        """
        create or replace temp table pulled as
        select $first + row_number() over (order by day) - 1 as file_id, file_id || '.json' as path, day
        from (select unnest($days::date[]) as day)
        """,
        {"first": first, "days": list(days)},
    )
    con.execute(
        """
        insert into raw.files (file_id, source, sha256, path, app, function)
        select file_id, 'function_calls', file_id::varchar, path, ?, ? from pulled
        """,
        [app, function],
    )
    con.execute(
        """
        insert into raw.deliveries (file_id, path, fetched_at, range_start, range_end, has_sidecar)
        select file_id, path, day + interval 2 days, day, day + interval 1 day, true from pulled
        """
    )
    con.execute("drop table pulled")


def _work(con: duckdb.DuckDBPyConnection, function: str, day: dt.date, *, is_moved: bool) -> None:
    calls = 400 + 10 * day.isoweekday()
    # A few cents go up and down from day to day, so that the interval has something to go by.
    cost = calls * (CALL_AFTER_USD if is_moved else CALL_BEFORE_USD) + Decimal(day.day % 5 - 2) / 10
    seconds = 60 + day.day % 3
    con.execute(
        "insert into savings.daily_function "
        "values ('main', ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?, ?, ?, ?, ?, ?, 0, 0, 'settled')",
        [
            NEW_APP if is_moved else OLD_APP,
            function,
            "phase-1" if is_moved else "baseline",
            day,
            calls,
            calls,
            calls,
            seconds * 1_000_000,
            2 * seconds * 1_000_000,
            calls * seconds * 1_000_000,
            calls * (seconds + 10) * 1_000_000,
            cost,
            cost,
        ],
    )
    app = NEW_APP if is_moved else OLD_APP
    con.execute("insert into spend.hourly values ('main', ?, ?, 'A100-40GB', ?, ?)", [app, function, day, cost])
    con.execute(
        "insert into reconciliation.log_vs_bill values ('main', ?, ?, ?, ?, ?, 'matched')",
        [app, function, day, cost, cost],
    )
    con.execute("insert into spend.pools values ('main', 'ap-1', ?, ?, ?)", [OLD_APP, day, cost])
