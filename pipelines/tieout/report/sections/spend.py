"""Where the week's money went: by function, phase and component, and what no call explains."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from tieout.catalog.models import BASELINE, Catalog
from tieout.core.money import to_cents
from tieout.core.periods import IsoWeek, day_start
from tieout.report.cents import to_cents_in_groups
from tieout.report.contents import (
    ComponentSpend,
    CoverageLine,
    FunctionSpend,
    PhaseSpend,
    Spend,
    Unattributed,
    UnattributedLine,
)
from tieout.report.sections.gates import is_logged
from tieout.report.wording import count, share_of

COMPONENTS = ("execution", "startup", "idle", "unexplained", "unlogged", "residual", "direct")
HALF_A_CENT = Decimal("0.005")

_SPEND = """
select environment, function, phase, component, sum(amount_usd)::decimal(38, 12)
from spend.hourly
where hour >= $since and hour < $until
group by all
order by all
"""

_WITHOUT_A_CALL = """
select component, app, resource, sum(amount_usd)::decimal(38, 12)
from spend.hourly
where hour >= $since and hour < $until and component in ('unexplained', 'unlogged', 'residual', 'direct')
group by all
having sum(amount_usd) != 0
order by all
"""

_COVERAGE = """
select
    environment,
    function,
    sum(billed_usd)::decimal(38, 12) as billed_usd,
    sum(modelled_usd)::decimal(38, 12) as modelled_usd
from reconciliation.log_vs_bill
where day >= $since and day < $until
group by all
having sum(billed_usd) != 0 or sum(modelled_usd) != 0
order by 3 desc, 1, 2
"""


@dataclass(frozen=True)
class _Row:
    phase: str
    component: str
    amount_usd: Decimal


def function_label(function: str, environment: str, catalog: Catalog) -> str:
    """Name a function; outside the programme's environment, with its own."""
    return function if environment == catalog.functions.environment else f"{function} ({environment})"


def read_spend(con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog) -> Spend:
    """Read the week's cost by function, phase and component, dearest function first, in cents that add up."""
    by_function: dict[str, list[_Row]] = defaultdict(list)
    for environment, function, phase, component, amount in con.execute(_SPEND, _bounds(week)).fetchall():
        if amount:
            row = _Row(phase, component, amount)
            by_function[function_label(function, environment, catalog)].append(row)
    shown = [name for name in COMPONENTS if any(row.component == name for rows in by_function.values() for row in rows)]
    ordered = sorted(by_function.items(), key=lambda item: (-_sum(item[1]), item[0]))
    totals = to_cents([_sum(rows) for _, rows in ordered])
    total = sum(totals, Decimal(0))
    functions = []
    for (function, rows), cents in zip(ordered, totals, strict=True):
        phases = _phases(rows, cents, shown, catalog)
        functions.append(
            FunctionSpend(function, cents, share_of(cents, total), phases, _over_all([p.components for p in phases]))
        )
    return Spend(total, tuple(functions), _over_all([function.components for function in functions]))


def _bounds(week: IsoWeek) -> dict[str, object]:
    return {"since": day_start(week.start), "until": day_start(week.end)}


def _sum(rows: Iterable[_Row]) -> Decimal:
    return sum((row.amount_usd for row in rows), Decimal(0))


def _phases(rows: Sequence[_Row], total: Decimal, shown: Sequence[str], catalog: Catalog) -> tuple[PhaseSpend, ...]:
    order = [BASELINE, *(phase.id for phase in catalog.rollout.phases)]
    found = {row.phase for row in rows}
    names = [*(name for name in order if name in found), *sorted(found.difference(order))]
    groups = [
        [_sum(row for row in rows if (row.phase, row.component) == (name, component)) for component in shown]
        for name in names
    ]
    return tuple(
        PhaseSpend(name, sum(cents, Decimal(0)), tuple(map(ComponentSpend, shown, cents)))
        for name, cents in zip(names, to_cents_in_groups(groups, total), strict=True)
    )


def _over_all(parts: Sequence[Sequence[ComponentSpend]]) -> tuple[ComponentSpend, ...]:
    """Add printed cents component by component, so that rows and columns of the table both add up."""
    return tuple(
        ComponentSpend(column[0].component, sum((cell.amount_usd for cell in column), Decimal(0)))
        for column in zip(*parts, strict=True)
    )


def read_unattributed(con: duckdb.DuckDBPyConnection, week: IsoWeek, *, total_usd: Decimal) -> Unattributed:
    """Read the cost that no call explains, largest first; lines below half a cent are printed as one.

    Args:
        con: the warehouse.
        week: the week.
        total_usd: cents of the whole week, for the share.
    """
    rows = con.execute(_WITHOUT_A_CALL, _bounds(week)).fetchall()
    large = sorted((row for row in rows if abs(row[3]) >= HALF_A_CENT), key=lambda row: (-abs(row[3]), row))
    small = [row for row in rows if abs(row[3]) < HALF_A_CENT]
    if small:
        large.append(
            ("below half a cent each", count(len(small), "line"), "all", sum((row[3] for row in small), Decimal(0)))
        )
    cents = to_cents([row[3] for row in large])
    lines = tuple(
        UnattributedLine(component, app, resource, amount)
        for (component, app, resource, _), amount in zip(large, cents, strict=True)
    )
    total = sum(cents, Decimal(0))
    return Unattributed(total, share_of(total, total_usd), lines)


def read_coverage(con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog) -> tuple[CoverageLine, ...]:
    """Read how much of each function's cost the call log accounts for, dearest first."""
    return tuple(
        CoverageLine(function_label(function, environment, catalog), billed, modelled, share_of(modelled, billed))
        for environment, function, billed, modelled in con.execute(_COVERAGE, _bounds(week)).fetchall()
        if is_logged(function)
    )
