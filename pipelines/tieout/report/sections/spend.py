"""Where the week's money went: by function, phase and component, and what no call explains."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from tieout.catalog.models import BASELINE, Catalog
from tieout.catalog.vocabulary import COMPONENTS
from tieout.core.periods import IsoWeek
from tieout.report.formats.sheets import Kind, Sheet, SheetColumn
from tieout.report.function_usage import NO_CALL
from tieout.report.section import CostColumn
from tieout.report.wording import Share, count, share_of, spoken
from tieout.savings.boundary import UNEXPLAINED
from tieout.warehouse.parsed import answers

HALF_A_CENT = Decimal("0.005")

_SPEND = """
select
    week_start, environment, function, phase, component, sum(amount_usd)::decimal(38, 2),
    sum(exact_usd)::decimal(38, 12)
from spend.weekly_cents
where week_start in (select unnest($weeks::date[]))
group by all
order by all
"""

_WITHOUT_A_CALL = """
select component, app, resource, sum(amount_usd)::decimal(38, 2), sum(exact_usd)::decimal(38, 12)
from spend.no_call_cents
where week_start = $week_start
group by all
order by abs(sum(amount_usd)) desc, abs(sum(exact_usd)) desc, component, app, resource
"""


@dataclass(frozen=True)
class ComponentSpend:
    """Cents of one component; zero where there is none."""

    component: str
    amount_usd: Decimal


@dataclass(frozen=True)
class PhaseSpend:
    """Cents of one rollout phase; its components add up to them. All phases list the same components."""

    phase: str
    amount_usd: Decimal
    components: tuple[ComponentSpend, ...]


@dataclass(frozen=True)
class FunctionSpend:
    """Cents of one function; its phases add up to them, and so do its components over all phases.

    `is_unexplained` tells the rest of an app that no function can have used, in whichever environment.
    """

    function: str
    amount_usd: Decimal
    share: Share | None
    phases: tuple[PhaseSpend, ...]
    components: tuple[ComponentSpend, ...]
    is_unexplained: bool = False

    @property
    def without_a_call_usd(self) -> Decimal:
        """What of it no call explains."""
        return _without_a_call(self.components)


@dataclass(frozen=True)
class Spend:
    """Cents of the week; its functions add up to them, and so do its components over all functions."""

    total_usd: Decimal
    functions: tuple[FunctionSpend, ...]
    components: tuple[ComponentSpend, ...]

    @property
    def without_a_call_usd(self) -> Decimal:
        """What of it no call explains."""
        return _without_a_call(self.components)

    def beyond(self, most: int) -> FunctionSpend | None:
        """Return the functions that come after the dearest as one, so that what is shown adds up; None without any."""
        rest = self.functions[most:]
        if not rest:
            return None
        amount = sum((function.amount_usd for function in rest), Decimal(0))
        name = count(len(rest), "other function")
        return FunctionSpend(
            name, amount, share_of(amount, self.total_usd), (), _over_all([function.components for function in rest])
        )


NO_SPEND = Spend(Decimal(0), (), ())
"""The spend of a week that cost nothing."""


@dataclass(frozen=True)
class UnattributedLine:
    """Cost that no call explains, in cents."""

    component: str
    app: str
    resource: str
    amount_usd: Decimal


@dataclass(frozen=True)
class Unattributed:
    """All cost that no call explains; its lines add up to it."""

    total_usd: Decimal
    share: Share | None
    lines: tuple[UnattributedLine, ...]


@dataclass(frozen=True)
class _Row:
    is_unexplained: bool
    phase: str
    component: str
    amount_usd: Decimal
    exact_usd: Decimal


def _without_a_call(components: Sequence[ComponentSpend]) -> Decimal:
    return sum((part.amount_usd for part in components if part.component in NO_CALL), Decimal(0))


def function_label(function: str, environment: str, catalog: Catalog) -> str:
    """Name a function; outside the programme's environment, with its own."""
    return function if environment == catalog.functions.environment else f"{function} ({environment})"


def read_spends(con: duckdb.DuckDBPyConnection, weeks: Sequence[IsoWeek], catalog: Catalog) -> dict[IsoWeek, Spend]:
    """Read the weeks' cost by function, phase and component, dearest function first, in the cents of the warehouse.

    One query for all of them takes hardly longer than one for a single week.
    """
    rows: dict[dt.date, dict[str, list[_Row]]] = defaultdict(lambda: defaultdict(list))
    for monday, environment, function, *row in answers(con, _SPEND, {"weeks": [w.start for w in weeks]}):
        rows[monday][function_label(function, environment, catalog)].append(_Row(function == UNEXPLAINED, *row))
    return {week: _spend(rows[week.start], catalog) for week in weeks}


def _spend(by_function: Mapping[str, Sequence[_Row]], catalog: Catalog) -> Spend:
    found = {row.component for rows in by_function.values() for row in rows}
    shown = [each.name for each in COMPONENTS if each.name in found]
    ordered = sorted(by_function.items(), key=lambda item: (-sum(row.exact_usd for row in item[1]), item[0]))
    total = sum((row.amount_usd for rows in by_function.values() for row in rows), Decimal(0))
    functions = []
    for function, rows in ordered:
        phases = _phases(rows, shown, catalog)
        cents = sum((phase.amount_usd for phase in phases), Decimal(0))
        components = _over_all([phase.components for phase in phases])
        is_unexplained = rows[0].is_unexplained
        functions.append(FunctionSpend(function, cents, share_of(cents, total), phases, components, is_unexplained))
    return Spend(total, tuple(functions), _over_all([function.components for function in functions]))


def _phases(rows: Sequence[_Row], shown: Sequence[str], catalog: Catalog) -> tuple[PhaseSpend, ...]:
    order = [BASELINE, *(phase.id for phase in catalog.rollout.phases)]
    cents: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for row in rows:
        cents[row.phase][row.component] = row.amount_usd
    names = [*(name for name in order if name in cents), *sorted(set(cents).difference(order))]
    return tuple(
        PhaseSpend(
            name,
            sum(cents[name].values(), Decimal(0)),
            tuple(ComponentSpend(component, cents[name].get(component, Decimal(0))) for component in shown),
        )
        for name in names
    )


def _over_all(parts: Sequence[Sequence[ComponentSpend]]) -> tuple[ComponentSpend, ...]:
    """Add printed cents component by component, so that rows and columns of the table both add up."""
    return tuple(
        ComponentSpend(column[0].component, sum((cell.amount_usd for cell in column), Decimal(0)))
        for column in zip(*parts, strict=True)
    )


def read_unattributed(con: duckdb.DuckDBPyConnection, week: IsoWeek, *, spend: Spend) -> Unattributed:
    """Read the cost that no call explains, largest first; lines below half a cent are printed as one.

    Args:
        con: the warehouse.
        week: the week.
        spend: of the whole week, for the share.
    """
    rows = answers(con, _WITHOUT_A_CALL, {"week_start": week.start})
    lines = [UnattributedLine(*row[:4]) for row in rows if abs(row[4]) >= HALF_A_CENT]
    if small := [row[3] for row in rows if abs(row[4]) < HALF_A_CENT]:
        rest = sum(small, Decimal(0))
        lines.append(UnattributedLine("below half a cent each", count(len(small), "line"), "all", rest))
    total = spend.without_a_call_usd
    return Unattributed(total, share_of(total, spend.total_usd), tuple(lines))


def write_unattributed(sheet: Sheet, unattributed: Unattributed) -> None:
    """Write the sheet of the cost that no call explains."""
    sheet.title("What no call explains", below="Billed cost without a call behind it, by reason.")
    columns = (
        SheetColumn("Why"),
        SheetColumn("App or object"),
        SheetColumn("Resource"),
        SheetColumn("Cost", Kind.CENTS, has_total=True),
    )
    rows = [(line.component, line.app, line.resource, line.amount_usd) for line in unattributed.lines]
    sheet.browse(sheet.table(columns, rows, total="Total"), len(columns))


def write_spend(sheet: Sheet, spend: Spend, *, span: str) -> CostColumn:
    """Write the sheet of the spend; its costs add up to the week's."""
    sheet.title("Spend by function, phase and component", below=f"{span}, UTC. The total follows the filter.")
    columns = (
        SheetColumn("Function"),
        SheetColumn("Phase"),
        SheetColumn("Component"),
        SheetColumn("Cost", Kind.CENTS, has_total=True),
    )
    rows = [
        (spoken(function.function), phase.phase, part.component, part.amount_usd)
        for function in spend.functions
        for phase in function.phases
        for part in phase.components
        if part.amount_usd
    ]
    placed = sheet.table(columns, rows, total="Total")
    sheet.browse(placed, len(columns))
    return CostColumn(placed, 3)
