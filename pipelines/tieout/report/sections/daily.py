"""Cost and calls of the week, day by day."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek
from tieout.report.formats.sheets import Kind, Sheet, SheetColumn
from tieout.report.inputs import ReportDay, week_bounds
from tieout.report.section import CostColumn
from tieout.report.sections.spend import function_label
from tieout.report.wording import spoken
from tieout.warehouse.parsed import answers

_DAILY = """
with
costs as (
    select hour::date as day, environment, function, phase, sum(amount_usd)::decimal(38, 12) as cost_usd
    from spend.hourly
    where hour >= $since and hour < $until
    group by all
),
calls as (
    select day::date as day, environment, function, phase, sum(successful_calls)::bigint as successful_calls
    from savings.daily_function
    where day >= $since and day < $until
    group by all
)
select day, environment, function, phase, coalesce(c.cost_usd, 0)::decimal(38, 12), coalesce(n.successful_calls, 0)
from costs as c
full outer join calls as n using (day, environment, function, phase)
where coalesce(c.cost_usd, 0) != 0 or coalesce(n.successful_calls, 0) > 0
order by day, function, environment, phase
"""


@dataclass(frozen=True)
class DailyCost:
    """A function in a phase on one UTC day.

    Attributes:
        day: the day.
        function: its name; outside the programme's environment, with its own.
        phase: rollout phase of the containers.
        exact_usd: its cost to the last digit; the days of a week add up to the week's.
        successful_calls: distinct function calls that ended in success.
    """

    day: dt.date
    function: str
    phase: str
    exact_usd: Decimal
    successful_calls: int


def read_daily(con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog) -> tuple[DailyCost, ...]:
    """Read cost and calls of every day of a week, by function and phase."""
    return tuple(
        DailyCost(day, function_label(function, environment, catalog), phase, exact, calls)
        for day, environment, function, phase, exact, calls in answers(con, _DAILY, week_bounds(week))
    )


def write_daily(sheet: Sheet, daily: Iterable[DailyCost], days: Iterable[ReportDay], *, span: str) -> CostColumn:
    """Write the sheet of the days; its costs add up to the week's.

    They are not in cents: shared cents would add up along the days or along the functions, never along both.
    """
    sheet.title(
        "Cost and calls, day by day",
        below=f"{span}, UTC. In the digits of the bill, so that days and functions add up. Totals follow the filter.",
    )
    columns = (
        SheetColumn("Day", Kind.DAY),
        SheetColumn("Bill"),
        SheetColumn("Function"),
        SheetColumn("Phase"),
        SheetColumn("Cost", Kind.USD, has_total=True),
        SheetColumn("Successful calls", Kind.COUNT, has_total=True),
        SheetColumn("Cost, every digit", Kind.EXACT),
    )
    states = {day.day: day.state.value for day in days}
    rows = [
        (
            line.day,
            states[line.day],
            spoken(line.function),
            line.phase,
            line.exact_usd,
            line.successful_calls,
            line.exact_usd,
        )
        for line in daily
    ]
    placed = sheet.table(columns, rows, total="Total")
    sheet.browse(placed, len(columns), fixed=1)
    return CostColumn(placed, 4)
