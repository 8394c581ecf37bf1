"""Coverage: how much of each function's cost the call log accounts for."""

from dataclasses import dataclass
from decimal import Decimal

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek
from tieout.report.inputs import week_bounds
from tieout.report.sections.gates import is_logged
from tieout.report.sections.spend import function_label
from tieout.report.wording import Share, share_of

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
    """How much of a function's cost the call log accounts for, and its error bar; amounts are exact.

    Attributes:
        function: its name.
        billed_usd: what was attributed to it.
        modelled_usd: what the call log accounts for at list prices.
        coverage: the second as a share of the first; None without a bill.
        low_usd: what it cost at least, by log, settings and bill; None where nothing was billed.
        high_usd: at most.
    """

    function: str
    billed_usd: Decimal
    modelled_usd: Decimal
    coverage: Share | None
    low_usd: Decimal | None = None
    high_usd: Decimal | None = None


def read_coverage(con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog) -> tuple[CoverageLine, ...]:
    """Read how much of each function's cost the call log accounts for, dearest first."""
    return tuple(
        CoverageLine(
            function_label(function, environment, catalog), billed, modelled, share_of(modelled, billed), low, high
        )
        for environment, function, billed, modelled, low, high in con.execute(_COVERAGE, week_bounds(week)).fetchall()
        if is_logged(function)
    )
