"""The FOCUS files: every digit of the bill is in them, and their form is what other tools ask for."""

import csv
import datetime as dt
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.conftest import Tieout
from tests.focus_check import LEAST_PASSED, judge
from tests.support.landing_folder import NOW, REAL_BILL
from tests.support.loading import load_at
from tieout.catalog.load import load_catalog
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.sources.raw_schema import create_raw_schema
from tieout.validation.runner import Validator
from tieout.validation.suites import load_suite
from tieout.warehouse.build import Period, write_models
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import WarehouseError, open_warehouse, read_warehouse
from tieout.warehouse.focus import FOCUS_MODELS, FocusFile, export_focus
from tieout.warehouse.models import load_models, model_named
from tieout.warehouse.publish import read_published

MANDATORY = {
    "1.2": {"ProviderName", "PublisherName"},
    "1.4": {"ServiceProviderName", "HostProviderName"},
}
MANDATORY_IN_BOTH = {
    *("BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "BillingAccountId", "BillingAccountName"),
    *("BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd"),
    *("ChargeCategory", "ChargeClass", "ChargeDescription", "InvoiceIssuerName", "ServiceName", "ServiceCategory"),
    *("PricingQuantity", "PricingUnit"),
}
COSTS = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
PERIODS = ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")
NUMBERS = (*COSTS, "PricingQuantity", "ListUnitPrice", "ContractedUnitPrice", "ConsumedQuantity")
# Half a unit of the last decimal of PricingQuantity, for as many rows as a charge has, at the dearest price.
CLOSE = Decimal("0.000000000100")

DAY = dt.date(2026, 10, 14)

Row = Mapping[str, str]
Exported = Mapping[str, tuple[FocusFile, ...]]


@pytest.fixture(scope="module")
def exported(built_workspace: Home, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    directory = tmp_path_factory.mktemp("focus")
    with read_published(built_workspace.finance) as con:
        return {version: export_focus(con, version, directory) for version in FOCUS_MODELS}


@pytest.fixture(scope="module")
def csv_rows(exported: Exported) -> Mapping[str, list[Row]]:
    return {version: [row for file in files for row in rows_of(file)] for version, files in exported.items()}


def rows_of(file: FocusFile) -> Iterable[Row]:
    if file.path.suffix == ".csv":
        with file.path.open(newline="", encoding="utf-8") as lines:
            yield from csv.DictReader(lines)


def by_app_and_resource(rows: Iterable[tuple[str, str, str, str, Decimal]]) -> dict[tuple[str, ...], Decimal]:
    """Month, object, resource and function, with what was charged."""
    sums: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for *key, amount in rows:
        sums[tuple(key)] += amount
    return dict(sums)


@pytest.fixture(scope="module")
def spend(built_workspace: Home) -> dict[tuple[str, ...], Decimal]:
    with read_warehouse(built_workspace.warehouse) as con:
        found = con.execute(
            "select strftime(hour, '%Y-%m'), object_id, resource, function, sum(amount_usd) "
            "from spend.hourly group by all"
        ).fetchall()
    return by_app_and_resource(found)


# Money


@pytest.mark.parametrize("version", FOCUS_MODELS)
def test_the_csv_charges_what_was_attributed_by_month_app_resource_and_function(
    csv_rows: Mapping[str, list[Row]], spend: dict[tuple[str, ...], Decimal], version: str
) -> None:
    charged = by_app_and_resource(
        (
            row["BillingPeriodStart"][:7],
            row["ResourceId"],
            row["x_Resource"],
            row["x_Function"],
            Decimal(row["BilledCost"]),
        )
        for row in csv_rows[version]
        if row["x_Function"]
    )
    assert charged == spend
    assert sum(charged.values()) > 0


@pytest.mark.parametrize("version", FOCUS_MODELS)
def test_the_parquet_charges_the_same(exported: Exported, spend: dict[tuple[str, ...], Decimal], version: str) -> None:
    frame = pl.concat(pl.read_parquet(file.path) for file in exported[version] if file.path.suffix == ".parquet")
    assert {frame.schema[cost] for cost in COSTS} == {pl.Decimal(38, 12)}
    assert {frame.schema[period] for period in PERIODS} == {pl.Datetime("us", "UTC")}
    charged = frame.filter(pl.col("x_Function").is_not_null()).select(
        pl.col("BillingPeriodStart").dt.strftime("%Y-%m"), "ResourceId", "x_Resource", "x_Function", "BilledCost"
    )
    assert by_app_and_resource(charged.iter_rows()) == spend


@pytest.mark.parametrize("version", FOCUS_MODELS)
def test_all_costs_of_a_charge_are_the_same_amount(csv_rows: Mapping[str, list[Row]], version: str) -> None:
    for row in csv_rows[version]:
        assert len({row[cost] for cost in COSTS}) == 1


@pytest.mark.parametrize("version", FOCUS_MODELS)
def test_price_times_quantity_is_the_cost(csv_rows: Mapping[str, list[Row]], version: str) -> None:
    priced = [row for row in csv_rows[version] if row["PricingQuantity"]]
    assert len(priced) > len(csv_rows[version]) / 2
    for row in priced:
        cost = Decimal(row["ListUnitPrice"]) * Decimal(row["PricingQuantity"])
        assert abs(cost - Decimal(row["ListCost"])) < CLOSE


def test_a_file_says_what_it_comes_to(exported: Exported, csv_rows: Mapping[str, list[Row]]) -> None:
    for version, files in exported.items():
        texts = [file for file in files if file.path.suffix == ".csv"]
        assert sum(file.rows for file in texts) == len(csv_rows[version])
        assert sum(file.billed_usd for file in texts) == sum(Decimal(row["BilledCost"]) for row in csv_rows[version])


@pytest.mark.slow
def test_a_real_bill_comes_to_what_modal_charged_for_it(tmp_path: Path) -> None:
    for name, landed in (
        ("billing_report.plain.json", "billing_report/plain.json"),
        ("billing_report.resources.json", "billing_report/resources.json"),
        ("billing_summary.2026-07.json", "billing_summary/2026-07.json"),
    ):
        path = tmp_path / "landing" / landed
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REAL_BILL / name, path)
    billed = Period(dt.date(2026, 7, 27), dt.date(2026, 8, 1))
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        create_raw_schema(con)
        write_catalog(con, load_catalog(resource_path("catalog")))
        assert load_at(con, tmp_path / "landing", now=NOW).rejected == ()
        write_models(con, load_models(), billed)
        [text, parquet] = export_focus(con, "1.4", tmp_path / "focus")
    assert (text.rows, text.billed_usd, text.is_closed) == (parquet.rows, Decimal(0), True)
    amounts = {row["ChargeDescription"]: Decimal(row["BilledCost"]) for row in rows_of(text)}
    assert amounts["Monthly summary: credits"] == Decimal("-162.41624591")
    assert amounts["Monthly summary: free storage"] == Decimal("-6.10443655")
    metered = Decimal("168.52068246")
    assert amounts["Metered by the monthly summary, in no landed report"] == metered - Decimal("17.93903620")


# Allocation


def test_a_split_charge_is_split_without_a_remainder(csv_rows: Mapping[str, list[Row]]) -> None:
    ratios: dict[str, Decimal] = defaultdict(Decimal)
    costs: dict[str, Decimal] = defaultdict(Decimal)
    origins: dict[str, Decimal] = {}
    shares = set()
    for row in csv_rows["1.4"]:
        if not (origin := row["x_SplitOriginId"]):
            assert row["x_Function"].startswith("__") or not row["x_Function"]
            continue
        share = origin, row["AllocatedResourceId"]
        assert share not in shares
        shares.add(share)
        elements = json.loads(row["AllocatedMethodDetails"], parse_float=Decimal, parse_int=Decimal)["Elements"]
        ratios[origin] += sum(element["AllocatedRatio"] for element in elements)
        costs[origin] += Decimal(row["BilledCost"])
        origins[origin] = Decimal(row["x_SplitOriginCost"])
        assert row["AllocatedResourceId"] == f"{row['ResourceId']}/{row['AllocatedResourceName']}"
    assert set(ratios.values()) == {Decimal(1)}
    assert costs == origins


def test_measured_seconds_are_the_functions_own(built_workspace: Home, csv_rows: Mapping[str, list[Row]]) -> None:
    with read_warehouse(built_workspace.warehouse) as con:
        [(microseconds,)] = con.execute(
            "select sum(container_us) from usage.hourly as u semi join spend.hourly as s on u.hour = s.hour "
            "and u.function = s.function and u.phase = s.phase and u.component = s.component and s.resource = 'Memory' "
            "and u.evidence not in ('limit', 'beyond', 'wait')"
        ).fetchall()
    seconds = {
        version: sum(
            Decimal(row["ConsumedQuantity"])
            for row in rows
            if row["SkuId"] == "Memory" and row["ConsumedUnit"] == "Seconds"
        )
        for version, rows in csv_rows.items()
    }
    assert seconds["1.2"] == seconds["1.4"] == Decimal(microseconds) / 1_000_000 > 0


# Form


@pytest.mark.parametrize("version", FOCUS_MODELS)
def test_the_columns_are_those_of_focus_and_our_own_come_last(csv_rows: Mapping[str, list[Row]], version: str) -> None:
    columns = list(csv_rows[version][0])
    assert columns == list(model_named(FOCUS_MODELS[version]).columns)
    assert MANDATORY_IN_BOTH | MANDATORY[version] <= set(columns)
    own = [column.startswith("x_") for column in columns]
    assert own == sorted(own)
    assert any(own)


@pytest.mark.parametrize("version", FOCUS_MODELS)
def test_numbers_have_a_point_and_times_are_utc(csv_rows: Mapping[str, list[Row]], version: str) -> None:
    for row in csv_rows[version]:
        assert all(re.fullmatch(r"-?\d+\.\d+|", row[column]) for column in NUMBERS)
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:00:00Z", row[column]) for column in PERIODS)
        assert row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["ChargePeriodEnd"] <= row["BillingPeriodEnd"]


@pytest.mark.parametrize("version", FOCUS_MODELS)
def test_a_month_is_on_one_invoice_or_on_none(exported: Exported, version: str) -> None:
    for file in exported[version]:
        months = {(row["BillingPeriodStart"], row["InvoiceId"]) for row in rows_of(file)}
        assert len(months) <= 1
        assert file.path.stem == f"focus-{version}-{file.month:%Y-%m}"


def test_the_same_bill_is_the_same_file(built_workspace: Home, exported: Exported, tmp_path: Path) -> None:
    with read_published(built_workspace.finance) as con:
        again = export_focus(con, "1.4", tmp_path / "deeper" / "down")
    for file, repeated in zip(exported["1.4"], again, strict=True):
        assert file.path.read_bytes() == repeated.path.read_bytes()
    assert sorted(path.name for path in (tmp_path / "deeper" / "down").iterdir()) == sorted(
        file.path.name for file in again
    )


# What is refused


@pytest.fixture
def finance(built_workspace: Home, tmp_path: Path) -> Path:
    """A copy of finance's file, to do anything to."""
    path = Path(shutil.copy(built_workspace.finance, tmp_path / "finance.duckdb"))
    path.chmod(0o644)
    return path


def change(finance: Path, statement: str) -> None:
    with duckdb.connect() as con:
        con.execute(f"attach '{finance}' as published")
        con.execute(f"use published; {statement}")


@pytest.mark.parametrize(
    "statement",
    [
        "update focus.cost_and_usage_1_2 set BilledCost = BilledCost + 0.000000000001 where rowid = 5",
        "delete from focus.cost_and_usage_1_2 where rowid = 5",
        "update focus.cost_and_usage_1_2 set x_Function = null where rowid = 5",
    ],
)
def test_charges_that_do_not_come_to_the_bill_are_not_written(finance: Path, tmp_path: Path, statement: str) -> None:
    change(finance, statement)
    with read_published(finance) as con, pytest.raises(WarehouseError, match="nothing is written"):
        export_focus(con, "1.2", tmp_path / "focus")
    assert not (tmp_path / "focus").exists()


def test_a_file_of_an_older_version_is_named(finance: Path, tmp_path: Path) -> None:
    change(finance, "drop schema focus cascade")
    with read_published(finance) as con, pytest.raises(WarehouseError, match="`tieout run` publishes it again"):
        export_focus(con, "1.2", tmp_path / "focus")


# The command


def test_the_command_says_what_every_month_comes_to(built_workspace: Home, tieout: Tieout, tmp_path: Path) -> None:
    said = tieout("export", "focus", "--version", "1.4", "--home", built_workspace.root, "--out", tmp_path / "out")
    assert said.code == 0
    assert len(said.out.splitlines()) == len(list((tmp_path / "out").iterdir()))
    assert "focus-1.4-2026-10.csv" in said.out
    assert " charges, $" in said.out


def test_another_version_is_wrong_use(built_workspace: Home, tieout: Tieout, tmp_path: Path) -> None:
    said = tieout("export", "focus", "--version", "1.3", "--home", built_workspace.root, "--out", tmp_path / "out")
    assert said.code == 2
    assert "--version 1.2 or 1.4" in said.err


def test_without_a_published_file_the_command_says_how_to_get_one(tieout: Tieout, tmp_path: Path) -> None:
    said = tieout("export", "focus", "--home", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert said.code == 2
    assert "tieout run" in said.err


# What the checks of the tables notice

NOTICED = {
    "The charges of a pool are what was attributed of it": (
        "reconciliation.usage_charges",
        "select * replace (amount_usd + 0.000000000001 as amount_usd) from {table}",
    ),
    "A charge stands once": ("reconciliation.usage_charges", "from {table} union all from {table}"),
    "Price times quantity is the amount to a billionth of a dollar": (
        "reconciliation.usage_charges",
        "select * replace (quantity + 0.00000001 as quantity) from {table}",
    ),
    "What is priced has a quantity and a unit": (
        "reconciliation.usage_charges",
        "select * replace (null as quantity) from {table}",
    ),
    "Only charges of the whole workspace lack an object": (
        "reconciliation.charges",
        "select * replace (null as object_id) from {table}",
    ),
    "Charges have a category": ("reconciliation.charges", "select * replace ('tax' as category) from {table}"),
    "Credits take away": (
        "reconciliation.charges",
        "select * replace ('credit' as category, 0 as amount_usd) from {table}",
    ),
    "What is billed of an object is what was attributed of it": (
        "focus.cost_and_usage_1_2",
        "select * from {table} where x_Component != 'idle'",
    ),
    "Usage has a price": ("focus.cost_and_usage_1_2", "select * replace (null as ListUnitPrice) from {table}"),
    "A charge lies in the month that bills it": (
        "focus.cost_and_usage_1_2",
        "select * replace (ChargePeriodEnd + interval 1 month as ChargePeriodEnd) from {table}",
    ),
    "The functions' shares are the charge": (
        "focus.cost_and_usage_1_4",
        "select * replace (BilledCost + 0.000000000001 as BilledCost) from {table}",
    ),
    "A function has one share of a charge": ("focus.cost_and_usage_1_4", "from {table} union all from {table}"),
    "The ratios of a charge add up to one": (
        "focus.cost_and_usage_1_4",
        "from {table} where x_Function != 'evaluate_genome_modal'",
    ),
}


@pytest.fixture(scope="module")
def con(built_workspace: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with read_warehouse(built_workspace.warehouse) as opened:
        yield opened


@pytest.fixture(scope="module")
def validator(con: duckdb.DuckDBPyConnection) -> Validator:
    return Validator(con)


def complaints(con: duckdb.DuckDBPyConnection, validator: Validator, table: str, select: str) -> set[str]:
    """What the checks of a table say of one day's rows, seen through a select."""
    start = model_named(table).partition
    con.execute(f"create or replace temp table one_day as from {table} where {start}::date = date '{DAY}'")
    rows = f"select * from ({select.format(table='one_day')})"
    one_day = (DAY, DAY + dt.timedelta(days=1))
    return {o.expectation.name for o in validator.validate(load_suite(table), rows=rows, days=one_day).blocking}


@pytest.mark.parametrize("name", NOTICED)
def test_charges_that_are_wrong_are_noticed(con: duckdb.DuckDBPyConnection, validator: Validator, name: str) -> None:
    assert name in complaints(con, validator, *NOTICED[name])


@pytest.mark.parametrize("table", sorted({table for table, _ in NOTICED.values()}))
def test_charges_that_are_right_pass(con: duckdb.DuckDBPyConnection, validator: Validator, table: str) -> None:
    assert complaints(con, validator, table, "from {table}") == set()


def test_every_check_of_the_charges_is_seen_to_notice_something() -> None:
    tables = {table for table, _ in NOTICED.values()}
    assert {e.name for table in tables for e in load_suite(table).expectations} == set(NOTICED)


# What focus-validator says


def said(*failures: str, passed: int = LEAST_PASSED) -> str:
    totals = f"Total: {passed + 300 + len(failures)} | Pass: {passed} | Fail: {len(failures)} | Skipped: 300"
    return "\n".join(["=== Validation Results ===", totals, *(f"❌ {name}: FAIL  (violations=1)" for name in failures)])


@pytest.mark.parametrize("known", ["InvoiceId-C-004-C", "InvoiceId-C-005-C"])
def test_the_one_failure_that_is_known_to_be_false_is_accepted(known: str) -> None:
    assert judge("a.csv", said(known)).complaint == ""


@pytest.mark.parametrize(
    ("output", "complaint"),
    [
        (said("InvoiceId-C-005-C", "BilledCost-C-001-M"), "failed: BilledCost-C-001-M"),
        (said("InvoiceId-C-004-C", "InvoiceId-C-005-C"), "exactly one fails, not 2"),
        (said(), "exactly one fails, not 0"),
        (said("InvoiceId-C-005-C", passed=LEAST_PASSED - 1), "checked less than it used to"),
        (said("InvoiceId-C-005-C").replace("Fail: 1", "Fail: 2"), "do not add up"),
        ("Traceback (most recent call last)", "printed no totals: Traceback"),
    ],
)
def test_everything_else_that_it_says_is_a_complaint(output: str, complaint: str) -> None:
    assert complaint in judge("a.csv", output).complaint
