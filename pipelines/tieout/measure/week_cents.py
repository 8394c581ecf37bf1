"""What a week's functions cost, exact and in the cents that are printed, for figures that repeat it."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from tieout.core.periods import IsoWeek
from tieout.savings.bridge import NOTHING, Amount
from tieout.warehouse.parsed import answers

_CENTS = """
select environment, function, phase, sum(exact_usd)::decimal(38, 12), sum(amount_usd)::decimal(38, 2)
from spend.weekly_cents
where week_start = $week_start
group by all
order by all
"""


@dataclass(frozen=True)
class WeekCents:
    """What a week's functions cost.

    Attributes:
        functions: by environment and function.
        phases: by environment, function and rollout phase.
    """

    functions: Mapping[tuple[str, str], Amount]
    phases: Mapping[tuple[str, str, str], Amount]

    def of_environment(self, environment: str) -> dict[str, Amount]:
        """The functions of one environment, by name."""
        return {function: amount for (own, function), amount in self.functions.items() if own == environment}


def read_week_cents(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> WeekCents:
    """Read what a week's functions cost."""
    functions: dict[tuple[str, str], Amount] = {}
    phases: dict[tuple[str, str, str], Amount] = {}
    rows = answers(con, _CENTS, {"week_start": week.start})
    for environment, function, phase, exact, printed in rows:
        amount = Amount(exact, printed)
        phases[environment, function, phase] = amount
        functions[environment, function] = functions.get((environment, function), NOTHING) + amount
    return WeekCents(functions, phases)
