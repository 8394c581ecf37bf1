"""The measurement of a week from the warehouse, on the baseline as it is and as it was frozen."""

import datetime as dt
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.support.measured_warehouse import (
    CODE,
    FIRST_DAY,
    GENOME,
    LAST_WEEK,
    OLD_APP,
    pull_log,
    write_measured_warehouse,
)
from tieout.catalog.load import load_catalog
from tieout.core.findings import Finding
from tieout.core.home import Home
from tieout.core.periods import IsoWeek, days_between
from tieout.core.resources import resource_path
from tieout.measure.baseline import BaselineError, freeze_baseline, write_lock
from tieout.measure.daily_work import measure, read_lock
from tieout.savings.baseline_lock import BaselineLock, format_lock
from tieout.savings.log_coverage import LogGap
from tieout.savings.status import ReasonCode, Status
from tieout.savings.week import WeekMeasurement
from tieout.warehouse.connection import open_warehouse, read_warehouse
from tieout.warehouse.models import measured_models
from tieout.warehouse.weeks import record_reports, stale_reports

NEW_APP = "coral-x-production-optimized"
CATALOG = load_catalog(resource_path("catalog"))
NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


@pytest.fixture
def con(measured_home: Home, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the filled warehouse, to do anything to."""
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(measured_home.warehouse.read_bytes())
    with open_warehouse(path) as con:
        yield con


def measured(
    con: duckdb.DuckDBPyConnection, lock: BaselineLock | None = None
) -> tuple[WeekMeasurement, dict[str, Finding]]:
    measurement, findings = measure(con, LAST_WEEK, CATALOG, lock=lock)
    return measurement, {finding.code: finding for finding in findings}


def make_a_baseline_day_dearer(con: duckdb.DuckDBPyConnection) -> None:
    """A corrected bill: the first day of the baseline costs $70 more."""
    con.execute(
        "update savings.daily_function set cost_usd = cost_usd + 70 where function = ? and day = '2026-09-28'", [CODE]
    )


def pull_all_logs_but(con: duckdb.DuckDBPyConnection, day: dt.date) -> None:
    """The logs of both functions are landed day by day, but for one day of one of them."""
    days = days_between(FIRST_DAY, LAST_WEEK.end)
    pull_log(con, CODE, days)
    pull_log(con, GENOME, [other for other in days if other != day])


# Without a lock


def start_inputs(con: duckdb.DuckDBPyConnection, function: str, days: list[dt.date]) -> None:
    """Let the log of a function name a hundred inputs on each of the days."""
    con.execute(
        "insert into staging.functions by name select meta.function_key('main', $app, $function) as function_key, "
        "'main' as environment, $app as app, $function as function",
        {"app": OLD_APP, "function": function},
    )
    con.execute(
        "insert into usage.container_days by name select meta.function_key('main', $app, $function) as function_key, "
        "unnest($days::date[]) as day, 100 as inputs",
        {"app": OLD_APP, "function": function, "days": days},
    )


def test_a_week_is_measured_against_the_weeks_before_the_first_deployment(con: duckdb.DuckDBPyConnection) -> None:
    measurement, findings = measured(con)
    code = measurement.function(CODE)
    assert len(measurement.baseline_days) == 21
    assert code.calls == 7 * 440
    assert abs((code.avoided_usd or Decimal(0)) - code.calls * Decimal("0.30")) < 1
    assert measurement.function(GENOME).judgement.status is Status.NO_CLAIM
    assert findings.keys() == {"baseline_not_frozen"}


def test_a_baseline_that_is_corrected_moves_the_saving_until_it_is_frozen(con: duckdb.DuckDBPyConnection) -> None:
    before, _ = measured(con)
    make_a_baseline_day_dearer(con)
    after, _ = measured(con)
    assert (after.avoided_usd or 0) > (before.avoided_usd or 0)


def test_a_day_without_one_of_the_apps_logs_is_no_baseline_day(con: duckdb.DuckDBPyConnection) -> None:
    day = dt.date(2026, 10, 7)
    pull_all_logs_but(con, day)
    measurement, _ = measured(con)
    assert measurement.log_gaps == (LogGap(OLD_APP, GENOME, (day,)),)
    assert len(measurement.baseline_days) == 20
    assert day not in measurement.baseline_days


def test_the_newest_days_lack_the_log_of_a_busy_function_that_its_app_has_ones_of(
    con: duckdb.DuckDBPyConnection,
) -> None:
    days = days_between(FIRST_DAY, LAST_WEEK.end)
    pull_log(con, CODE, days)
    pull_log(con, GENOME, days[:-1])
    deployment = "insert into staging.deployments values ('main', ?, ?, null)"
    con.execute(deployment, [OLD_APP, FIRST_DAY])
    start_inputs(con, GENOME, days[:-1])
    measurement, _ = measured(con)
    assert measurement.log_gaps == (LogGap(OLD_APP, GENOME, (days[-1],)),)
    assert len(measurement.days) == 6
    con.execute(deployment, [OLD_APP, days[-1]])  # perhaps without that function
    measurement, _ = measured(con)
    assert measurement.log_gaps == ()


def test_what_was_billed_before_modals_memory_begins_is_no_baseline(con: duckdb.DuckDBPyConnection) -> None:
    days = days_between(FIRST_DAY, LAST_WEEK.end)
    pull_log(con, CODE, days[3:])
    pull_log(con, GENOME, days[3:])
    measurement, _ = measured(con)
    assert measurement.log_gaps == (LogGap(OLD_APP, GENOME, tuple(days[:3])), LogGap(OLD_APP, CODE, tuple(days[:3])))
    assert len(measurement.baseline_days) == 18


def test_the_first_days_lack_the_log_of_a_busy_function_that_its_app_has_ones_of(
    con: duckdb.DuckDBPyConnection,
) -> None:
    days = days_between(FIRST_DAY, LAST_WEEK.end)
    pull_log(con, CODE, days)
    pull_log(con, GENOME, days[2:])
    deployment = "insert into staging.deployments values ('main', ?, ?, null)"
    con.execute(deployment, [OLD_APP, FIRST_DAY - dt.timedelta(days=1)])
    start_inputs(con, GENOME, days[2:])
    measurement, _ = measured(con)
    assert measurement.log_gaps == (LogGap(OLD_APP, GENOME, tuple(days[:2])),)
    con.execute(deployment, [OLD_APP, days[1]])  # perhaps the first with that function
    measurement, _ = measured(con)
    assert measurement.log_gaps == ()


def test_an_app_of_the_catalog_that_is_billed_and_has_no_log_lacks_it(con: duckdb.DuckDBPyConnection) -> None:
    days = days_between(FIRST_DAY, LAST_WEEK.end)
    pull_log(con, CODE, days)
    con.execute("insert into spend.pools values ('main', 'ap-2', ?, ?, 5)", [NEW_APP, days[-1]])
    measurement, _ = measured(con)
    assert {(gap.app, gap.days) for gap in measurement.log_gaps} == {(NEW_APP, (days[-1],))}
    assert GENOME in {gap.function for gap in measurement.log_gaps}


def test_the_log_of_another_programme_is_nobodys_business_here(con: duckdb.DuckDBPyConnection) -> None:
    days = days_between(FIRST_DAY, LAST_WEEK.end)
    pull_log(con, "resize_pictures", days[:5] + days[6:], app="pictures")
    measurement, _ = measured(con)
    assert measurement.log_gaps == ()
    assert len(measurement.baseline_days) == 21


# With one


def test_a_baseline_with_fewer_calls_than_modal_counts_is_not_frozen(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("insert into reconciliation.completeness values ('main', ?, ?, '2026-10-07', 'short')", [OLD_APP, CODE])
    measurement, _ = measured(con)
    assert measurement.log_gaps == (LogGap(OLD_APP, CODE, (dt.date(2026, 10, 7),), is_short=True),)
    with pytest.raises(BaselineError, match=r"has fewer calls than Modal counts on baseline days.*2026-10-07"):
        freeze_baseline(con, CATALOG)


def test_a_frozen_day_counts_even_when_its_log_is_gone(con: duckdb.DuckDBPyConnection) -> None:
    lock = freeze_baseline(con, CATALOG)
    before, _ = measured(con, lock)
    pull_all_logs_but(con, dt.date(2026, 10, 7))
    after, _ = measured(con, lock)
    assert after == before


def test_freezing_changes_no_figure(con: duckdb.DuckDBPyConnection) -> None:
    lock = freeze_baseline(con, CATALOG)
    before, _ = measured(con)
    after, findings = measured(con, lock)
    assert (after.avoided_usd, after.half_width, after.bridge) == (before.avoided_usd, before.half_width, before.bridge)
    assert [reason.code for reason in before.judgement.reasons] == [ReasonCode.BASELINE_NOT_FROZEN]
    assert after.judgement.status is Status.VERIFIED
    assert findings == {}


def test_a_function_that_is_renamed_after_the_freeze_keeps_its_baseline(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    lock = freeze_baseline(con, CATALOG)
    before, _ = measured(con, lock)
    folder = Path(shutil.copytree(resource_path("catalog"), tmp_path / "catalog"))
    functions = (folder / "functions.yaml").read_text(encoding="utf-8")
    renamed = functions.replace(f"- name: {CODE}\n", f"- name: write_code\n    replaces: [{CODE}]\n")
    (folder / "functions.yaml").write_text(renamed, encoding="utf-8")
    make_a_baseline_day_dearer(con)
    after, _ = measure(con, LAST_WEEK, load_catalog(folder), lock=lock)
    assert after.function("write_code").avoided_usd == before.function(CODE).avoided_usd
    assert after.function("write_code").half_width == before.function(CODE).half_width


def test_the_figure_stays_on_the_frozen_baseline_and_says_what_moved(con: duckdb.DuckDBPyConnection) -> None:
    lock = freeze_baseline(con, CATALOG)
    before, _ = measured(con, lock)
    make_a_baseline_day_dearer(con)
    after, findings = measured(con, lock)
    assert after.avoided_usd == before.avoided_usd
    assert after.half_width == before.half_width
    restated = findings["baseline_restated"]
    assert restated.subject == CODE
    assert restated.data["moved_usd"] == "70.000000000000"
    assert "2026-09-28" in restated.data


def test_a_frozen_day_counts_even_when_its_data_are_gone(con: duckdb.DuckDBPyConnection) -> None:
    lock = freeze_baseline(con, CATALOG)
    before, _ = measured(con, lock)
    con.execute("delete from savings.daily_function where day = '2026-10-01'")
    con.execute("delete from staging.billing_intervals where hour = '2026-10-01'")
    after, findings = measured(con, lock)
    assert after.avoided_usd == before.avoided_usd
    assert len(after.baseline_days) == 21
    assert "baseline_restated" in findings


def test_an_edited_catalog_is_noticed(con: duckdb.DuckDBPyConnection) -> None:
    lock = freeze_baseline(con, CATALOG)
    edited = CATALOG.model_copy(update={"file_sha256": {**CATALOG.file_sha256, "projection.yaml": "0" * 64}})
    _, findings = measure(con, LAST_WEEK, edited, lock=lock)
    assert [finding.code for finding in findings] == ["projection_edited"]


def test_a_lock_comes_back_from_its_file_as_it_was(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    lock = freeze_baseline(con, CATALOG)
    assert read_lock(tmp_path) is None
    path = write_lock(lock, tmp_path)
    assert read_lock(tmp_path) == lock
    assert path.read_text(encoding="utf-8") == format_lock(lock)
    assert [other.name for other in tmp_path.glob("*.tmp")] == []


# What cannot be frozen


def test_less_than_two_weeks_are_no_baseline_and_the_days_are_named(tmp_path: Path) -> None:
    write_measured_warehouse(tmp_path / "short.duckdb", first_day=dt.date(2026, 10, 12))
    with read_warehouse(tmp_path / "short.duckdb") as con, pytest.raises(BaselineError) as raised:
        freeze_baseline(con, CATALOG)
    assert "there are 7: 2026-10-12, 2026-10-13" in str(raised.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("delete from staging.billing_intervals where hour = '2026-10-03'", "frozen as idle: 2026-10-03"),
        ("update staging.billing_intervals set is_settled = hour != '2026-10-04'", "may still change: 2026-10-04"),
    ],
)
def test_a_baseline_with_an_unsure_day_is_not_frozen(con: duckdb.DuckDBPyConnection, change: str, message: str) -> None:
    con.execute(change)
    with pytest.raises(BaselineError) as raised:
        freeze_baseline(con, CATALOG)
    assert message in str(raised.value)


def test_a_baseline_without_one_of_its_logs_is_not_frozen(con: duckdb.DuckDBPyConnection) -> None:
    pull_all_logs_but(con, dt.date(2026, 10, 7))
    with pytest.raises(BaselineError) as raised:
        freeze_baseline(con, CATALOG)
    assert f"the call log of {GENOME} ({OLD_APP}) is not landed" in str(raised.value)
    assert raised.value.problem.endswith("2026-10-07")


def test_a_baseline_with_a_refund_is_not_frozen(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("update savings.daily_function set cost_usd = -1500 where function = ? and day = '2026-10-02'", [CODE])
    with pytest.raises(BaselineError) as raised:
        freeze_baseline(con, CATALOG)
    assert f"{CODE} on 2026-10-02" in str(raised.value)


# Staleness


def test_a_new_lock_makes_every_report_anew(con: duckdb.DuckDBPyConnection) -> None:
    lock = freeze_baseline(con, CATALOG)
    record_reports(con, CATALOG, [LAST_WEEK], now=NOW)
    assert stale_reports(con, CATALOG) == ()
    assert stale_reports(con, CATALOG, lock) == (LAST_WEEK,)
    record_reports(con, CATALOG, [LAST_WEEK], now=NOW, lock=lock)
    assert stale_reports(con, CATALOG, lock) == ()


def test_a_report_is_made_of_all_the_weeks_before_it(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("insert into meta.week_inputs values ('2026-W43', 'x', '2026-10-26'), ('2026-W45', 'x', '2026-11-09')")
    weeks = [IsoWeek.parse(label) for label in ("2026-W43", "2026-W44", "2026-W45")]
    record_reports(con, CATALOG, weeks, now=NOW)
    con.execute("update meta.week_inputs set input_hash = 'y' where week = '2026-W43'")
    assert stale_reports(con, CATALOG) == tuple(weeks)


# The tables


def test_every_measured_table_is_filled(built_workspace: Home) -> None:
    with read_warehouse(built_workspace.warehouse) as con:
        counts = {
            model.table: con.execute(f"select count(*) from {model.name}").fetchall()[0][0]
            for model in measured_models()
        }
    del counts["anomalies"]  # none on most weeks
    assert all(counts.values())
    assert counts["weekly"] == 2


def test_the_tables_say_what_the_measurement_says(built_workspace: Home) -> None:
    with read_warehouse(built_workspace.warehouse) as con:
        measurement, _ = measure(con, IsoWeek.parse("2026-W43"), CATALOG, lock=None)
        ledger = con.execute(
            "select phase, function, state, avoided_usd from savings.ledger where week = '2026-W43' order by position"
        ).fetchall()
        weekly = con.execute(
            "select avoided_usd, half_width_usd, status from savings.weekly where week = '2026-W43'"
        ).fetchall()
    assert ledger == [
        ("+".join(line.phases), line.function, line.state.value, line.avoided_usd) for line in measurement.ledger
    ]
    width = measurement.half_width.half_width_usd if measurement.half_width else None
    assert weekly == [(measurement.avoided_usd, width, measurement.judgement.status.value)]


def test_every_bridge_in_the_table_closes_to_the_cent(built_workspace: Home) -> None:
    with read_warehouse(built_workspace.warehouse) as con:
        open_bridges = con.execute(
            "select scope, phase, function from savings.bridge group by all having "
            "sum(case when step = 'realized' then -printed_usd else printed_usd end) != 0"
        ).fetchall()
        published = con.execute(
            "select printed_usd from savings.bridge where scope = 'total' and step = 'published'"
        ).fetchall()
    assert open_bridges == []
    assert published == [(Decimal(4140),)]


# As it is really deployed


@pytest.fixture(scope="module")
def two_weeks(as_deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(Path(shutil.copy(as_deployed, tmp_path_factory.mktemp("as-deployed")))) as con:
        yield con


def test_what_never_had_a_gpu_has_no_premise(two_weeks: duckdb.DuckDBPyConnection) -> None:
    measurement, _ = measure(two_weeks, IsoWeek.parse("2026-W43"), CATALOG, lock=None)
    unmet = {f.function: f for f in measurement.functions if f.judgement.status is Status.PREMISE_NOT_MET}
    assert unmet.keys() == {
        "get_evolution_progress_modal",
        "get_emergent_alerts_modal",
        "save_realtime_results_modal",
    }
    for function in unmet.values():
        reason = function.judgement.reasons[0]
        assert reason.code is ReasonCode.PREMISE_CONTRADICTED
        assert reason.data == {"gpu": "catalog A100-40GB, deployed no GPU"}


def test_callers_that_stayed_on_the_old_app_cost_coverage(two_weeks: duckdb.DuckDBPyConnection) -> None:
    measurement, _ = measure(two_weeks, IsoWeek.parse("2026-W43"), CATALOG, lock=None)
    [stayed] = two_weeks.execute(
        "select sum(cost_usd), sum(successful_calls) from savings.daily_function "
        "where function = ? and phase = 'baseline' and day >= '2026-10-20'",
        [CODE],
    ).fetchall()
    assert min(stayed) > 0
    assert measurement.bridge is not None
    bridge = measurement.bridge.functions["phase-1", CODE]
    coverage = next(line.amount for line in bridge.steps if line.step.value == "coverage")
    assert coverage.exact_usd < 0
