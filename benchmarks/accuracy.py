"""Accuracy: attributed cost against the simulator's truth, which the pipeline never reads."""

import datetime as dt
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from tests.support.loading import load_at
from tieout.catalog.load import load_catalog
from tieout.core.resources import resource_path
from tieout.simulator import SCENARIOS, simulate
from tieout.validation.runner import Validator
from tieout.warehouse.build import Period, build_models
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import load_models

LEAST_WEEKLY_USD = 1
COMPONENTS = ("startup", "execution", "idle")
_FLOORS = ("staging", "usage", "spend")

_ERRORS = """
with

truth as (
    select function, date_trunc('week', hour)::date as week, sum(amount_usd) as usd
    from read_parquet($truth)
    group by all
),

attributed as (
    select function, date_trunc('week', hour)::date as week, sum(amount_usd) as usd
    from spend.hourly
    group by all
)

select function, week, truth.usd, coalesce(attributed.usd, 0)
from truth left join attributed using (function, week)
where truth.usd > $least and function not in ('__volume__', '__rounding__')
order by function, week
"""

_SHARES = """
with

truth as (
    select function, component, sum(amount_usd)::double as usd
    from read_parquet($truth)
    group by all
),

attributed as (
    select function, component, sum(amount_usd)::double as usd
    from spend.hourly
    group by all
),

compared as (
    select
        function,
        component,
        coalesce(truth.usd, 0) / sum(truth.usd) over (partition by function) as true_share,
        coalesce(attributed.usd, 0) / sum(attributed.usd) over (partition by function) as share
    from truth full outer join attributed using (function, component)
    where function not in ('__volume__', '__rounding__', '__no_calls__')
)

select function, component, 100 * (share - true_share)
from compared
where component in ('startup', 'execution', 'idle')
order by function, component
"""


_DIFFERENCE = """
select (select sum(amount_usd) from spend.hourly) - (select sum(amount_usd) from read_parquet($truth))
"""


@dataclass(frozen=True)
class FunctionWeek:
    """True and attributed cost of one function in one week, in dollars."""

    function: str
    week: dt.date
    truth_usd: Decimal
    attributed_usd: Decimal

    @property
    def relative_error(self) -> float:
        """Absolute error as a fraction of the truth."""
        return float(abs(self.attributed_usd - self.truth_usd) / self.truth_usd)


@dataclass(frozen=True)
class Accuracy:
    """One simulated workspace: every function and week above a dollar, and the shares of the components.

    Attributes:
        scenario: which world.
        seed: which of its histories.
        weeks: cost of functions and weeks.
        share_errors: by function and component, attributed less true share, in percentage points.
        difference_usd: attributed cost less the bill of the truth; zero.
    """

    scenario: str
    seed: int
    weeks: tuple[FunctionWeek, ...]
    share_errors: dict[tuple[str, str], float]
    difference_usd: Decimal

    @property
    def median_error(self) -> float:
        """Median relative error over functions and weeks."""
        return statistics.median(week.relative_error for week in self.weeks)

    @property
    def worst(self) -> FunctionWeek:
        """The function and week with the largest relative error."""
        return max(self.weeks, key=lambda week: week.relative_error)

    def worst_share_error(self, component: str) -> float:
        """The largest error of a component's share in any function, in percentage points."""
        return max(abs(error) for (_, name), error in self.share_errors.items() if name == component)


def measure(scenario: str, *, seed: int, weeks: int = 8) -> Accuracy:
    """Simulate a workspace, attribute its bill and compare with the truth."""
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        out = Path(directory)
        summary = simulate(SCENARIOS[scenario], seed=seed, weeks=weeks, out=out)
        truth = str(out / "truth" / "cost_hourly.parquet")
        with open_warehouse(out / "warehouse.duckdb") as con:
            build(con, out / "landing", Period(summary.period_start.date(), summary.period_end.date()))
            rows = con.execute(_ERRORS, {"truth": truth, "least": LEAST_WEEKLY_USD}).fetchall()
            shares = con.execute(_SHARES, {"truth": truth}).fetchall()
            difference = con.execute(_DIFFERENCE, {"truth": truth}).fetchone()
    return Accuracy(
        scenario=scenario,
        seed=seed,
        weeks=tuple(FunctionWeek(*row) for row in rows),
        share_errors={(function, component): error for function, component, error in shares},
        difference_usd=difference[0] if difference else Decimal("NaN"),
    )


def build(con: duckdb.DuckDBPyConnection, landing: Path, period: Period) -> None:
    """Load what is landed and build the floors up to spend.

    Raises:
        RuntimeError: a file was refused, or a critical expectation broken.
    """
    rejected = load_at(con, landing, now=dt.datetime.combine(period.until, dt.time(2), dt.UTC)).rejected
    if rejected:
        raise RuntimeError(f"refused: {rejected}")
    write_catalog(con, load_catalog(resource_path("catalog")))
    validator = Validator(con)
    models = [model for model in load_models() if model.schema in _FLOORS]
    build = build_models(con, models, period, validator=validator, run_id="benchmark")
    if not build.is_committed:
        raise RuntimeError(f"refused: {[validation.blocking for validation in build.validations]}")


def table(results: Sequence[Accuracy]) -> str:
    """The results as a Markdown table, a line per simulated workspace and one for all of them."""
    lines = [
        "| scenario | seed | function-weeks over $1 | median error | worst error | startup | execution | idle "
        "| attributed − truth |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.scenario} | {r.seed} | {len(r.weeks)} | {r.median_error:.2%} "
        f"| {r.worst.relative_error:.2%} ({r.worst.function}, {r.worst.week}) "
        + "".join(f"| {r.worst_share_error(component):.1f} pp " for component in COMPONENTS)
        + f"| ${r.difference_usd:.12f} |"
        for r in results
    ]
    errors = [week.relative_error for result in results for week in result.weeks]
    lines.append(
        f"| **all** | | {len(errors)} | **{statistics.median(errors):.2%}** | **{max(errors):.2%}** "
        + "".join(f"| **{max(r.worst_share_error(component) for r in results):.1f} pp** " for component in COMPONENTS)
        + "| |"
    )
    return "\n".join(lines)
