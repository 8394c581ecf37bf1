"""The tables that others build on: a column that goes, moves or changes its type is a change for the changelog."""

from pathlib import Path
from typing import Any

import duckdb
import pytest
from ruamel.yaml import YAML

from tests.conftest import LAST_WEEK, Tieout
from tieout.catalog.load import load_catalog
from tieout.catalog.vocabulary import COMPONENTS
from tieout.core.home import Home
from tieout.core.money import CENT, in_cents
from tieout.core.periods import IsoWeek
from tieout.core.resources import resource_path
from tieout.report.contents import WeeklyReport
from tieout.report.weekly import build_report
from tieout.warehouse.connection import read_warehouse
from tieout.warehouse.publish import read_published
from tieout.warehouse.queries import ask_workspace, canned_queries, reads_published_only, select_of

CONTRACT = Path(__file__).with_name("finance_contract.yaml")
ANY_COMPONENT = "<component>"

_COLUMNS = """
select schema_name || '.' || table_name, column_name, data_type
from duckdb_columns()
where database_name = 'finance' and not internal
order by schema_name, table_name, column_index
"""

TOTALS_OF_SPEND = {
    "spend by day": "select sum(amount_usd) from finance.spend_daily",
    "spend by function and phase": "select sum(amount_usd) from finance.spend_by_function_phase",
    "its parts": "select sum(list_sum([*columns(lambda c: c like '%_usd' and c not in ('amount_usd', "
    "'without_calls_usd'))])) from finance.spend_by_function_phase",
    "unit costs": "select sum(cost_usd) from finance.unit_costs",
    "months": "select sum(attributed_usd) from finance.reconciliation_monthly",
    "itemised months": "select sum(itemised_usd) from finance.reconciliation_monthly",
    "weeks": "select sum(attributed_usd) from finance.weeks",
    "the bill of weeks": "select sum(billed_usd) from finance.weeks",
    "about": "select attributed_usd from finance.about",
}

TOTALS_OF_THE_SAVING = {
    "savings.weekly": "select sum(avoided_usd) from finance.savings_weekly",
    "savings.ledger": "select sum(avoided_usd) from finance.savings_ledger",
}

# The newest week's cost by the questions that show weeks, each as a select over the question itself.
COST_OF_THE_WEEK = {
    "spend_by_week": "select arg_max(amount_usd, week) from ({})",
    "weeks": "select arg_max(attributed_usd, week) from ({})",
    "movers": "select any_value(now_usd) from ({}) where function = 'all functions'",
    "idle": "select any_value(cost_usd) from ({}) where function = 'all functions'",
    "unit_costs": "select sum(cost_usd) from ({}) where week = '{week}'",
}

# In the cents of the weeks.
CENTS_OF_ALL_WEEKS = {
    "spend_by_app": "select any_value(amount_usd) from ({}) where app = 'all apps'",
    "spend_by_component": "select sum(amount_usd) from ({})",
    "spend_by_function": "select sum(cost_usd) from ({})",
    "spend_by_week": "select sum(amount_usd) from ({})",
}

# Each row is rounded by itself.
ROUNDED = {
    "spend_by_day": "select sum(amount_usd), count(*) from ({})",
    "spend_by_month": "select sum(amount_usd), count(*) from ({}) where function = 'all functions'",
    "spend_by_resource": "select sum(amount_usd), count(*) from ({})",
}

COST_OF_ALL_WEEKS = {
    "about": "select attributed_usd from ({})",
    "months": "select sum(amount_usd) from ({}) where step = 'attributed to functions'",
    "tie_out": "select any_value(attributed_usd) from ({}) where environment = 'all environments'",
}


def one(home: Home, select: str) -> Any:
    [[value]] = ask_workspace(home, select).rows
    return value


def agreed_columns() -> dict[str, dict[str, str]]:
    """The types of every table's columns by their names; a column that stands for all components is one for each."""
    contract = YAML(typ="safe", pure=True).load(CONTRACT.read_text(encoding="utf-8"))
    return {
        table: {
            name: kind
            for column, kind in columns.items()
            for name in (
                [column.replace(ANY_COMPONENT, c.name) for c in COMPONENTS] if ANY_COMPONENT in column else [column]
            )
        }
        for table, columns in contract.items()
    }


def over(name: str, select: str) -> str:
    return select.format(select_of(name), week=LAST_WEEK)


@pytest.fixture(scope="module")
def con(built_workspace: Home) -> Any:
    with read_warehouse(built_workspace.warehouse) as opened:
        yield opened


@pytest.fixture(scope="module")
def report(con: duckdb.DuckDBPyConnection) -> WeeklyReport:
    return build_report(con, IsoWeek.parse(LAST_WEEK), load_catalog(resource_path("catalog")))


def test_the_tables_of_finance_are_those_agreed(built_workspace: Home) -> None:
    tables: dict[str, dict[str, str]] = {}
    with read_published(built_workspace.finance) as file:
        for table, column, kind in file.execute(_COLUMNS).fetchall():
            tables.setdefault(table, {})[column] = kind
    agreed = agreed_columns()
    for table in agreed.keys() | tables.keys():
        assert list(tables.get(table, {}).items()) == list(agreed.get(table, {}).items()), (
            f"{table} is not as agreed; if that is meant, change {CONTRACT.name} and say so in CHANGELOG.md"
        )


@pytest.mark.parametrize("select", TOTALS_OF_SPEND.values(), ids=TOTALS_OF_SPEND)
def test_every_table_adds_up_to_the_spend(built_workspace: Home, con: duckdb.DuckDBPyConnection, select: str) -> None:
    [(spend,)] = con.execute("select sum(amount_usd) from spend.hourly").fetchall()
    assert one(built_workspace, select) == spend > 0


@pytest.mark.parametrize("table", TOTALS_OF_THE_SAVING)
def test_the_saving_is_the_measured_one(built_workspace: Home, con: duckdb.DuckDBPyConnection, table: str) -> None:
    [(measured,)] = con.execute(f"select sum(avoided_usd) from {table}").fetchall()
    assert one(built_workspace, TOTALS_OF_THE_SAVING[table]) == measured > 0


def test_no_call_is_lost_on_the_way_to_finance(built_workspace: Home, con: duckdb.DuckDBPyConnection) -> None:
    [calls] = con.execute("select sum(successful_calls), sum(inputs) from savings.daily_function").fetchall()
    found = ask_workspace(built_workspace, "select sum(successful_calls), sum(inputs) from finance.calls_daily")
    assert found.rows == (calls,)
    assert one(built_workspace, "select sum(successful_calls) from finance.unit_costs") == calls[0]


def test_the_adjustments_lead_from_metered_to_billed(built_workspace: Home) -> None:
    found = ask_workspace(
        built_workspace,
        "select m.metered_usd + sum(a.amount_usd), any_value(m.billed_usd) from finance.reconciliation_monthly as m "
        "inner join finance.adjustments as a on a.day = m.month and a.applies_to = 'bill' "
        "group by m.month, m.metered_usd",
    )
    assert found.rows
    for led_to, billed in found.rows:
        assert led_to == billed


# Questions against the report


@pytest.mark.parametrize("name", COST_OF_THE_WEEK)
def test_a_question_about_the_week_agrees_with_the_report(
    built_workspace: Home, report: WeeklyReport, name: str
) -> None:
    assert one(built_workspace, over(name, COST_OF_THE_WEEK[name])).quantize(CENT) == report.spend.total_usd


@pytest.mark.parametrize("name", COST_OF_ALL_WEEKS)
def test_a_question_about_everything_adds_up_to_the_bill(built_workspace: Home, name: str) -> None:
    billed = one(built_workspace, "select sum(billed_usd) from finance.weeks")
    assert one(built_workspace, over(name, COST_OF_ALL_WEEKS[name])) == billed > 0


@pytest.mark.parametrize("name", CENTS_OF_ALL_WEEKS)
def test_a_question_about_everything_adds_up_to_the_cents_of_the_weeks(built_workspace: Home, name: str) -> None:
    weeks = one(built_workspace, "select sum(amount_usd) from finance.spend_weekly_cents")
    assert one(built_workspace, over(name, CENTS_OF_ALL_WEEKS[name])) == weeks > 0


def test_the_components_of_a_function_add_up_to_its_total(built_workspace: Home) -> None:
    found = ask_workspace(built_workspace, select_of("spend_by_component"))
    assert found.columns == ("function", "component", "amount_usd", "function_usd")
    assert {component for _, component, *_ in found.rows} <= {each.name for each in COMPONENTS}
    for function, _, _, total in found.rows:
        assert sum(amount for own, _, amount, _ in found.rows if own == function) == total


@pytest.mark.parametrize("name", ROUNDED)
def test_a_question_about_days_or_months_rounds_each_once(built_workspace: Home, name: str) -> None:
    [(total, rows)] = ask_workspace(built_workspace, over(name, ROUNDED[name])).rows
    billed = one(built_workspace, "select sum(billed_usd) from finance.weeks")
    assert abs(total - billed) <= rows * CENT / 2


def test_the_functions_of_a_month_add_up_to_its_rounded_cost(built_workspace: Home) -> None:
    found = ask_workspace(built_workspace, select_of("spend_by_month"))
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    exact = dict(
        ask_workspace(
            built_workspace,
            "select strftime(month, '%Y-%m'), attributed_usd from finance.reconciliation_monthly",
        ).rows
    )
    for month, attributed in exact.items():
        *functions, total = [row["amount_usd"] for row in rows if row["month"] == month]
        assert sum(functions) == total == in_cents(attributed)


def test_the_questions_about_the_saving_agree_with_the_report(
    built_workspace: Home, con: duckdb.DuckDBPyConnection, report: WeeklyReport
) -> None:
    headline = report.headline
    avoided, half_width, status = ask_workspace(
        built_workspace, over("savings", "select avoided_usd, half_width_usd, status from ({}) where week = '{week}'")
    ).rows[0]
    assert (avoided, half_width) == (headline.avoided_usd, headline.half_width_usd)
    assert status == headline.standing.state
    ledger = ask_workspace(
        built_workspace, over("ledger", "select phase, function, status, avoided_usd from ({})")
    ).rows
    assert [row[:3] for row in ledger] == [(row.phase, row.function, row.standing.state) for row in report.ledger.rows]
    assert [row[3] for row in ledger] == [row.avoided_usd for row in report.ledger.rows]
    total = one(built_workspace, over("savings_to_date", "select any_value(avoided_usd) from ({}) where phase = 'all'"))
    assert total == one(built_workspace, "select sum(printed_avoided_usd) from finance.savings_weekly")
    rates = over("realization", "select realized, restated from ({}) where week = '{week}'")
    [(realized, restated)] = con.execute(rates).fetchall()
    assert restated == headline.restated_usd_per_day
    assert report.bridge is not None
    assert realized == report.bridge.stages[-1][-1].total_usd


def test_finance_has_twenty_questions_and_more(built_workspace: Home) -> None:
    published = [query for query in canned_queries().values() if reads_published_only(query.select)]
    assert len(published) >= 20
    for query in published:
        assert query.question.endswith("?")
        assert ask_workspace(built_workspace, query.select).columns


def test_finance_is_answered_while_the_warehouse_is_written(workspace: Home, tieout: Tieout) -> None:
    workspace.warehouse.unlink()
    said = tieout("sql", "spend_by_week", "--csv", "--home", workspace.root)
    assert said.code == 0
    assert LAST_WEEK in said.out
    assert tieout("sql", "tie_out", "--home", workspace.root).code == 2
