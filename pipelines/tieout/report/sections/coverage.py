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
class CoverageLine:
    """How much of a function's cost the call log accounts for; amounts are exact."""

    function: str
    billed_usd: Decimal
    modelled_usd: Decimal
    coverage: Share | None


def read_coverage(con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog) -> tuple[CoverageLine, ...]:
    """Read how much of each function's cost the call log accounts for, dearest first."""
    return tuple(
        CoverageLine(function_label(function, environment, catalog), billed, modelled, share_of(modelled, billed))
        for environment, function, billed, modelled in con.execute(_COVERAGE, week_bounds(week)).fetchall()
        if is_logged(function)
    )
