"""Prices, the boundary, namesakes and rollbacks, as they are read off a warehouse."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import cast

import duckdb
import pytest

from tests.support.measured_warehouse import CODE, DEPLOYED, LAST_WEEK, NEW_APP, OLD_APP
from tieout.catalog.load import load_catalog
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.measure.baseline import freeze_baseline
from tieout.measure.context import read_context
from tieout.measure.daily_work import measure, work_on_basis
from tieout.measure.earlier_weeks import claims_of_earlier_weeks
from tieout.savings.status import ReasonCode, Status
from tieout.savings.week import WeekMeasurement
from tieout.warehouse.connection import open_warehouse

CATALOG = load_catalog(resource_path("catalog"))


@pytest.fixture
def con(measured_home: Home, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(measured_home.warehouse.read_bytes())
    with open_warehouse(path) as opened:
        yield opened


def measured(con: duckdb.DuckDBPyConnection) -> WeekMeasurement:
    measurement, _ = measure(con, LAST_WEEK, CATALOG, lock=freeze_baseline(con, CATALOG))
    return measurement


def codes(measurement: WeekMeasurement) -> list[ReasonCode]:
    return [reason.code for reason in measurement.function(CODE).judgement.reasons]


def put_elsewhere(con: duckdb.DuckDBPyConnection, app: str, function: str, usd_a_day: int) -> None:
    """From the deployment on, a function or a residual costs something."""
    for day in (DEPLOYED + dt.timedelta(days=i) for i in range((LAST_WEEK.end - DEPLOYED).days)):
        con.execute(
            "insert into savings.daily_function by name select 'main' as environment, ? as app, ? as function, "
            "'none' as phase, ? as day, 500 as successful_calls, 500 as function_calls, 500 as inputs, "
            "0 as errors, 0 as timeouts, 0 as oom_kills, 0 as busy_us, 0 as container_us, ? as cost_usd, "
            "0 as gpu_usd, 0 as cpu_usd, 0 as memory_usd, 'settled' as status",
            [app, function, day, usd_a_day],
        )


def deploy(con: duckdb.DuckDBPyConnection, phase: str, gpu: str, since: dt.date, until: dt.date) -> None:
    """Say what `function info` showed."""
    app = OLD_APP if phase == "baseline" else NEW_APP
    con.execute(
        "insert into staging.configurations values ('main', ?, ?, ?, 'function info', true, ?, ?, ?, 1, null, null)",
        [app, CODE, phase, since, until, gpu],
    )


def test_a_namesake_in_an_app_outside_the_programme_is_another_function(con: duckdb.DuckDBPyConnection) -> None:
    before = measured(con)
    put_elsewhere(con, "someone-elses", CODE, 1000)
    assert measured(con) == before


@pytest.mark.parametrize(("app", "function"), [(NEW_APP, "generate_code_gpu"), (OLD_APP, "__no_calls__")])
def test_cost_that_moved_inside_the_programme_is_no_saving(
    con: duckdb.DuckDBPyConnection, app: str, function: str
) -> None:
    assert measured(con).judgement.status is not Status.NOT_DETERMINABLE
    put_elsewhere(con, app, function, 150)
    measurement = measured(con)
    assert [(line.app, line.function) for line in measurement.outside.lines] == [(app, function)]
    assert ReasonCode.MOVED_OUTSIDE in codes(measurement)
    assert measurement.judgement.status is Status.NOT_DETERMINABLE


@pytest.mark.parametrize(
    ("gpu", "since", "has_moved"),
    [("A100-40GB", DEPLOYED, True), ("H100", DEPLOYED, False), ("A100-40GB", dt.date(2026, 10, 12), False)],
)
def test_work_that_moved_to_a_new_app_on_the_same_gpu_is_no_saving(
    con: duckdb.DuckDBPyConnection, gpu: str, since: dt.date, has_moved: bool
) -> None:
    for day in (since + dt.timedelta(days=i) for i in range((LAST_WEEK.end - since).days)):
        con.execute("insert into spend.hourly values ('main', 'elsewhere', 'worker', ?, ?, 150)", [gpu, day])
    measurement = measured(con)
    assert [(line.app, line.function) for line in measurement.outside.lines] == [("elsewhere", "worker")] * has_moved
    assert (ReasonCode.MOVED_OUTSIDE in [r.code for r in measurement.judgement.reasons]) == has_moved


def test_what_lies_between_the_baseline_and_the_week_is_not_read(con: duckdb.DuckDBPyConnection) -> None:
    put_elsewhere(con, NEW_APP, "helper", 100)
    baseline = measured(con).baseline
    assert baseline is not None
    context = read_context(con, LAST_WEEK, CATALOG, baseline=baseline, is_baseline_frozen=True)
    days = {cost.day for cost in context.outside if cost.function == "helper"}
    assert LAST_WEEK.start > DEPLOYED
    assert days == set(LAST_WEEK.days())


def test_a_list_price_that_falls_lowers_the_counterfactual_and_the_saving(con: duckdb.DuckDBPyConnection) -> None:
    before = measured(con)
    con.execute(
        "insert into staging.prices values ('A100-40GB', '1970-01-01', '2026-10-26', 2.00), "
        "('A100-40GB', '2026-10-26', '9999-12-31', 1.60)"
    )
    after = measured(con)
    [was, now] = [week.function(CODE).avoided for week in (before, after)]
    assert was is not None
    assert now is not None
    assert abs(now.counterfactual_usd - was.counterfactual_usd * Decimal("0.8")) < Decimal("0.000001")
    assert after.bridge is not None
    assert after.bridge.total.realized.exact_usd < before.bridge.total.realized.exact_usd if before.bridge else False


def test_an_earlier_week_keeps_the_counterfactual_of_its_own_list_prices(con: duckdb.DuckDBPyConnection) -> None:
    work = work_on_basis(con, CATALOG, until=LAST_WEEK.end, lock=None)
    before = measured(con)
    earlier = claims_of_earlier_weeks(con, before, work, CATALOG)
    assert earlier[LAST_WEEK.previous()][CODE].model == before.function(CODE).model
    con.execute(
        "insert into staging.prices values ('A100-40GB', '1970-01-01', '2026-10-26', 2.00), "
        "('A100-40GB', '2026-10-26', '9999-12-31', 1.60)"
    )
    after = measured(con)
    earlier = claims_of_earlier_weeks(con, after, work, CATALOG)
    assert earlier[LAST_WEEK.previous()][CODE].model == before.function(CODE).model
    assert earlier[LAST_WEEK.previous()][CODE].model != after.function(CODE).model


class Counting:
    """A connection that counts what it is asked."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        self.asked = 0

    def execute(self, *statement: object) -> duckdb.DuckDBPyConnection:
        self.asked += 1
        return self._con.execute(*statement)  # type: ignore[arg-type]

    def table(self, name: str) -> duckdb.DuckDBPyRelation:
        self.asked += 1
        return self._con.table(name)


def test_the_weeks_before_are_read_at_once_however_many_there_are(con: duckdb.DuckDBPyConnection) -> None:
    work = work_on_basis(con, CATALOG, until=LAST_WEEK.end, lock=None)
    measurement, asked = measured(con), set()
    for week in (LAST_WEEK, IsoWeek(LAST_WEEK.year + 1, 40)):
        counting = Counting(con)
        later = replace(measurement, week=week)
        claims_of_earlier_weeks(cast("duckdb.DuckDBPyConnection", counting), later, work, CATALOG)
        asked.add(counting.asked)
    assert len(asked) == 1


def test_settings_of_before_are_a_rollback_once_others_were_deployed(con: duckdb.DuckDBPyConnection) -> None:
    for_ever, first = dt.date(9999, 12, 31), dt.date(2026, 9, 1)
    deploy(con, "baseline", "A100-40GB", first, for_ever)
    deploy(con, "phase-1", "A10G", DEPLOYED, dt.date(2026, 10, 27))
    assert ReasonCode.ROLLED_BACK not in codes(measured(con))
    deploy(con, "phase-1", "A100-40GB", dt.date(2026, 10, 27), for_ever)
    assert codes(measured(con))[0] is ReasonCode.ROLLED_BACK


@pytest.mark.parametrize(("first", "is_rolled_back"), [("1f00aa3", True), ("1f00aa3*", False), ("0d1e2f3", False)])
def test_the_commit_of_before_is_a_rollback_where_the_settings_never_changed(
    con: duckdb.DuckDBPyConnection, first: str, is_rolled_back: bool
) -> None:
    con.execute(f"update savings.daily_function set app = '{NEW_APP}'")
    days = dt.date(2026, 9, 1), DEPLOYED, dt.date(2026, 10, 27)
    for day, commit in zip(days, (first, "2c9b7d1", "1f00aa3"), strict=True):
        con.execute("insert into staging.deployments values ('main', ?, ?, ?)", [NEW_APP, day, commit])
    reasons = measured(con).function(CODE).judgement.reasons
    rolled_back = next((reason for reason in reasons if reason.code is ReasonCode.ROLLED_BACK), None)
    assert (rolled_back is not None) == is_rolled_back
    if rolled_back is not None:
        assert rolled_back.data == {"settings": "the old commit (1f00aa3)"}


def test_an_unmatched_baseline_is_not_verified(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("update reconciliation.log_vs_bill set outcome = 'amount mismatch' where day < '2026-10-05'")
    assert ReasonCode.BASELINE_NOT_MATCHED in codes(measured(con))


def test_the_error_bar_of_a_cost_widens_the_interval_of_its_saving(con: duckdb.DuckDBPyConnection) -> None:
    assert measured(con).function(CODE).half_width is not None
    for function in (CODE, "another"):
        con.execute(
            "insert into spend.weekly values (?, 'main', ?, ?, 200, 100, 300)", [LAST_WEEK.start, NEW_APP, function]
        )
    width = measured(con).function(CODE).half_width
    assert width is not None
    assert width.attribution_usd == 100


def test_a_baseline_of_another_version_of_the_method_keeps_only_its_dates(con: duckdb.DuckDBPyConnection) -> None:
    lock = replace(freeze_baseline(con, CATALOG), method_version="1")
    measurement, findings = measure(con, LAST_WEEK, CATALOG, lock=lock)
    assert measurement.baseline == lock.baseline
    assert ReasonCode.BASELINE_NOT_FROZEN in codes(measurement)
    assert "method_changed" in [finding.code for finding in findings]
