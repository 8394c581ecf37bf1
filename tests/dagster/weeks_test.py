import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import duckdb
import pytest

from tests.support.landing_folder import CALL, CALLS, NOW, REPORT_LINE, LandingFolder
from tieout.catalog.load import load_catalog
from tieout.catalog.models import Catalog
from tieout.core.ids import encode
from tieout.core.periods import IsoWeek, day_start
from tieout.core.resources import resource_path
from tieout.savings.baseline_lock import BaselineLock
from tieout.savings.days import BaselinePeriod
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import load_models, model_named, models_behind
from tieout.warehouse.weeks import (
    built_weeks,
    consecutive,
    known_weeks,
    record_reports,
    record_weeks,
    stale_reports,
    stale_weeks,
)

CATALOG = load_catalog(resource_path("catalog"))
INFO = "function_info/app=coral-x-production/function=generate_code_modal"
SUMMARY = {"metered_cost": "9.50", "metered_cost_breakdown": {}, "billed_cost": "9.50", "adjustments": {}}
NOVEMBER = day_start(dt.date(2026, 11, 1))
W42, W43, W44, W45, W46 = (IsoWeek(2026, week) for week in range(42, 47))


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bill of every day from 2026-W42 to 2026-W46, loaded and recorded as built. Look at it only."""
    root = tmp_path_factory.mktemp("settled")
    with open_warehouse(root / "warehouse.duckdb") as con:
        landed = LandingFolder(root, con)
        for number in range(35):
            land_bill(landed, dt.date(2026, 10, 12) + dt.timedelta(days=number))
        landed.load()
        write_catalog(con, CATALOG)
        for name in (
            "deliveries",
            "monthly_deliveries",
            "deployments",
            "apps",
            "servers",
            "variants",
            "configurations",
            "prices",
        ):
            make(con, f"staging.{name}")
        settle(landed)
    return root


@pytest.fixture
def folder(settled: Path, tmp_path: Path) -> Iterator[LandingFolder]:
    """A copy of what is landed and built, to land more."""
    shutil.copytree(settled, tmp_path, dirs_exist_ok=True)
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        yield LandingFolder(tmp_path, con)


def make(con: duckdb.DuckDBPyConnection, name: str, **parameters: object) -> None:
    model = model_named(name)
    con.execute(f"create or replace {'view' if model.is_view else 'table'} {name} as {model.sql}", parameters)


def make_behind(con: duckdb.DuckDBPyConnection, name: str) -> None:
    for model in models_behind(name):
        make(con, model.name)


def land_bill(landed: LandingFolder, day: dt.date, *, fetched_at: str = "2026-11-20T02:00:00Z") -> None:
    name = f"billing_report/{day}.json"
    landed.put(name, [REPORT_LINE | {"interval_start": f"{day}T01:00:00", "cost": "1.25"}])
    landed.put_sidecar(
        name,
        range_start=f"{day}T00:00:00Z",
        range_end=f"{day + dt.timedelta(days=1)}T00:00:00Z",
        resolution="h",
        fetched_at=fetched_at,
    )


def land_call(landed: LandingFolder, name: str, started_at: str, container_id: str) -> None:
    call = CALL | {"enqueued_at": started_at, "started_at": started_at, "container_id": container_id}
    landed.put(f"{CALLS}/{name}.json", [call])


def land_info(landed: LandingFolder, name: str, *, memory: int, fetched_at: str) -> None:
    landed.put(
        f"{INFO}/{name}.json",
        {
            "name": "generate_code_modal",
            "object_id": "fu-1",
            "app_id": "ap-1",
            "gpus": [["A100-40GB", 1]],
            "cpu": None,
            "memory_mib": memory,
            "timeout": 1800,
            "scaledown_window_seconds": 60,
            "autoscaler": {"min_containers": None, "max_containers": None},
            "min_containers": None,
            "max_containers": None,
            "concurrency_info": None,
            "regions": [],
            "nonpreemptible": False,
        },
    )
    landed.put_sidecar(f"{INFO}/{name}.json", fetched_at=fetched_at)


def build_months(landed: LandingFolder) -> None:
    """Make what reports read of their months, of nothing, as if this version had built it."""
    for table in ("staging.billing_intervals", "reconciliation.months", "reconciliation.invoices"):
        landed.con.execute(
            f"create table {table} as select timestamp '2026-11-01' as hour, 'now' as reading, *"
            "from (values (date '2026-11-01')) as m (month) where false"
        )
    landed.con.execute("create table finance.adjustments (day date, applies_to varchar)")
    built = [(model.name, model.code_version) for model in load_models()]
    landed.con.executemany("insert or replace into meta.models values (?, ?)", built)


def settle(landed: LandingFolder, catalog: Catalog = CATALOG) -> None:
    """Record everything as built and reported, as if it had been."""
    make(landed.con, "staging.configurations")
    record_weeks(landed.con, catalog, known_weeks(landed.con), now=NOW)
    record_reports(landed.con, catalog, known_weeks(landed.con), now=NOW)


def stale(landed: LandingFolder, catalog: Catalog = CATALOG) -> tuple[IsoWeek, ...]:
    return tuple(reasons(landed, catalog))


def reasons(landed: LandingFolder, catalog: Catalog = CATALOG) -> dict[IsoWeek, str]:
    assert not landed.load().rejected
    write_catalog(landed.con, catalog)
    return stale_weeks(landed.con, catalog)


def reported_again(landed: LandingFolder) -> tuple[IsoWeek, ...]:
    """Which reports are stale once the newest week is built, with the tables of the months."""
    make(landed.con, "staging.monthly_deliveries")
    return stale_reports(landed.con, CATALOG)


def test_the_known_weeks_are_those_that_bills_and_logs_speak_of(folder: LandingFolder) -> None:
    assert known_weeks(folder.con) == (W42, W43, W44, W45, W46)
    land_call(folder, "later", "2026-11-18T10:00:00Z", "ta-1")
    folder.load()
    assert known_weeks(folder.con)[-1] == IsoWeek(2026, 47)


def test_the_weeks_begin_with_the_first_row_and_go_on_through_empty_ranges(folder: LandingFolder) -> None:
    for name, start, end in (("before", "2025-01-01", "2026-10-12"), ("after", "2026-11-16", "2026-11-23")):
        folder.put(f"billing_report/{name}.json", [])
        sidecar = {"range_start": f"{start}T00:00:00Z", "range_end": f"{end}T00:00:00Z", "resolution": "h"}
        folder.put_sidecar(f"billing_report/{name}.json", **sidecar, fetched_at="2026-11-23T02:00:00Z")
    folder.load()
    assert known_weeks(folder.con) == (W42, W43, W44, W45, W46, IsoWeek(2026, 47))


def test_what_was_built_from_the_same_inputs_is_not_stale(folder: LandingFolder) -> None:
    assert stale(folder) == ()
    assert built_weeks(folder.con) == (W42, W43, W44, W45, W46)
    assert stale_reports(folder.con, CATALOG) == ()


def test_asking_changes_nothing(folder: LandingFolder) -> None:
    land_bill(folder, dt.date(2026, 10, 29), fetched_at="2026-11-21T02:00:00Z")
    assert stale(folder) == (W44,)
    assert stale(folder) == (W44,)


def test_a_copy_by_hand_of_what_is_known_makes_nothing_stale(folder: LandingFolder) -> None:
    content = (folder.landing / "billing_report" / "2026-10-29.json").read_bytes()
    folder.put("billing_report/copy-of-2026-10-29.json", content)
    assert stale(folder) == ()


def test_a_later_snapshot_makes_its_week_stale(folder: LandingFolder) -> None:
    land_bill(folder, dt.date(2026, 10, 29), fetched_at="2026-11-21T02:00:00Z")
    assert stale(folder) == (W44,)


def test_the_days_beside_a_week_belong_to_its_inputs(folder: LandingFolder) -> None:
    land_bill(folder, dt.date(2026, 11, 2), fetched_at="2026-11-21T02:00:00Z")  # the Monday of W45
    assert stale(folder) == (W44, W45)
    settle(folder)
    land_bill(folder, dt.date(2026, 10, 31), fetched_at="2026-11-21T02:00:00Z")  # the Saturday of W44
    assert stale(folder) == (W44, W45)


def test_a_summary_of_a_month_without_weeks_makes_the_newest_week_stale(folder: LandingFolder) -> None:
    folder.put("billing_summary/2025-03.json", SUMMARY)
    assert reasons(folder) == {W46: "a summary or an invoice, which every build reads"}
    assert reported_again(folder) == ()
    assert stale(folder) == ()


def test_a_summary_that_says_the_same_after_its_month_changes_the_reports_of_its_weeks(folder: LandingFolder) -> None:
    build_months(folder)
    for name, fetched_at in (("2026-10", "2026-10-31T02:00:00Z"), ("2026-10.r2", "2026-11-01T02:00:00Z")):
        folder.put(f"billing_summary/{name}.json", SUMMARY)
        folder.put_sidecar(f"billing_summary/{name}.json", fetched_at=fetched_at)
        assert stale(folder) == (W46,)
        assert reported_again(folder) == (W42, W43, W44)
        settle(folder)
    folder.put_sidecar("billing_summary/2026-10.r2.json", fetched_at="2026-11-02T02:00:00Z")
    assert stale(folder) == ()


def test_an_invoice_changes_the_reports_of_its_month_once_it_is_no_longer_of_the_future(folder: LandingFolder) -> None:
    build_months(folder)
    invoice = {"number": "INV-2026-0042", "total": "9.50"}
    path = folder.put("invoices/2026-11.json", invoice, mtime=NOW + dt.timedelta(days=3))
    assert [refused.path for refused in folder.load().rejected] == ["invoices/2026-11.json"]
    assert stale_weeks(folder.con, CATALOG) == {}
    folder.change_time(path, NOW)
    assert stale(folder) == (W46,)
    assert reported_again(folder) == (W44, W45, W46)  # W44 ends in November
    settle(folder)
    assert stale(folder) == ()


def test_an_invoice_builds_no_other_week_than_those_whose_files_have_landed(folder: LandingFolder) -> None:
    build_months(folder)
    land_bill(folder, dt.date(2026, 11, 14), fetched_at="2026-11-21T02:00:00Z")
    folder.put("invoices/2026-11.json", {"number": "INV-2026-0042", "total": "9.50"})
    assert reasons(folder) == {W46: "files of its days"}


def test_another_catalog_makes_every_week_stale(folder: LandingFolder) -> None:
    changed = reasons(folder, CATALOG.model_copy(update={"sha256": "another"}))
    assert changed == dict.fromkeys(known_weeks(folder.con), "the catalog")


def test_a_configuration_makes_the_weeks_stale_in_which_it_was_valid(folder: LandingFolder) -> None:
    land_info(folder, "2026-10-12", memory=16384, fetched_at="2026-10-12T01:00:00Z")
    folder.load()
    settle(folder)
    land_info(folder, "2026-10-13", memory=16384, fetched_at="2026-10-13T01:00:00Z")
    assert stale(folder) == ()  # the same again says nothing new
    land_info(folder, "2026-11-14", memory=8192, fetched_at="2026-11-14T01:00:00Z")
    assert reasons(folder) == {W46: "a configuration"}  # it counts from the snapshot that shows it


def test_a_container_ties_the_weeks_since_it_was_created(folder: LandingFolder) -> None:
    make_behind(folder.con, "staging.function_calls")
    make(folder.con, "usage.container_days", since=NOVEMBER, until=NOVEMBER)
    created_in_w44 = encode("ta", int(dt.datetime(2026, 10, 29, tzinfo=dt.UTC).timestamp() * 1000), 7)
    land_call(folder, "c", "2026-11-12T10:00:00Z", created_in_w44)
    assert reasons(folder) == dict.fromkeys((W44, W45, W46), "a container of a newly landed call log lived in it")


def test_a_week_is_built_for_all_that_has_changed_of_it(folder: LandingFolder) -> None:
    land_info(folder, "2026-11-14", memory=8192, fetched_at="2026-11-14T01:00:00Z")
    land_bill(folder, dt.date(2026, 11, 14), fetched_at="2026-11-21T02:00:00Z")
    land_bill(folder, dt.date(2026, 11, 19), fetched_at="2026-11-21T02:00:00Z")
    assert reasons(folder)[W46] == "files of its days, a configuration"
    assert reasons(folder)[IsoWeek(2026, 47)] == "a new week"


def test_an_older_container_without_a_time_in_its_id_ties_the_weeks_since_it_was_first_seen(
    folder: LandingFolder,
) -> None:
    land_call(folder, "b", "2026-11-04T10:00:00Z", "ta-1")
    folder.load()
    make_behind(folder.con, "staging.function_calls")
    make(folder.con, "usage.container_days", since=NOVEMBER, until=NOVEMBER + dt.timedelta(days=30))
    stale_weeks(folder.con, CATALOG)
    settle(folder)
    land_call(folder, "c", "2026-11-12T10:00:00Z", "ta-1")
    assert stale(folder) == (W45, W46)


@pytest.mark.parametrize("changed", [W42, W45, W46])
def test_a_changed_week_makes_its_report_and_those_of_later_weeks_stale(
    folder: LandingFolder, changed: IsoWeek
) -> None:
    record_weeks(folder.con, CATALOG.model_copy(update={"sha256": "another"}), [changed], now=NOW)
    assert stale_reports(folder.con, CATALOG) == tuple(week for week in (W42, W43, W44, W45, W46) if week >= changed)


def test_a_changed_week_of_a_frozen_baseline_makes_the_reports_of_all_weeks_stale(folder: LandingFolder) -> None:
    lock = SimpleNamespace(sha256="frozen", baseline=BaselinePeriod(W42.start, W45.end))
    record_reports(folder.con, CATALOG, known_weeks(folder.con), now=NOW, lock=cast("BaselineLock", lock))
    for changed, stale in ((W46, (W46,)), (W45, (W42, W43, W44, W45, W46))):
        record_weeks(folder.con, CATALOG.model_copy(update={"sha256": "another"}), [changed], now=NOW)
        assert stale_reports(folder.con, CATALOG, cast("BaselineLock", lock)) == stale


@pytest.mark.parametrize(
    ("version", "stale"),
    [
        pytest.param(None, (W44, W45, W46), id="built by this SQL; W44 ends in November"),
        pytest.param("older", (), id="built by other SQL, and about to be built anew"),
    ],
)
def test_what_is_newly_known_of_a_month_makes_the_reports_of_its_weeks_stale(
    folder: LandingFolder, version: str | None, stale: tuple[IsoWeek, ...]
) -> None:
    for table in ("staging.billing_intervals", "reconciliation.months", "reconciliation.invoices"):
        folder.con.execute(
            f"create table {table} as select timestamp '2026-11-01' as hour, 'now' as reading, *"
            "from (values (date '2026-11-01')) as m (month)"
        )
    folder.con.execute("create table finance.adjustments (day date, applies_to varchar)")
    built = [(model.name, version or model.code_version) for model in load_models()]
    folder.con.executemany("insert or replace into meta.models values (?, ?)", built)
    assert stale_reports(folder.con, CATALOG) == stale


def test_unbroken_rows_of_weeks_are_built_together() -> None:
    assert list(consecutive([])) == []
    assert list(consecutive([W42, W43, W45])) == [(W42, W43), (W45, W45)]
    assert list(consecutive([IsoWeek(2026, 53), IsoWeek(2027, 1)])) == [(IsoWeek(2026, 53), IsoWeek(2027, 1))]
