"""Every total that the report prints is the one that the query beside it answers, to the cent."""

import shutil
from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.conftest import LAST_WEEK
from tests.support.issued_weeks import (
    APP,
    CATALOG,
    CODE,
    DAILY_USD,
    FIRST,
    OTHER_APP,
    SECOND,
    THIRD,
    VOLUME,
    IssuedWeeks,
    after,
)
from tieout.core.home import Home
from tieout.core.money import to_cents
from tieout.report.contents import SECTIONS, WeeklyReport
from tieout.report.digest import QUERIES
from tieout.report.pages import FUNCTION_QUERIES
from tieout.report.sections.tie_out import GateOutcome
from tieout.warehouse.queries import ask_workspace, canned_queries, select_of
from tieout.workspace import Workspace

Row: TypeAlias = dict[str, Any]
NOTHING = Decimal(0)


def cents(amount: Decimal) -> Decimal:
    [rounded] = to_cents([amount])
    return rounded


def of_week(rows: list[Row], report: WeeklyReport, column: str = "week") -> list[Row]:
    wanted = {report.week.label, report.week.start}
    return [row for row in rows if row[column] in wanted]


def label_of(row: Row) -> str:
    """The function as pages name it."""
    if row["environment"] in {CATALOG.functions.environment, "all environments"}:
        return str(row["function"])
    return f"{row['function']} ({row['environment']})"


def by_label(rows: list[Row]) -> dict[str, list[Row]]:
    known: dict[str, list[Row]] = {}
    for row in rows:
        known.setdefault(label_of(row), []).append(row)
    return known


def weeks(report: WeeklyReport, rows: list[Row]) -> None:
    [row] = of_week(rows, report)
    assert (row["billed_usd"], row["attributed_usd"]) == (report.tie_out.billed_usd, report.tie_out.attributed_usd)
    assert (row["pools"], row["off"]) == (report.tie_out.pools, report.tie_out.pools_off)
    assert cents(row["attributed_usd"]) == report.spend.total_usd


def tie_out(report: WeeklyReport, rows: list[Row]) -> None:
    *parts, total = rows
    assert sum(row["attributed_usd"] for row in parts) == total["attributed_usd"] >= report.tie_out.attributed_usd
    assert total["difference_usd"] == report.tie_out.difference_usd == 0


def gates(report: WeeklyReport, rows: list[Row]) -> None:
    known = {row["gate"]: row for row in rows}
    assert {row["week"] for row in rows} == {report.week.label}
    assert [gate.name for gate in sorted(report.gates, key=lambda gate: gate.code)] == list(known)
    for gate in report.gates:
        row = known[gate.name]
        assert (row["checked"] == 0) == (gate.outcome is GateOutcome.NOT_MEASURED), gate
        assert (row["off"] == 0) == (gate.outcome in {GateOutcome.PASSED, GateOutcome.NOT_MEASURED}), gate
    assert known["G1 conservation"]["checked"] == report.tie_out.pools
    assert known["G1 conservation"]["off"] == report.tie_out.pools_off


def months(report: WeeklyReport, rows: list[Row]) -> None:
    known = {(row["month"], row["step"].strip("=+ ")): row["amount_usd"] for row in rows}
    for month in report.months:
        name = f"{month.month:%Y-%m}"
        assert (known[name, "metered"], known[name, "billed"]) == (month.metered_usd, month.billed_usd)
        assert known[name, "invoice"] == month.invoice_total


def invoices(report: WeeklyReport, rows: list[Row]) -> None:
    known = {row["month"]: row for row in rows}
    for month in report.months:
        if month.invoice_number is not None:
            row = known[f"{month.month:%Y-%m}"]
            assert (row["number"], row["currency"], row["total"], row["billed_usd"]) == (
                month.invoice_number,
                month.invoice_currency,
                month.invoice_total,
                month.billed_usd,
            )
            assert row["rounding_usd"] == month.invoice_rounding_usd
            assert row["difference_usd"] == month.invoice_difference_usd


def movers(report: WeeklyReport, rows: list[Row]) -> None:
    assert report.changes is not None
    *functions, total = rows
    cost = report.changes.cost
    assert (total["before_usd"], total["now_usd"], total["change_usd"]) == (
        cost.before_usd,
        cost.after_usd,
        cost.change_usd,
    )
    known = by_label(functions)
    for mover in cost.movers:
        if not mover.is_rest:
            [row] = known[mover.function]
            assert (row["before_usd"], row["now_usd"], row["change_usd"]) == (
                mover.before_usd,
                mover.after_usd,
                mover.change_usd,
            )
    assert sum(row["change_usd"] for row in functions) == total["change_usd"]


def idle(report: WeeklyReport, rows: list[Row]) -> None:
    *functions, total = rows
    printed = {part.component: part.amount_usd for part in report.spend.components}
    assert total["startup_usd"] == printed.get("startup", NOTHING)
    assert total["idle_usd"] == printed.get("idle", NOTHING)
    assert total["cost_usd"] == report.spend.total_usd == sum(row["cost_usd"] for row in functions)
    known = by_label(functions)
    assert set(known) == {function.function for function in report.spend.functions}
    for function in report.spend.functions:
        [row] = known[function.function]
        own = {part.component: part.amount_usd for part in function.components}
        assert row["cost_usd"] == function.amount_usd
        assert (row["startup_usd"], row["idle_usd"]) == (own.get("startup", NOTHING), own.get("idle", NOTHING))


def spend_of_week(report: WeeklyReport, rows: list[Row]) -> None:
    known = {(label_of(row), row["component"]): row["amount_usd"] for row in rows}
    assert len(known) == len(rows)
    assert known["all functions", "all components"] == report.spend.total_usd
    for part in report.spend.components:
        assert known["all functions", part.component] == part.amount_usd
    for function in report.spend.functions:
        assert known[function.function, "all components"] == function.amount_usd
        for part in function.components:
            assert known.get((function.function, part.component), NOTHING) == part.amount_usd


def unattributed(report: WeeklyReport, rows: list[Row]) -> None:
    total = sum((row["amount_usd"] for row in of_week(rows, report, "week_of")), NOTHING)
    assert total == report.unattributed.total_usd == sum(line.amount_usd for line in report.unattributed.lines)


def savings(report: WeeklyReport, rows: list[Row]) -> None:
    [row] = of_week(rows, report)
    assert row["avoided_usd"] == report.headline.avoided_usd == report.savings.total.avoided_usd
    assert row["half_width_usd"] == report.headline.half_width_usd
    assert row["status"] == report.headline.standing.state
    total = report.savings.total
    assert (row["counterfactual_usd"], row["actual_usd"]) == (total.counterfactual_usd, total.actual_usd)


def realization(report: WeeklyReport, rows: list[Row]) -> None:
    [row] = of_week(rows, report)
    headline, rates = report.headline, report.headline.rates
    assert (row["published"], row["restated"]) == (headline.published_usd_per_day, headline.restated_usd_per_day)
    printed = (rates.vs_published, rates.vs_restated, rates.cost_cut)
    assert [str(rate) for rate in printed] == [f"{row[f'pct_{name}']}%" for name in ("published", "restated", "cut")]


def bridge(report: WeeklyReport, rows: list[Row]) -> None:
    assert report.bridge is not None
    totals = {row["step"]: row["printed_usd"] for row in rows if row["scope"] == "total"}
    first, last = report.bridge.stages[0][0], report.bridge.stages[-1][-1]
    assert (totals["published"], totals["realized"]) == (first.total_usd, last.total_usd)
    printed = sorted(
        row.total_usd for stage in report.bridge.stages for row in stage if not row.is_end and row.total_usd
    )
    ends = {"published", "claimed", "restated", "realized"}
    assert printed == sorted(amount for step, amount in totals.items() if step not in ends and amount)


def ledger(report: WeeklyReport, rows: list[Row]) -> None:
    assert [(row["avoided_usd"], row["half_width_usd"]) for row in rows] == [
        (row.avoided_usd, row.half_width_usd) for row in report.ledger.rows
    ]
    assert [row["status"] for row in rows] == [row.standing.state for row in report.ledger.rows]


def savings_to_date(report: WeeklyReport, rows: list[Row]) -> None:
    assert report.cumulative is not None
    *parts, total = rows
    assert total["avoided_usd"] == report.cumulative.reached_usd
    assert sum(row["avoided_usd"] for row in parts) == total["avoided_usd"]


def unit_costs(report: WeeklyReport, rows: list[Row]) -> None:
    calls: dict[str, int] = {}
    for row in of_week(rows, report):
        calls[row["function"]] = calls.get(row["function"], 0) + row["calls"]
    for function in report.functions:
        assert sum(day.successful for day in function.days) == calls.get(function.function, 0)


def failures(report: WeeklyReport, rows: list[Row]) -> None:
    columns = ("inputs", "errors", "timeouts", "oom_kills")
    known = by_label(rows)
    for function in report.functions:
        own = known.get(function.function, [])
        printed = [sum(getattr(day, column) for day in function.days) for column in columns]
        assert printed == [sum(row[column] for row in own) for column in columns]


def guardrails(report: WeeklyReport, rows: list[Row]) -> None:
    printed = [(group.function, row.verdict) for group in report.guardrails for row in group.rows]
    assert sorted(printed) == sorted((row["function"], row["verdict"]) for row in rows)


def audit(report: WeeklyReport, rows: list[Row]) -> None:
    assert {entry.statement for entry in report.audit} <= {row["statement"] for row in rows}


def coverage(report: WeeklyReport, rows: list[Row]) -> None:
    known = of_week(rows, report, "week_of")
    for line in report.coverage:
        own = [row for row in known if row["function"] == line.function]
        [row] = own
        assert (row["attributed_usd"], row["explained_usd"]) == (line.cents_usd, line.modelled_usd)
        assert (row["at_least_usd"], row["at_most_usd"]) == (line.low_usd, line.high_usd)


def adjustments(report: WeeklyReport, rows: list[Row]) -> None:
    printed = sum((line.amount_usd for line in report.adjustments), NOTHING)
    days = report.week.days()
    known = [row["amount_usd"] for row in rows if row["applies_to"] == "saving" and row["day"] in days]
    assert sum(known, NOTHING) == printed


def closed_weeks(report: WeeklyReport, rows: list[Row]) -> None:
    [row] = [row for row in of_week(rows, report) if row["is_newest"]]
    assert (row["cost_usd"], row["avoided_usd"]) == (report.spend.total_usd, report.headline.avoided_usd)
    assert row["input_sha256"] == report.inputs.sha256


def restatements(report: WeeklyReport, rows: list[Row]) -> None:
    """Each printed line is what its function has moved by; all lines of a week are what the week has."""
    moved = {week: [row for row in rows if row["week"] == week] for week in {row["week"] for row in rows}}
    printed: dict[str, Decimal] = {}
    for line in report.restatements.lines:
        printed[line.week] = printed.get(line.week, NOTHING) + line.moved_usd
        own = sorted((row for row in moved[line.week] if row["function"] == line.function), key=itemgetter("revision"))
        if own:
            assert (cents(own[0]["before_usd"]), cents(own[-1]["after_usd"])) == (line.before_usd, line.after_usd)
            assert {path for row in own for path in row["files"].split(", ")} == set(line.files)
    for week, amount in printed.items():
        assert cents(sum((row["moved_usd"] for row in moved[week]), NOTHING)) == amount


def files(report: WeeklyReport, rows: list[Row]) -> None:
    bills = ("billing_report", "function_calls")
    assert sum(row["deliveries"] for row in rows if row["source"] in bills) >= report.inputs.deliveries > 0


def quarantine(_: WeeklyReport, rows: list[Row]) -> None:
    assert all(row["problem"] for row in rows)


COMPARED: Mapping[str, Callable[[WeeklyReport, list[Row]], None]] = {
    each.__name__: each
    for each in (
        weeks, tie_out, gates, months, invoices, movers, idle, spend_of_week, unattributed, savings, realization,
        bridge, ledger, savings_to_date, unit_costs, failures, guardrails, audit, coverage, adjustments, closed_weeks,
        restatements, files, quarantine,
    )
}  # fmt: skip


@pytest.fixture(scope="module")
def report(built_workspace: Home) -> WeeklyReport:
    with Workspace(built_workspace, built_workspace.catalog) as workspace:
        return workspace.report(LAST_WEEK)


def test_every_query_that_a_page_names_is_compared() -> None:
    of_sections = {query for section in SECTIONS for query in section.queries}
    of_functions = {query for queries in FUNCTION_QUERIES.values() for query in queries}
    assert of_sections | of_functions | set(QUERIES) == set(COMPARED)


@pytest.mark.parametrize("name", COMPARED)
def test_a_printed_total_is_what_its_query_answers(name: str, report: WeeklyReport, built_workspace: Home) -> None:
    found = ask_workspace(built_workspace, select_of(name))
    COMPARED[name](report, [dict(zip(found.columns, row, strict=True)) for row in found.rows])


_CENTS = 2


def test_people_get_cents_and_only_what_proves_something_has_every_digit(built_workspace: Home) -> None:
    exact = set()
    for query in canned_queries().values():
        found = ask_workspace(built_workspace, query.select)
        for column, kind in zip(found.columns, found.types, strict=True):
            scale = kind.startswith("DECIMAL") and int(kind.rstrip(")").split(",")[1])
            if column.endswith("_usd") and scale > _CENTS:
                exact.add(query.name)
                assert "to the last digit" in query.question, f"{query.name}: {column} is {kind}"
    assert exact == {"about", "adjustments", "invoices", "months", "restatements", "tie_out", "weeks"}


ABOUT_MONTHS_AND_ISSUES = ("gates", "tie_out", "months", "invoices", "restatements", "closed_weeks", "files")


@pytest.fixture(scope="module")
def invoiced(issued_weeks: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[IssuedWeeks, WeeklyReport]:
    """A week behind two that were issued: the month has its invoice, and the first week was restated twice."""
    weeks = IssuedWeeks(shutil.copytree(issued_weeks, tmp_path_factory.mktemp("invoiced") / "weeks"))
    changed = {(OTHER_APP, 2): "3.50", (VOLUME, 4): "0.05", (OTHER_APP, 6): "1.001"}
    weeks.land_bill(FIRST, name="late", fetched_at=after(FIRST, days=9), changed=changed)
    weeks.report()
    changed[OTHER_APP, 2] = "4.503"
    weeks.land_bill(FIRST, name="later", fetched_at=after(FIRST, days=10), changed=changed)
    weeks.land_week(THIRD)
    weeks.land_summary("2026-10", "266.26900030")
    weeks.land_invoice("2026-10", total="266.27")
    return weeks, weeks.report()[THIRD]


@pytest.mark.parametrize("name", ABOUT_MONTHS_AND_ISSUES)
def test_a_printed_total_of_an_invoice_or_a_restated_week_is_what_its_query_answers(
    name: str, invoiced: tuple[IssuedWeeks, WeeklyReport]
) -> None:
    weeks, report = invoiced
    assert any(month.invoice_rounding_usd for month in report.months)
    assert len(report.restatements.lines) > 1
    found = ask_workspace(weeks.home, select_of(name))
    COMPARED[name](report, [dict(zip(found.columns, row, strict=True)) for row in found.rows])


OF_THE_NEWEST_WEEK = ("gates", "movers", "idle", "spend_of_week", "failures")


@pytest.fixture(scope="module")
def costless(issued_weeks: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[IssuedWeeks, WeeklyReport]:
    """A week that cost nothing behind two that were issued."""
    weeks = IssuedWeeks(shutil.copytree(issued_weeks, tmp_path_factory.mktemp("costless") / "weeks"))
    weeks.land_bill(THIRD, changed={(billed, day): "0" for billed in DAILY_USD for day in range(7)})
    return weeks, weeks.report()[THIRD]


@pytest.fixture(scope="module")
def staged(issued_weeks: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[IssuedWeeks, WeeklyReport]:
    """Two weeks that were issued; in the second one, an app costs something in another environment, too."""
    weeks = IssuedWeeks(shutil.copytree(issued_weeks, tmp_path_factory.mktemp("staged") / "weeks"))
    weeks.land_bill(SECOND, name="staging", fetched_at=after(SECOND, days=9), elsewhere={APP: "7.77"})
    return weeks, weeks.report()[SECOND]


@pytest.mark.parametrize("name", OF_THE_NEWEST_WEEK)
def test_the_newest_week_is_the_one_that_is_reported_though_it_cost_nothing(
    name: str, costless: tuple[IssuedWeeks, WeeklyReport]
) -> None:
    weeks, report = costless
    assert report.changes is not None
    assert report.changes.cost.change_usd == -report.changes.cost.before_usd < 0
    found = ask_workspace(weeks.home, select_of(name))
    COMPARED[name](report, [dict(zip(found.columns, row, strict=True)) for row in found.rows])
    assert not any(row[found.columns.index("inputs")] for row in found.rows if name == "failures")


@pytest.mark.parametrize("name", OF_THE_NEWEST_WEEK)
def test_a_function_of_two_environments_is_two_in_a_query_as_on_the_page(
    name: str, staged: tuple[IssuedWeeks, WeeklyReport]
) -> None:
    weeks, report = staged
    assert report.changes is not None
    labels = [mover.function for mover in report.changes.cost.movers]
    assert any(f"{label} (staging)" in labels for label in labels)
    found = ask_workspace(weeks.home, select_of(name))
    COMPARED[name](report, [dict(zip(found.columns, row, strict=True)) for row in found.rows])


def test_more_failures_than_a_byte_holds_are_counted_in_full(issued_weeks: Path, tmp_path: Path) -> None:
    """DuckDB takes a join with a single value for a single row, and keeps a sum over it in as few bits."""
    small = IssuedWeeks(shutil.copytree(issued_weeks, tmp_path / "weeks"))
    small.land_week(THIRD)
    small.land_calls(THIRD, CODE, calls=30, name="failed", fetched_at=after(THIRD, days=3), status="failure")
    report = small.report()[THIRD]
    found = ask_workspace(small.home, select_of("failures"))
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    failures(report, rows)
    assert {row["function"]: row["errors"] for row in rows}[CODE] == 7 * 30
