"""Every figure that a week's surfaces print, by what it is: on pages, in digest, workbook, archive and queries."""

import datetime as dt
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias
from xml.etree.ElementTree import Element

import html5lib
from openpyxl import load_workbook

from tieout.catalog.models import Catalog
from tieout.core.home import Home
from tieout.core.money import CENT
from tieout.report.archive import archived_weeks, periods_of
from tieout.report.contents import WeeklyReport
from tieout.report.digest import digest_of
from tieout.report.formats.html import render_pages
from tieout.report.formats.workbook import render_workbook
from tieout.report.pages import function_pages
from tieout.report.sections.spend import function_label
from tieout.report.wording import spoken
from tieout.warehouse.queries import ask_workspace, select_of

Row: TypeAlias = dict[str, Any]
ALL = "all"
_USD = re.compile(r"−?\$[\d,]+\.\d\d(?!\d)")
_NOTHING = Decimal(0)


class Figures:
    """Amounts in cents by their name, subject and the surface that prints them."""

    def __init__(self) -> None:
        self.found: defaultdict[tuple[str, str], dict[str, Decimal]] = defaultdict(dict)

    def add(self, name: str, subject: str, surface: str, amount: Decimal | str | None) -> None:
        """Take a figure as it is printed; what is not printed as an amount is none."""
        if isinstance(amount, str):
            if not (printed := _USD.search(amount)):
                return
            amount = dollars(printed[0])
        if amount is not None:
            assert amount == amount.quantize(CENT), f"{surface}: {name} of {subject} is {amount}, not in cents"
            self.found[name, subject][surface] = amount

    def add_up(self, name: str, surface: str, parts: Mapping[str, Decimal | str | None]) -> None:
        """Take the parts of a total, each by its subject, and the total that they add up to."""
        for subject, amount in parts.items():
            self.add(name, subject, surface, amount)
        amounts = [self.found[name, subject].get(surface, _NOTHING) for subject in parts]
        self.add(name, ALL, f"{surface}, added up", sum(amounts, _NOTHING))

    @property
    def contradictions(self) -> list[str]:
        """The figures that are not one number."""
        return [
            f"{name} of {subject}: {', '.join(f'{amount} ({surface})' for surface, amount in surfaces.items())}"
            for (name, subject), surfaces in sorted(self.found.items())
            if len(set(surfaces.values())) > 1
        ]


def dollars(text: str) -> Decimal:
    return Decimal(text.replace("−", "-").replace("$", "").replace(",", ""))


def printed_figures(home: Home, report: WeeklyReport, catalog: Catalog) -> Figures:
    """Collect the figures of a week that is built and reported in a workspace."""
    figures = Figures()
    _of_pages(figures, report)
    _of_digest(figures, report)
    _of_workbook(figures, report)
    _of_archive(figures, report, home)
    _of_queries(figures, report, home, catalog)
    return figures


# Pages


def _of_pages(figures: Figures, report: WeeklyReport) -> None:
    pages = {name: tables_of(page) for name, page in render_pages(report)}
    spend, data = pages["spend.html"], pages["data.html"]
    functions = {row["Function"]: row["Cost"] for row in spend.get("spend-rows", ()) if row["is head"]}
    total = functions.pop("Total", None)
    figures.add_up("cost of the week", "page Spend", functions)
    figures.add("cost of the week", ALL, "page Spend", total)
    for row in spend.get("spend-rows", ()):
        if row["Function"] == "Total":
            for column in row.keys() - _NO_COMPONENT:
                figures.add("cost by component", column.lower(), "page Spend", row[column])
    for row in data.get("coverage", ()):
        figures.add("cost of the week", row["Function"], "page Data", row["Billed"])
        for column in ("At least", "At most", "By the log"):
            figures.add(column.lower(), row["Function"], "page Data", row.get(column))
    for row in spend.get("changes-cost", ()):
        subject = ALL if row["Function"] == "Total" else row["Function"]
        if not re.search(r" others?$", subject):
            figures.add("cost of the week", subject, "page Spend, what changed", row[report.week.label])
    _of_no_calls(figures, report, spend)
    _of_savings(figures, pages.get("savings.html", {}), report)
    for row in spend.get("changes-avoided", ()):
        subject = ALL if row["Function"] == "Total" else row["Function"]
        figures.add("avoided a measured day", subject, "page Spend, what changed", row[report.week.label])
    for function in function_pages(report):
        own, name = pages[function.file], spoken(function.detail.function)
        [week] = [row for row in own["weeks"] if row["Week"] == report.week.label]
        figures.add("cost of the week", name, "page of the function", week["Cost"])
        for row in own.get("components", ()):
            if row["Component"] == "Total":
                figures.add("cost of the week", name, "page of the function, components", row["Total"])
        if function.detail.low_usd is not None and function.spend is not None:
            figures.add("at least", name, "page of the function", function.detail.low_usd)
            figures.add("at most", name, "page of the function", function.detail.high_usd)
        for row in own.get("dearest", ()):
            figures.add("cost of a day", f"{row['Day']} {name}", "page of the function", row["Cost"])
        if function.ledger:
            parts = [row["Avoided"] for row in own["ledger-rows"] if "$" in row["Avoided"]]
            amount = sum((dollars(part) for part in parts), _NOTHING) if parts else None
            figures.add("avoided", name, "page of the function, ledger", amount)


_NO_COMPONENT = frozenset({"Function", "Cost", "Share", "is head"})


def _of_no_calls(figures: Figures, report: WeeklyReport, spend: Mapping[str, Sequence[Row]]) -> None:
    rows = spend.get("unattributed", ())
    lines = [dollars(row["Cost"]) for row in rows if row["Why"] != "Total"]
    if rows:
        figures.add("without a call", ALL, "page Spend, lines", sum(lines, _NOTHING))
        figures.add("without a call", ALL, "page Spend", rows[-1]["Cost"])
        figures.add("without a call", ALL, "page Spend, opportunities", report.opportunities.without_a_call_sentence)


def _of_savings(figures: Figures, savings: Mapping[str, Sequence[Row]], report: WeeklyReport) -> None:
    parts: dict[str, str] = {}
    for row in savings.get("realized", ()):
        subject = ALL if row["Function"] == "Total" else row["Function"]
        if subject == "Subtotal" or "Avoided" not in row:
            continue
        figures.add("avoided", subject, "page Savings", row["Avoided"])
        figures.add("counterfactual", subject, "page Savings", row["Counterfactual"])
        if subject != ALL:
            parts[subject] = row["Avoided"]
            whole_week = report.savings.measured_days == 7
            figures.add(
                "cost of the week" if whole_week else "cost of the measured days",
                subject,
                "page Savings",
                row["Actual"],
            )
    if parts:
        figures.add_up("avoided", "page Savings", parts)
    ledger: dict[str, Decimal] = {}
    for row in savings.get("ledger", ()):
        if row["Function"] == "Total":
            figures.add("avoided", ALL, "page Savings, ledger", row["Avoided"])
        elif "$" in row.get("Avoided", ""):
            ledger[row["Function"]] = ledger.get(row["Function"], _NOTHING) + dollars(row["Avoided"])
    if ledger:
        figures.add_up("avoided", "page Savings, ledger", ledger)
    realized: dict[str, Decimal] = {}
    for row in savings.get("bridge-functions", ()):
        if "$" in row.get("Realized", ""):
            realized[row["Function"]] = realized.get(row["Function"], _NOTHING) + dollars(row["Realized"])
    if realized:
        figures.add_up("avoided a measured day", "page Savings, bridge", realized)
    for row in savings.get("witnesses", ()):
        if row["Witness"].lower() == "this report":
            figures.add("counterfactual", ALL, "page Savings, witnesses", row["Counterfactual"])
            figures.add("avoided", ALL, "page Savings, witnesses", row["Saving"])
    for row in savings.get("rollout", ()):
        moved, rest = row["Cost moved"], row["Not yet moved"]
        [line] = [line for line in report.rollout if spoken(line.function) == row["Function"]]
        if line.days == 7:
            figures.add("cost of the week", row["Function"], "page Savings, rollout", dollars(moved) + dollars(rest))
    if report.cumulative is not None:
        figures.add("avoided so far", ALL, "page Savings", report.cumulative.sentence.partition("avoided cost ")[2])


def tables_of(page: str) -> dict[str, list[Row]]:
    """The rows of every table of a page, by the address of its caption; cells by their column."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    return {
        str(caption.get("id")): list(_rows(table)) for table in tree.iter("table") for caption in table.iter("caption")
    }


def _rows(table: Element) -> Iterator[Row]:
    head = next(iter(table.iter("thead")))
    first = shown(next(iter(head.iter("th")))).split(",")[0]
    for row in table.iter("tr"):
        cells = [cell for cell in row if cell.tag in ("th", "td")]
        named = [cell for cell in cells if cell.tag == "th" and cell.get("scope") in ("row", "rowgroup")]
        if named:
            yield {
                first: _name(named[0]),
                "is head": named[0].get("scope") == "rowgroup" or _name(named[0]) == "Total",
                **{str(cell.get("data-label")): shown(cell) for cell in cells if cell.get("data-label")},
            }


def _name(cell: Element) -> str:
    """A row's name, without what stands softly beside it."""
    soft = "".join(shown(each) for each in cell.iter("span") if "soft" in (each.get("class") or ""))
    return shown(cell).removesuffix(soft).strip()


def shown(element: Element) -> str:
    return " ".join("".join(element.itertext()).replace("\xad", "").split())


# Digest, workbook, archive


def _of_digest(figures: Figures, report: WeeklyReport) -> None:
    digest, headline = digest_of(report), report.headline
    figures.add("cost of the week", ALL, "digest", digest.spent.figure)
    if digest.answers[1].question == "Saved":
        figures.add("avoided", ALL, "digest", digest.answers[1].figure)
        figures.add("avoided a measured day", ALL, "digest", headline.avoided_usd_per_day)
    for mover in digest.movers:
        figures.add("cost of the week", spoken(mover.function), "digest, movers", mover.now)
    figures.add("cost of the week", ALL, "digest, tie-out", digest.answers[2].lines[0])


def _of_workbook(figures: Figures, report: WeeklyReport) -> None:
    book = load_workbook(io.BytesIO(render_workbook(report)), data_only=True)
    sheets = {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book.worksheets}
    summary = {row[0]: row[1] for row in sheets["Summary"] if row[0]}
    figures.add("cost of the week", ALL, "workbook", _cents(summary["Attributed to functions, in cents"]))
    figures.add("without a call", ALL, "workbook", _cents(summary["Of it without a call"]))
    if "Avoided cost" in summary:
        figures.add("avoided", ALL, "workbook", _cents(summary["Avoided cost"]))
    spent: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in records(sheets["Spend"], "Function"):
        spent[row["Function"]] += _cents(row["Cost"]) or _NOTHING
    figures.add_up("cost of the week", "workbook, Spend", spent)
    for row in records(sheets["Coverage"], "Function"):
        figures.add("cost of the week", row["Function"], "workbook, Coverage", _cents(row["Billed"]))
        for column in ("At least", "At most", "By the log"):
            figures.add(column.lower(), row["Function"], "workbook", _cents(row[column]))
    lines = [_cents(row["Cost"]) or _NOTHING for row in records(sheets["Without a call"], "Why")]
    figures.add("without a call", ALL, "workbook, lines", sum(lines, _NOTHING))
    for row in records(sheets["Trend"], "Week"):
        if row["Week"] == report.week.label:
            figures.add("cost of the week", ALL, "workbook, Trend", _cents(row["Cost of the week"]))
            figures.add("avoided", ALL, "workbook, Trend", _cents(row.get("Avoided in the week")))
            figures.add("avoided so far", ALL, "workbook, Trend", _cents(row.get("Avoided so far")))
    for row in records(sheets.get("Savings", []), "Function"):
        figures.add("avoided", row["Function"], "workbook, Savings", _cents(row["Avoided cost"]))
        figures.add("counterfactual", row["Function"], "workbook, Savings", _cents(row["Counterfactual"]))


def records(sheet: Sequence[Sequence[Any]], first: str) -> list[Row]:
    """The rows below the header that has this title, up to an empty row or the total."""
    start = next((i for i, row in enumerate(sheet) if first in row), len(sheet))
    found: list[Row] = []
    for row in sheet[start + 1 :]:
        if row[0] in (None, "Total"):
            break
        found.append(dict(zip(sheet[start], row, strict=True)))
    return found


def _cents(value: object) -> Decimal | None:
    return Decimal(repr(value)).quantize(CENT) if isinstance(value, int | float) else None


def _of_archive(figures: Figures, report: WeeklyReport, home: Home) -> None:
    weeks = archived_weeks(home.reports)
    [own] = [week.summary for week in weeks if week.week == report.week]
    assert own is not None
    figures.add("cost of the week", ALL, "archive", own.cost)
    figures.add("avoided", ALL, "archive", own.avoided)
    figures.add("avoided so far", ALL, "archive", own.running)
    periods = periods_of(weeks)
    months = [period for period in periods if "quarter" not in period.label]
    for month in months:
        figures.add("cost of the month", month.label, "archive", month.cost_usd)
    quarters = [period for period in periods if "quarter" in period.label]
    for name, parts in (("quarters", quarters), ("months", months)):
        figures.add("cost of all months", ALL, f"archive, {name}", sum((part.cost_usd for part in parts), _NOTHING))
        avoided = [part.avoided_usd for part in parts if part.avoided_usd is not None]
        figures.add("avoided so far", ALL, f"archive, {name}", sum(avoided, _NOTHING) if avoided else None)


# Queries and finance's file


def _of_queries(figures: Figures, report: WeeklyReport, home: Home, catalog: Catalog) -> None:
    def asked(name: str) -> list[Row]:
        found = ask_workspace(home, select_of(name))
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]

    def label(row: Row) -> str:
        return spoken(function_label(row["function"], row["environment"], catalog))

    week = {report.week.label, report.week.start}
    costs: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for name, column in (("spend_of_week", "amount_usd"), ("idle", "cost_usd"), ("movers", "now_usd")):
        for row in asked(name):
            if row["function"] == "all functions":
                if row.get("component", "all components") == "all components":
                    figures.add("cost of the week", ALL, f"query {name}", row[column])
                else:
                    figures.add("cost by component", row["component"], f"query {name}", row[column])
            elif row.get("component", "all components") == "all components":
                costs[name][label(row)] = row[column]
    for row in asked("unit_costs"):
        if row["week"] in week:
            costs["unit_costs"][label(row)] = costs["unit_costs"].get(label(row), _NOTHING) + row["cost_usd"]
    for name, parts in costs.items():
        figures.add_up("cost of the week", f"query {name}", parts)
    for row in asked("coverage"):
        if row["week_of"] in week and row["function"] in {line.function for line in report.coverage}:
            figures.add("cost of the week", label(row), "query coverage", row["attributed_usd"])
            figures.add("at least", label(row), "query coverage", row["at_least_usd"])
            figures.add("at most", label(row), "query coverage", row["at_most_usd"])
            figures.add("by the log", label(row), "query coverage", row["explained_usd"])
    lines = [row["amount_usd"] for row in asked("unattributed") if row["week_of"] in week]
    figures.add("without a call", ALL, "query unattributed", sum(lines, _NOTHING))
    for row in asked("spend_by_week"):
        if row["week"] in week:
            figures.add("cost of the week", ALL, "query spend_by_week", row["amount_usd"])
    for row in asked("dearest_days"):
        day = f"{row['day']:%a} {row['day'].day} {row['day']:%b} {row['day'].year}"
        figures.add("cost of a day", f"{day} {label(row)}", "query dearest_days", row["amount_usd"])
    for row in asked("spend_by_month"):
        if row["function"] == "all functions":
            month = dt.datetime.strptime(row["month"], "%Y-%m").replace(tzinfo=dt.UTC)
            figures.add("cost of the month", f"{month:%B %Y}", "query spend_by_month", row["amount_usd"])
    _of_saving_queries(figures, report, asked)


def _of_saving_queries(figures: Figures, report: WeeklyReport, asked: Any) -> None:
    for row in asked("savings"):
        if row["week"] == report.week.label:
            figures.add("avoided", ALL, "query savings", row["avoided_usd"])
            figures.add("counterfactual", ALL, "query savings", row["counterfactual_usd"])
            figures.add("cost of what claims", ALL, "query savings", row["actual_usd"])
            figures.add("cost of what claims", ALL, "page Savings", report.savings.total.actual_usd)
    ledger: dict[str, Decimal] = {}
    for row in asked("ledger"):
        if row["avoided_usd"] is not None:
            ledger[row["function"]] = ledger.get(row["function"], _NOTHING) + row["avoided_usd"]
    if ledger:
        figures.add_up("avoided", "query ledger", ledger)
    if report.cumulative is not None:
        *_, total = asked("savings_to_date")
        figures.add("avoided so far", ALL, "query savings_to_date", total["avoided_usd"])
