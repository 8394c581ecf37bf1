"""Rollout coverage: how many calls and how much cost have moved to the newest phase."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from tieout.catalog.models import BASELINE, Catalog
from tieout.core.money import in_cents
from tieout.core.periods import IsoWeek, day_start
from tieout.measure.week_cents import WeekCents
from tieout.report.formats.sheets import Kind, Sheet, SheetColumn, share_cell
from tieout.report.inputs import week_bounds
from tieout.report.wording import Share, share_of
from tieout.savings.bridge import Amount
from tieout.savings.printed import as_printed
from tieout.warehouse.parsed import answers

_BY_PHASE = """
select app, function, phase, day::date, sum(successful_calls)::bigint, sum(cost_usd)::decimal(38, 12)
from savings.daily_function
where environment = $environment and day >= $since and day < $until
group by all
order by all
"""


@dataclass(frozen=True)
class RolloutLine:
    """How far a function's callers have moved to its newest phase, over whole days after that phase's deployment.

    Amounts are in cents; their share is that of the exact ones.
    """

    function: str
    phase: str
    days: int
    moved_calls: int
    calls: int
    calls_share: Share | None
    moved_usd: Decimal
    elsewhere_usd: Decimal
    cost_share: Share | None


@dataclass
class _Moves:
    """Calls and cost of one function, in its newest phase and in all phases."""

    moved_calls: int = 0
    calls: int = 0
    moved_usd: Decimal = Decimal(0)
    elsewhere_usd: Decimal = Decimal(0)


def read_rollout(
    con: duckdb.DuckDBPyConnection,
    week: IsoWeek,
    *,
    landed: Collection[dt.date],
    catalog: Catalog,
    costs: WeekCents,
) -> tuple[RolloutLine, ...]:
    """Read how many calls and how much cost have moved to each function's newest phase, in the catalog's order."""
    deployments = {phase.id: phase.deployed_at.date() for phase in catalog.rollout.phases}
    newest = _newest_phases(catalog, week)
    days = {name: [d for d in week.days() if d > deployments[phase] and d in landed] for name, phase in newest.items()}
    environment = catalog.functions.environment
    parameters = {"environment": environment, **week_bounds(week)}
    moves: dict[str, _Moves] = defaultdict(_Moves)
    owners = catalog.owners()
    for app, name, phase, day, calls, cost in answers(con, _BY_PHASE, parameters):
        function = owners.get((app, name), "")
        if day not in days.get(function, ()):
            continue
        sums = moves[function]
        sums.calls += calls
        if phase == newest[function]:
            sums.moved_calls += calls
            sums.moved_usd += cost
        else:
            sums.elsewhere_usd += cost
    return tuple(
        RolloutLine(
            function=name,
            phase=newest[name],
            days=len(days[name]),
            moved_calls=moves[name].moved_calls,
            calls=moves[name].calls,
            calls_share=share_of(moves[name].moved_calls, moves[name].calls),
            moved_usd=(moved := as_printed(moves[name].moved_usd, costs.phases.get((environment, name, newest[name])))),
            elsewhere_usd=_elsewhere(moves[name], moved, costs.functions.get((environment, name))),
            cost_share=_cost_share(moves[name]),
        )
        for name in newest
        if name in moves
    )


def _elsewhere(moves: _Moves, moved: Decimal, cost: Amount | None) -> Decimal:
    """The rest of the function's cost where both together are all of it."""
    if cost is not None and moves.moved_usd + moves.elsewhere_usd == cost.exact_usd:
        return cost.printed_usd - moved
    return in_cents(moves.elsewhere_usd)


def _cost_share(moves: _Moves) -> Share | None:
    return share_of(moves.moved_usd, moves.moved_usd + moves.elsewhere_usd)


def _newest_phases(catalog: Catalog, week: IsoWeek) -> dict[str, str]:
    """Return the last phase that each function has and that was deployed before the week's end; baseline left out."""
    deployed = [phase for phase in catalog.rollout.phases if phase.deployed_at < day_start(week.end)]
    order = [BASELINE, *(phase.id for phase in sorted(deployed, key=lambda phase: phase.deployed_at))]
    newest = {}
    for function in catalog.functions.functions:
        phases = [c.phase for c in function.configurations if c.phase in order]
        if phases and (last := max(phases, key=order.index)) != BASELINE:
            newest[function.name] = last
    return newest


def write_rollout(sheet: Sheet, rollout: Sequence[RolloutLine]) -> None:
    """Write the sheet of how far callers have moved."""
    sheet.title("Rollout coverage", below="Whole days after the deployment of the function's newest phase.")
    columns = (
        SheetColumn("Function"),
        SheetColumn("Phase"),
        SheetColumn("Calls moved", Kind.COUNT),
        SheetColumn("Of all calls", Kind.COUNT),
        SheetColumn("Share", Kind.SHARE),
        SheetColumn("Cost moved", Kind.CENTS),
        SheetColumn("Not yet moved", Kind.CENTS),
        SheetColumn("Share of cost", Kind.SHARE),
    )
    rows = [
        (
            line.function,
            line.phase,
            line.moved_calls,
            line.calls,
            share_cell(line.calls_share),
            line.moved_usd,
            line.elsewhere_usd,
            share_cell(line.cost_share),
        )
        for line in rollout
    ]
    sheet.browse(sheet.table(columns, rows), len(columns), fixed=1)
