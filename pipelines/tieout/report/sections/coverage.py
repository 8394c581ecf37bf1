"""Coverage: how much of each function's cost the call log accounts for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek
from tieout.measure.week_cents import WeekCents
from tieout.report.cents import bounds_in_cents
from tieout.report.formats.sheets import Kind, Sheet, SheetColumn, share_cell
from tieout.report.inputs import week_bounds
from tieout.report.sections.gates import is_logged
from tieout.report.sections.spend import function_label
from tieout.report.wording import Share, share_of, spoken
from tieout.savings.bridge import NOTHING, Amount
from tieout.savings.printed import as_printed
from tieout.warehouse.parsed import answers

_LEAST_TOP, _WIDEST = 110, 300

_COVERAGE = """
select
    l.environment,
    l.function,
    sum(l.billed_usd)::decimal(38, 12) as billed_usd,
    sum(l.modelled_usd)::decimal(38, 12) as modelled_usd,
    any_value(b.low_usd),
    any_value(b.high_usd)
from reconciliation.log_vs_bill as l
left join (
    select environment, function, sum(low_usd)::decimal(38, 12) as low_usd, sum(high_usd)::decimal(38, 12) as high_usd
    from spend.weekly
    where week_start = $since::date
    group by all
) as b on l.environment = b.environment and l.function = b.function
where l.day >= $since and l.day < $until
group by all
having sum(l.billed_usd) != 0 or sum(l.modelled_usd) != 0
order by 3 desc, 1, 2
"""


@dataclass(frozen=True)
class CoverageLine:
    """How much of a function's cost the call log accounts for, and its error bar.

    Attributes:
        function: its name.
        billed_usd: what was attributed to it.
        cents_usd: the same in cents, as the report's spend has it.
        modelled_usd: what the call log accounts for at list prices, in cents.
        coverage: that as a share of what was attributed, of the exact amounts; None without a bill.
        low_usd: what it cost at least, by log, settings and bill, in cents; None where nothing was billed.
        high_usd: at most.
    """

    function: str
    billed_usd: Decimal
    cents_usd: Decimal
    modelled_usd: Decimal
    coverage: Share | None
    low_usd: Decimal | None = None
    high_usd: Decimal | None = None


@dataclass(frozen=True)
class ErrorBar:
    """An error bar on an axis that is the same for every function, in whole percent of the axis.

    Attributes:
        start: where the least that the function can have cost lies.
        width: from there to the most.
        cost: where the billed cost lies.
    """

    start: int
    width: int
    cost: int


@dataclass(frozen=True)
class ErrorBars:
    """The error bars of a week.

    Attributes:
        top: where the axis ends, in percent of what a function was billed; it begins at nought.
        bars: one for each line; None where nothing was billed.
    """

    top: int
    bars: tuple[ErrorBar | None, ...]


def draw_error_bars(coverage: Sequence[CoverageLine]) -> ErrorBars:
    """Lay the error bars out, each in percent of its function's billed cost; one beyond the axis ends at its edge."""
    bounds = [_bounds(line) for line in coverage]
    highest = max((high for _, high in filter(None, bounds)), default=100.0)
    top = min(_WIDEST, max(_LEAST_TOP, 10 * math.ceil(highest / 10)))
    return ErrorBars(top, tuple(None if each is None else _bar(*each, top) for each in bounds))


def _bounds(line: CoverageLine) -> tuple[float, float] | None:
    """Both ends in percent of the billed cost."""
    if line.billed_usd <= 0 or line.low_usd is None or line.high_usd is None:
        return None
    return float(100 * line.low_usd / line.billed_usd), float(100 * line.high_usd / line.billed_usd)


def _bar(low: float, high: float, top: int) -> ErrorBar:
    start, end, cost = (round(100 * min(max(value, 0), top) / top) for value in (low, high, 100))
    return ErrorBar(start, end - start, cost)


def read_coverage(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog, *, costs: WeekCents
) -> tuple[CoverageLine, ...]:
    """Read how much of each function's cost the call log accounts for, dearest first."""
    rows = answers(con, _COVERAGE, week_bounds(week))
    return tuple(
        _line(
            function_label(function, environment, catalog),
            costs.functions.get((environment, function), NOTHING),
            *amounts,
        )
        for environment, function, *amounts in rows
        if is_logged(function)
    )


def _line(
    label: str, cost: Amount, billed: Decimal, modelled: Decimal, low: Decimal | None, high: Decimal | None
) -> CoverageLine:
    least, most = (None, None) if low is None or high is None else bounds_in_cents(low, high, cost)
    return CoverageLine(
        function=label,
        billed_usd=billed,
        cents_usd=cost.printed_usd,
        modelled_usd=as_printed(modelled, cost),
        coverage=share_of(modelled, billed),
        low_usd=least,
        high_usd=most,
    )


def write_coverage(sheet: Sheet, coverage: Sequence[CoverageLine]) -> None:
    """Write the sheet of the coverage and the error bars."""
    sheet.title("Data coverage", below="By log, settings and bill the true cost lies between the bounds.")
    columns = (
        SheetColumn("Function"),
        SheetColumn("Billed", Kind.CENTS),
        SheetColumn("At least", Kind.CENTS),
        SheetColumn("At most", Kind.CENTS),
        SheetColumn("By the log", Kind.CENTS),
        SheetColumn("Coverage", Kind.SHARE),
    )
    rows = [
        (
            spoken(line.function),
            line.cents_usd,
            line.low_usd,
            line.high_usd,
            line.modelled_usd,
            share_cell(line.coverage),
        )
        for line in coverage
    ]
    sheet.browse(sheet.table(columns, rows), len(columns), fixed=1)
