"""Validation: what holding a month of calls against its expectations costs, against building it.

Both sides are the same run: every table of a month with its bill, and on the other side the suites of these tables and
of the raw tables below them. Setting up Great Expectations, which is the same for every size, is shown apart.
"""

import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.attribution import FUNCTIONS, MONTH, WEEKS, fill_month
from tieout.validation.raw_checks import check_raw
from tieout.validation.runner import Validator
from tieout.warehouse.build import build_models
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import load_models

MOST_RATIO = 0.4
FUNCTIONS_OF_AN_APP = 10

# Every app is billed for one GPU and some memory in every hour, in a plain report and in its breakdown.
_FILES = """
insert into raw.files (file_id, source, sha256, path, report_kind, resolution, content_start, content_end, row_count)
select
    1000000 + 2 * d + k, 'billing_report', 'bill' || d || k, 'b' || d || k, ['plain', 'resources'][k + 1], 'h',
    $since::timestamp + to_days(d::int), $since::timestamp + to_days(d::int + 1), $apps * 24 * (k + 1)
from range(31) as t (d), range(2) as s (k)
"""
_DELIVERIES = """
insert into raw.deliveries (file_id, path, fetched_at, range_start, range_end, has_sidecar)
select file_id, path, timestamp '2026-12-01', content_start, content_end, true
from raw.files where source = 'billing_report'
"""
_LINES = """
insert into raw.billing_report (
    file_id, row_number, object_id, description, environment, interval_start, resource, cost_usd
)
select
    f.file_id, a * 48 + h * 2 + r, 'ap-' || a, 'app' || a, 'main', f.content_start + to_hours(h::int),
    case when f.report_kind = 'resources' then ['A100-40GB', 'Memory'][r + 1] end,
    case when f.report_kind = 'resources' then [2.01234567, 0.31234567][r + 1] else 2.32469134 end
from raw.files as f, range($apps) as a (a), range(24) as h (h), range(2) as r (r)
where f.source = 'billing_report' and (f.report_kind = 'resources' or r = 0)
"""
# Two inputs of a container may run at once; what a function is deployed with is what several rules compare with.
_INFO_FILES = """
insert into raw.files (file_id, source, sha256, path, app, function)
select 2000000 + f, 'function_info', 'info' || f, 'i' || f, 'app' || (f // $functions_of_an_app), 'f' || f
from range($functions) as t (f)
"""
_INFOS = """
insert into raw.function_info (file_id, name, gpu_count, timeout_seconds, max_concurrent_inputs)
select file_id, function, 0, 3600, 2 from raw.files where source = 'function_info'
"""
_INFO_DELIVERIES = """
insert into raw.deliveries (file_id, path, fetched_at, has_sidecar)
select file_id, path, $since::timestamp, true from raw.files where source = 'function_info'
"""
_LEDGER = """
update raw.files set
    loaded_at = timestamp '2026-12-01',
    row_count = coalesce((select count(*) from raw.function_calls as c where c.file_id = files.file_id), 0) + coalesce(
        (select count(*) from raw.billing_report as r where r.file_id = files.file_id), 0
    ) + (select count(*) from raw.function_info as i where i.file_id = files.file_id)
"""


@dataclass(frozen=True)
class ValidationCost:
    """Median seconds of building and of validating a month, and the median of the runs' ratios."""

    calls: int
    expectations: int
    build_seconds: float
    validation_seconds: float
    setup_seconds: float
    ratio: float


def measure(calls: int, runs: int = 3) -> ValidationCost:
    """Fill the raw tables with so many calls and a bill, and build and validate their month so many times."""
    with (
        tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory,
        open_warehouse(Path(directory) / "warehouse.duckdb") as con,
    ):
        _fill(con, calls)
        started = time.monotonic()
        validator = Validator(con)
        setup_seconds = time.monotonic() - started
        measured = [_build_and_validate(con, validator) for _ in range(runs)]
    builds, validations, expectations = zip(*measured, strict=True)
    return ValidationCost(
        calls=calls,
        expectations=expectations[0],
        build_seconds=statistics.median(builds),
        validation_seconds=statistics.median(validations),
        setup_seconds=setup_seconds,
        ratio=statistics.median(ours / build for ours, build in zip(validations, builds, strict=True)),
    )


def _fill(con: duckdb.DuckDBPyConnection, calls: int) -> None:
    fill_month(con, calls)
    apps = FUNCTIONS // FUNCTIONS_OF_AN_APP
    con.execute(_FILES, {"since": MONTH.since, "apps": apps})
    con.execute(_DELIVERIES)
    con.execute(_LINES, {"apps": apps})
    con.execute(_INFO_FILES, {"functions": FUNCTIONS, "functions_of_an_app": FUNCTIONS_OF_AN_APP})
    con.execute(_INFOS)
    con.execute(_INFO_DELIVERIES, {"since": MONTH.since})
    con.execute(_LEDGER)
    con.execute("checkpoint")


def _build_and_validate(con: duckdb.DuckDBPyConnection, validator: Validator) -> tuple[float, float, int]:
    """Return the seconds of building, those of validating, raw tables included, and the number of expectations."""
    con.execute("delete from meta.checked_files")
    started = time.monotonic()
    results = list(check_raw(con, lambda: validator, run_id="benchmark").values())
    validation = time.monotonic() - started
    tables = build_models(con, load_models(), WEEKS, validator=validator, run_id="benchmark").tables
    results += [table.validation for table in tables]
    build = sum(table.seconds - table.validation_seconds for table in tables)
    validation += sum(table.validation_seconds for table in tables)
    blocked = [outcome.summary for result in results for outcome in result.blocking]
    if blocked:
        raise RuntimeError(f"the benchmark's own data is refused: {blocked}")
    return build, validation, sum(len(result.outcomes) for result in results)


def table(cost: ValidationCost) -> str:
    """The result as a Markdown table."""
    return (
        "| calls | expectations | build, median | validation, median | ratio | set-up of Great Expectations |\n"
        "|---|---|---|---|---|---|\n"
        f"| {cost.calls:,} | {cost.expectations} | {cost.build_seconds:.2f} s | {cost.validation_seconds:.2f} s "
        f"| {cost.ratio:.2f}× | {cost.setup_seconds:.1f} s |"
    )
