"""What the expectations say about data: honest data passes in silence, and what is wrong is called by its name."""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import duckdb
import pytest

from tests.conftest import FIRST_WEEK, LAST_WEEK
from tests.support.landing_folder import NOW, REAL_BILL
from tests.support.loading import load_at
from tieout.catalog.load import load_catalog
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.sources import create_raw_schema
from tieout.validation.raw_checks import check_raw
from tieout.validation.results import ValidationResult
from tieout.validation.runner import Validator
from tieout.validation.suites import all_suites, load_suite
from tieout.warehouse.build import Period, build_models
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import open_warehouse, read_warehouse
from tieout.warehouse.models import load_models, model_named

DAY = dt.date(2026, 10, 14)
DAYS = (IsoWeek.parse(FIRST_WEEK).start, IsoWeek.parse(LAST_WEEK).end)
# What the simulated weeks do wrong on purpose: a deployment from a dirty tree.
ON_PURPOSE = ("warning", "Everything deployed was committed to version control")


@pytest.fixture(scope="module")
def con(built_workspace: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    copy = tmp_path_factory.mktemp("data") / "warehouse.duckdb"
    shutil.copyfile(built_workspace.warehouse, copy)
    with open_warehouse(copy) as opened:
        yield opened


@pytest.fixture(scope="module")
def validator(con: duckdb.DuckDBPyConnection) -> Validator:
    return Validator(con)


@pytest.fixture(scope="module")
def broken_before(validator: Validator) -> Callable[[str], set[str]]:
    """The rules that a table breaks as it was built; every test takes back what it does to it."""
    return cache(partial(broken_rules, validator))


def test_two_simulated_weeks_break_nothing_that_blocks_and_warn_of_nothing(built_workspace: Home) -> None:
    with read_warehouse(built_workspace.warehouse) as con:
        broken = con.execute("select distinct severity, expectation from quarantine.rows").fetchall()
    assert broken == [ON_PURPOSE]


def test_no_rule_of_a_raw_table_speaks_where_no_row_is_new(
    con: duckdb.DuckDBPyConnection, validator: Validator
) -> None:
    """So nothing is lost where nothing is evaluated."""
    for suite in all_suites().values():
        if suite.table.startswith("raw."):
            assert validator.validate(suite, rows=f"select * from {suite.table} where false").failures == ()


def test_a_real_bill_blocks_nothing(tmp_path: Path) -> None:
    for name in ("billing_report.plain.json", "billing_report.resources.json"):
        landed = tmp_path / "landing" / "billing_report" / name
        landed.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REAL_BILL / name, landed)
    summary = tmp_path / "landing" / "billing_summary" / "2026-07.json"
    summary.parent.mkdir(parents=True)
    shutil.copyfile(REAL_BILL / "billing_summary.2026-07.json", summary)
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        create_raw_schema(con)
        write_catalog(con, load_catalog(resource_path("catalog")))
        assert load_at(con, tmp_path / "landing", now=NOW).rejected == ()
        judged = Validator(con)
        results: list[ValidationResult] = list(check_raw(con, lambda: judged, run_id="real").values())
        billed = Period(dt.date(2026, 7, 27), dt.date(2026, 8, 1))
        results += build_models(con, load_models(), billed, validator=judged, run_id="real").validations
    assert [outcome.summary for result in results for outcome in result.blocking] == []
    assert sum(result.checked_rows for result in results if result.suite.table == "spend.hourly") > 0


BILL = "(select min(file_id) from raw.files where source = 'billing_report' and report_kind = 'resources')"
LOG = (
    "(select arg_max(file_id, row_count) from raw.files where source = 'function_calls' "
    "and function = 'generate_code_modal')"
)
NOON = f"timestamp '{DAY} 12:00:00'"

CORRUPTIONS = {
    "a line of the bill stands twice": (
        f"insert into raw.billing_report select * replace (row_number + 9000 as row_number) from raw.billing_report "
        f"where file_id = {BILL}",
        {"raw.billing_report": "An item stands once in its report", "raw.files": "Every row of a file was loaded"},
    ),
    "a line of the bill is lost": (
        f"delete from raw.billing_report where file_id = {BILL} and row_number = 3",
        {"raw.files": "Every row of a file was loaded"},
    ),
    "costs are rounded to cents": (
        f"update raw.billing_report set cost_usd = round(cost_usd, 2) where file_id = {BILL}",
        {"raw.billing_report": "Costs have the decimals that Modal bills"},
    ),
    "a cost went through a float": (
        f"update raw.billing_report set cost_usd = 0.131200000003 where file_id = {BILL} and row_number = 3",
        {"raw.billing_report": "No cost carries the traces of a float"},
    ),
    "a line lies outside of its report's range": (
        f"update raw.billing_report set interval_start = interval_start + interval 9 day where file_id = {BILL}",
        {
            "raw.billing_report": "Every line lies in a range that its report speaks for",
        },
    ),
    "an hour was billed before it began": (
        f"update raw.deliveries set fetched_at = range_start where file_id = {BILL}",
        {"raw.billing_report": "No interval begins after it was read"},
    ),
    "a day is taken for an hour": (
        f"update raw.billing_report set interval_start = date_trunc('day', interval_start) + to_days(row_number % 2) "
        f"where file_id = {BILL}",
        {"raw.billing_report": "Hourly reports hold more than midnights"},
    ),
    "an object has a name for an id": (
        f"update raw.billing_report set object_id = 'coral' where file_id = {BILL} and row_number = 3",
        {"raw.billing_report": "Objects are known by a Modal id"},
    ),
    "a blank stands after an object's id": (
        f"update raw.billing_report set object_id = object_id || ' ' where file_id = {BILL} and row_number = 3",
        {"raw.billing_report": "Objects are known by a Modal id"},
    ),
    "calls stand twice": (
        f"insert into raw.function_calls select * replace (row_number + 90000 as row_number) from raw.function_calls "
        f"where file_id = {LOG}",
        {
            "raw.function_calls": "A call stands once in its log",
            "raw.files": "Every row of a file was loaded",
        },
    ),
    "seconds are milliseconds": (
        f"update raw.function_calls set execution_us = execution_us * 1000 where file_id = {LOG}",
        {"raw.function_calls": "No call runs longer than its function may"},
    ),
    "inputs of one container overlap": (
        f"update raw.function_calls set execution_us = execution_us * 5 where file_id = {LOG}",
        {"raw.function_calls": "A container serves no more inputs at once than it takes"},
    ),
    "a success has no container": (
        f"update raw.function_calls set container_key = null where file_id = {LOG}",
        {"raw.function_calls": "A successful call ran on a container"},
    ),
    "a call is later than its log": (
        f"update raw.deliveries set fetched_at = range_start where file_id = {LOG}",
        {"raw.function_calls": "No call is enqueued after its log was read"},
    ),
    "the second half of a log is missing": (
        f"update raw.files set content_end = content_end - interval 12 hour, row_count = row_count // 2 "
        f"where file_id = {LOG}",
        {"raw.files": "No log of calls ends long before its range"},
    ),
    "a log is as long as Modal lets it be": (
        f"update raw.files set row_count = 1000000 where file_id = {LOG}",
        {"raw.files": "No log of calls is as long as Modal's limit"},
    ),
    "a rate is another": (
        "update raw.billing_rates set usd_per_hour = 9 where rate_name = 'gpu_hour_cost_a10g'",
        {"raw.billing_rates": "Rates are what the catalog lists"},
    ),
    "a rate is nothing": (
        "update raw.billing_rates set usd_per_hour = 0 where rate_name = 'gpu_hour_cost_a10g'",
        {"raw.billing_rates": "Every rate is positive"},
    ),
    "a rate is below nothing": (
        "update raw.billing_rates set usd_per_hour = -1 where rate_name = 'gpu_hour_cost_a10g'",
        {"raw.billing_rates": "Every rate is positive"},
    ),
    "the rates are old": (
        "update raw.deliveries set fetched_at = fetched_at - interval 60 day "
        "where file_id in (select file_id from raw.files where source = 'billing_rates')",
        {"staging.prices": "Rates were read in the 45 days before the newest bill"},
    ),
    "two reports of one moment overlap": (
        "update raw.deliveries set range_start = range_start - interval 1 hour, fetched_at = timestamp '2026-11-01' "
        "where file_id in (select file_id from raw.files where source = 'billing_report')",
        {"staging.deliveries": "Snapshots of one moment do not overlap"},
    ),
    "a report without rows does not say what it is of": (
        "update raw.deliveries set range_start = null, range_end = null where path like 'billing_report/2026-10-14%'",
        {"staging.deliveries": "A report without rows says which range it is of"},
    ),
    "a later report is of another workspace": (
        "update raw.billing_report set object_id = 'ap-other' where file_id in "
        "(select file_id from raw.files where path like 'billing_report/%.r2.json')",
        {"staging.billing_intervals": "A report bills some of the objects that it replaces"},
    ),
    "an invoice is in euros": (
        "insert into raw.invoices by name select 1 as file_id, 'A-1' as number, 10 as total, 'EUR' as currency, "
        "date '2026-10-01' as month",
        {"raw.invoices": "Invoices are in dollars"},
    ),
    "a deployed function is never called": (
        "update raw.files set row_count = 0 where source = 'function_calls' and function = 'generate_code_modal'",
        {"staging.configurations": "Every deployed function of the catalog is called"},
    ),
    "the logs of calls end days before the bill": (
        "update raw.deliveries set range_start = range_start - interval 4 day, range_end = range_end - interval 4 day "
        "where file_id in (select file_id from raw.files where source = 'function_calls')",
        {"staging.billing_intervals": "The bill and the logs of calls are equally new"},
    ),
    "the bill ends days before the logs of calls": (
        "update raw.deliveries set range_start = range_start - interval 4 day, range_end = range_end - interval 4 day "
        "where file_id in (select file_id from raw.files where source = 'billing_report')",
        {"staging.billing_intervals": "The bill and the logs of calls are equally new"},
    ),
    "an hour of long ago is not settled": (
        f"update staging.billing_intervals set is_settled = false where hour = {NOON}",
        {"staging.billing_intervals": "Hours older than two days are settled"},
    ),
    "an hour is closed with another amount than it has, and was not read again": (
        f"insert into staging.closed_days values (timestamp '{DAY}', timestamp '2026-11-01 06:00:00'); "
        "insert into staging.billing_totals by name select "
        "* replace ('closing' as reading, total_usd + 1 as total_usd) "
        f"from staging.billing_totals where date_trunc('day', hour) = timestamp '{DAY}'",
        {"staging.billing_totals": "What was not read again since its month was closed costs what it did then"},
    ),
    "a function costs and has no log": (
        "update reconciliation.log_vs_bill set outcome = 'bill only' where function = 'generate_code_modal'",
        {"reconciliation.log_vs_bill": "Every function that costs has a log"},
    ),
    "an hour of the bill was not landed": (
        f"delete from staging.billing_intervals where hour = {NOON}",
        {"staging.billing_intervals": "No hour is missing between landed hours"},
    ),
    "a function's log of a day was not landed": (
        "delete from raw.deliveries where file_id in (select file_id from raw.files where source = 'function_calls' "
        f"and function = 'generate_code_modal') and range_start = timestamp '{DAY}'",
        {"staging.deliveries": "No stretch is missing between the logs of a function"},
    ),
    "a container serves one input more than it takes for a moment": (
        "update raw.function_info set max_concurrent_inputs = 2; "
        "insert into raw.function_calls select c.* from raw.function_calls as c cross join range(2) "
        f"where c.file_id = {LOG} qualify row_number() over (order by c.execution_us desc, c.row_number) <= 2",
        {"raw.function_calls": "A container serves no more inputs at once than it takes"},
    ),
    "the last hour of the reports is lost": (
        "delete from staging.billing_totals where hour = (select max(hour) from staging.billing_totals)",
        {"staging.billing_totals": "No line of the reports that count is lost"},
    ),
    "an item of the bill is no pool": (
        f"delete from spend.pools where hour = {NOON} and object_id like 'vo-%'",
        {"spend.pools": "Every item of the bill is a pool"},
    ),
    "nothing of the bill is attributed": (
        "delete from spend.attributed",
        {"spend.attributed": "Every pool equals the bill"},
    ),
    "the last hour is not attributed": (
        "delete from spend.attributed where hour = (select max(hour) from spend.attributed)",
        {"spend.attributed": "Every pool equals the bill"},
    ),
    "the last hour is not compared": (
        "delete from reconciliation.pools where hour = (select max(hour) from reconciliation.pools)",
        {"reconciliation.pools": "Every pool is compared"},
    ),
    "the last day costs nothing": (
        "delete from savings.daily_function where day = (select max(day) from savings.daily_function)",
        {"savings.daily_function": "The costs of a day are all its spend"},
    ),
    "the last day is not in finance's spend": (
        "delete from finance.spend_daily where day = (select max(day) from finance.spend_daily)",
        {"finance.spend_daily": "A day's spend is all that was attributed on it"},
    ),
    "an hour of the bill is empty": (
        f"delete from spend.attributed where hour = {NOON}",
        {"spend.hourly": "Every hour of container time is billed"},
    ),
    "a cost is a hundred times itself": (
        f"update spend.pools set billed_usd = billed_usd * 100 where hour = {NOON} and kind = 'memory'",
        {"spend.claims": "A pool costs what its container time can cost"},
    ),
    "a cost is a hundredth of itself": (
        f"update spend.pools set billed_usd = billed_usd * 0.01 where hour = {NOON} and kind = 'gpu'",
        {"spend.claims": "A pool costs what its container time can cost"},
    ),
    "a volume costs a hundred times itself": (
        "update spend.pools set billed_usd = billed_usd * 100 "
        "where object_id like 'vo-%' and hour >= timestamp '2026-10-23'",
        {"spend.pools": "What has no log costs about what it did before"},
    ),
    "the bill is in local time": (
        "update spend.pools as p set billed_usd = o.billed_usd from spend.pools as o "
        "where p.environment = o.environment and p.object_id = o.object_id and p.resource = o.resource "
        "and p.hour = o.hour + interval 2 hour",
        {"spend.claims": "The bill has the hours of the log"},
    ),
    "a resource is called by another's name": (
        f"update spend.pools set resource = 'T4' where resource = 'A100-40GB' and hour = {NOON}",
        {"spend.hourly": "Every GPU on the bill is one that its app asks for"},
    ),
    "an app's id is another's": (
        "update spend.pools set object_id = 'ap-unknown' where object_id like 'ap-%'",
        {"spend.hourly": "Every app on the bill is listed"},
    ),
    "an app has another name": (
        "update spend.pools set app = 'other' where object_id like 'ap-%'",
        {"spend.hourly": "Apps on the bill have the names of the list"},
    ),
    "a container is younger than its inputs": (
        "update raw.containers set created_at = created_at + interval 2 hour",
        {"usage.containers": "No container serves before it was created"},
    ),
    "container time is not that of the containers": (
        f"update usage.hours set container_us = container_us + 1 where hour = {NOON}",
        {"usage.hourly": "Container time is the life of the containers"},
    ),
    "a configuration cannot be looked up": (
        "delete from usage.configurations where function = 'generate_code_modal'",
        {
            "usage.configurations": "All that was alive has a configuration",
            "usage.hourly": "Every row belongs to a function",
            "spend.placed_time": "Container time is a function's",
            "spend.container_time": "Container time is a function's",
            "spend.gpu_claims": "Every claim is a function's",
            "spend.function_claims": "Every claim is a function's or a server's",
        },
    ),
    "a claimant cannot be looked up": (
        "delete from spend.claimants where function = 'generate_code_modal'",
        {
            "spend.pool_claims": "Every claim is somebody's",
            "spend.attributed": "Every amount is somebody's",
            "spend.hourly": "Every amount belongs to a function or a named residual",
        },
    ),
    "weeks have different names for a key": (
        "update usage.configurations set app = 'other' where window_start = (select min(window_start) from "
        "usage.configurations); "
        "update spend.claimants set function = 'other' where window_start = (select min(window_start) from "
        "spend.claimants)",
        {
            "usage.configurations": "A key stands for one configuration",
            "spend.claimants": "A key stands for one claimant",
        },
    ),
    "container time is placed twice": (
        f"update spend.placed_time set container_us = 2 * container_us where hour = {NOON}",
        {"spend.placed_time": "No container time stands on two apps"},
    ),
    "container time is placed on another app": (
        f"update spend.pools set app = 'other' where hour = {NOON}",
        {"spend.placed_time": "No container time stands on two apps"},
    ),
    "two pools have one number": (
        f"update spend.pools set pool_number = (select min(pool_number) from spend.pools where hour = {NOON}) "
        f"where hour = {NOON}",
        {"spend.pools": "A number is one pool's, and that of an interval one object's"},
    ),
    "pools have no number": (
        f"update spend.pools set pool_number = null where hour = {NOON}",
        {"spend.pools": "A number is one pool's, and that of an interval one object's"},
    ),
    "two objects have one interval": (
        f"update spend.pools set interval_number = (select min(interval_number) from spend.pools where hour = {NOON}) "
        f"where hour = {NOON}",
        {"spend.pools": "A number is one pool's, and that of an interval one object's"},
    ),
    "an input starts before it is enqueued": (
        "update raw.function_calls set started_at = enqueued_at - interval 1 second "
        f"where row_number = 1 and file_id = {LOG}",
        {"staging.function_calls": "Inputs are enqueued, then started, then ended within a day"},
    ),
    "an input runs for more than a day": (
        f"update raw.function_calls set execution_us = 86400000001 where row_number = 1 and file_id = {LOG}",
        {"staging.function_calls": "Inputs are enqueued, then started, then ended within a day"},
    ),
    "the file of a call is not known": (
        f"update raw.function_calls set file_id = -1 where row_number = 1 and file_id = {LOG}",
        {"raw.function_calls": "The file of every call is known"},
    ),
    "functions have one key": (
        "update staging.call_logs set function_key = (select min(function_key) from staging.call_logs)",
        {"staging.call_logs": "Every log has the key of its function"},
    ),
    "a container's configuration is not known": (
        "update usage.containers set configuration_key = 1 where container_key = (select min(container_key) from "
        "usage.containers)",
        {"usage.containers": "Every container has a configuration"},
    ),
    "names of keys stand twice": (
        "insert into usage.configurations select * from usage.configurations; "
        "insert into spend.claimants select * from spend.claimants",
        {
            "usage.configurations": "A configuration stands once a week",
            "spend.claimants": "A claimant stands once a week",
        },
    ),
    "a function is unknown to the catalog": (
        "update staging.configurations set is_catalogued = false where function = 'generate_code_modal'",
        {"staging.configurations": "Every function with a log is in the catalog"},
    ),
    "an app with a log is not listed": (
        "delete from staging.apps where app = 'coral-x-production'",
        {"staging.apps": "Every app with a log is listed"},
    ),
    "a function info lies under another app": (
        "update raw.files set app = 'other' where source = 'function_info'",
        {"raw.function_info": "The app is the one that the path names"},
    ),
    "a file was read in the future": (
        f"update raw.deliveries set fetched_at = timestamp '2099-01-01' where file_id = {BILL}",
        {"staging.deliveries": "Nothing was read in the future"},
    ),
    "an hour is missing from the breakdown": (
        f"update staging.billing_totals set parts_usd = null, control = 'dropped' "
        f"where hour = {NOON} and object_id like 'ap-%'",
        {"staging.billing_totals": "What is broken down in some hours is broken down in all"},
    ),
    "a later report empties a day": (
        f"update staging.billing_intervals set file_id = {BILL} "
        f"where report_kind = 'resources' and date_trunc('day', hour) = timestamp '{DAY}'",
        {"staging.billing_intervals": "No report empties hours that another one filled"},
    ),
    "a day among hourly ones is reported as a whole": (
        f"delete from staging.billing_intervals where date_trunc('day', hour) = timestamp '{DAY}' and hour != {NOON}; "
        f"update staging.billing_intervals set resolution = 'd', hour = timestamp '{DAY}' where hour = {NOON}",
        {"staging.billing_intervals": "After hourly reports every day is reported by the hour"},
    ),
    "CPU and memory are taken for each other": (
        "update spend.pools set kind = case kind when 'cpu' then 'memory' when 'memory' then 'cpu' else kind end "
        f"where date_trunc('day', hour) = timestamp '{DAY}' + interval 3 day",
        {"spend.pools": "CPU and memory are billed in their usual proportion"},
    ),
    "container ids are cut": (
        "update raw.containers set created_at = null where container_key < 9",
        {"raw.containers": "Container ids carry the time of creation"},
    ),
    "the times of the log are two hours late": (
        "update usage.containers set first_started_at = first_started_at + interval 2 hour",
        {"usage.containers": "Containers start their first input soon after their creation"},
    ),
    "function infos are not landed": (
        "delete from raw.files where source = 'function_info' and function = 'generate_code_modal'",
        {"staging.configurations": "Every function with a log has a function info"},
    ),
    "failures are called successes": (
        "update savings.daily_function set errors = 0, timeouts = 0, oom_kills = 0 where day >= timestamp '2026-10-19'",
        {"savings.daily_function": "Functions fail about as often as in the weeks before"},
    ),
    "a day's calls are those of another function": (
        f"update savings.daily_function set busy_us = 3 * busy_us where day = timestamp '{DAY}' + interval 2 day",
        {"savings.daily_function": "Calls take about as long as on the days before"},
    ),
    "a phase stands in the catalog a week late": (
        "update catalog.configurations set valid_from = valid_from + interval 4 day where phase = 'phase-1'",
        {"usage.container_days": "No function runs in a phase before its day"},
    ),
    "a phase stands in the catalog a week early": (
        "update catalog.configurations set valid_from = valid_from - interval 7 day where phase = 'phase-1'",
        {"staging.deployments": "The app of a phase was deployed by the day of the phase"},
    ),
    "a deployment is older than the version before it": (
        "insert into staging.deployments by name select environment, app, 'v1' as version, "
        "deployed_at + interval 1 day as deployed_at from staging.deployments where version != 'v1'",
        {"staging.deployments": "Later versions were deployed later"},
    ),
    "containers are created after their app was stopped": (
        f"update staging.apps set stopped_at = {NOON}",
        {"usage.containers": "No container is created after its app was stopped"},
    ),
    "the logs are of another environment": (
        "update reconciliation.log_vs_bill set billed_usd = 0; insert into reconciliation.log_vs_bill by name "
        "select * replace ('other' as environment, 1 as billed_usd, 0 as container_us) from reconciliation.log_vs_bill",
        {"reconciliation.log_vs_bill": "Logs and bill name the same environment"},
    ),
    "a later log lacks calls of the one that it replaces": (
        "insert into raw.deliveries by name select f.file_id, d.range_start, d.range_end, 'late' as path, "
        "d.fetched_at + interval 90 day as fetched_at, true as has_sidecar from raw.deliveries as d cross join ("
        "select min(file_id) as file_id from raw.files where source = 'function_calls' "
        f"and function = 'generate_code_modal' and app = (select app from raw.files where file_id = {LOG}) "
        f"and file_id != {LOG} "
        f"and file_id not in (select file_id from staging.superseded_calls)) as f where d.file_id = {LOG}; "
        f"insert into staging.superseded_calls by name {model_named('staging.superseded_calls').sql}",
        {"staging.superseded_calls": "A later log has the calls of the log that it replaces"},
    ),
    "reports of one interval are of different age": (
        f"update staging.billing_totals set control = 'older' where hour = {NOON}",
        {"staging.billing_totals": "Both reports of an interval are equally new"},
    ),
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_what_is_wrong_is_called_by_its_name(
    corruption: str,
    con: duckdb.DuckDBPyConnection,
    validator: Validator,
    broken_before: Callable[[str], set[str]],
) -> None:
    change, expected = CORRUPTIONS[corruption]
    before = {table: broken_before(table) for table in expected}
    con.execute("begin")
    try:
        con.execute(change)
        after = {table: broken_rules(validator, table) for table in expected}
    finally:
        con.execute("rollback")
    for table, rule in expected.items():
        assert rule not in before[table]
        assert rule in after[table], f"{table}: only {sorted(after[table])}"


def test_a_day_with_far_more_calls_or_none_is_noticed(con: duckdb.DuckDBPyConnection, validator: Validator) -> None:
    con.execute("begin")
    try:
        for weeks in (2, 4):
            con.execute(
                "insert into usage.container_days "
                f"select * replace (day - interval {7 * weeks} day as day) from usage.container_days "
                "where day >= timestamp '2026-10-12'"
            )
        rule = "A function has about the calls of the same weekdays before"
        assert rule not in broken_rules(validator, "usage.container_days")
        for change in ("update usage.container_days set inputs = 5 * inputs", "delete from usage.container_days"):
            con.execute(f"{change} where day = timestamp '2026-10-21'")
            assert rule in broken_rules(validator, "usage.container_days")
    finally:
        con.execute("rollback")


def broken_rules(validator: Validator, table: str) -> set[str]:
    result = validator.validate(load_suite(table), rows=f"select * from {table}", days=DAYS)
    return {outcome.expectation.name for outcome in result.failures}
