"""Accuracy: attributed cost against the simulator's truth, which the pipeline never reads.

The worlds break one belief each (`benchmarks.worlds`), `field` mixes them like a busy workspace, and CORAL-X is what
the demo shows. Money counts as misplaced where it stands with another owner than it was spent by: another function, or
nobody's function where it was one's. What serves no call (servers, sandboxes, runs) and the residuals of an app are
one owner of that app, because a residual is an honest place for them.
"""

import datetime as dt
import re
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from benchmarks import worlds
from benchmarks.rows import Rows, code_version, content_hash
from tests.support.loading import load_at
from tieout.catalog.load import load_catalog
from tieout.core.resources import resource_path
from tieout.core.sql import relations
from tieout.simulator import SCENARIOS, Scenario, run, write_world
from tieout.simulator.laws import SeriesHabits
from tieout.simulator.metering import COMPONENTS
from tieout.sources.registry import SOURCES
from tieout.warehouse.build import Period, write_model
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import load_models

SEEDS = (1, 2, 3)
LEAST_WEEKLY_USD = 1
LARGE_WEEKS = {"coral-x": 8, "as-deployed": 8, "field": 4}
_FLOORS = ("staging", "usage", "spend")
_SERIES_SOURCE = "function_metrics"
_NOBODYS = "__"
_WEEK = re.compile(r"\d{4}-W\d{2}")
# A bar around seen time has no width, and shares are rounded to the bill's last digit.
_BAR_TOLERANCE_USD = 0.01

_TRUTH = """
select environment, app, function, strftime(hour, '%G-W%V') as week, component, sum(amount_usd)
from truth
group by all
"""

_ATTRIBUTED = """
select environment, app, function, strftime(hour, '%G-W%V') as week, component, sum(amount_usd)
from spend.hourly
group by all
"""

Owner = tuple[str, str, str]
"""Environment, app, and a function or nobody's."""


@dataclass(frozen=True)
class Case:
    """One simulated workspace: which world, which of its histories, and whether container series are landed."""

    world: str
    seed: int
    has_series: bool = False

    @property
    def weeks(self) -> int:
        """How long it lasts."""
        return LARGE_WEEKS.get(self.world, worlds.WEEKS)

    def scenario(self) -> Scenario:
        """Return what to simulate."""
        scenario = SCENARIOS[self.world] if self.world in SCENARIOS else worlds.world(self.world)
        return replace(scenario, series=SeriesHabits() if self.has_series else None)


@dataclass(frozen=True)
class Accuracy:
    """How one workspace came out; shares are fractions of the bill, errors fractions of the truth.

    Attributes:
        errors: relative errors of all functions and weeks above a dollar.
        worst: which function and week has the largest.
        misplaced_share: money that stands with another owner.
        residual_share: money in `__unexplained__` and `__no_calls__`.
        share_error: the largest error of a component's share of a function's cost, in percentage points.
        difference_usd: attributed cost less the bill, as text; zero.
        covered: functions and weeks whose error bar contains the truth, or None where there are no bars.
        half_widths: half-widths of the error bars as fractions of the amount.
    """

    errors: tuple[float, ...]
    worst: str
    misplaced_share: float
    residual_share: float
    share_error: float
    difference_usd: str
    covered: int | None = None
    half_widths: tuple[float, ...] = ()

    @property
    def median_error(self) -> float:
        """Median relative error over functions and weeks."""
        return statistics.median(self.errors)

    @property
    def worst_error(self) -> float:
        """The largest relative error of a function and week."""
        return max(self.errors)


@dataclass(frozen=True)
class _Money:
    """Dollars by owner, week and component, and the residuals among them."""

    cells: Mapping[tuple[Owner, str, str], Decimal]
    total_usd: Decimal
    residual_usd: Decimal

    def by(self, *, week: bool = False, component: bool = False) -> dict[tuple[Any, ...], Decimal]:
        """Return sums by owner, and by week or component where it is asked for."""
        sums: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
        for (owner, own_week, own_component), usd in self.cells.items():
            sums[(owner, *((own_week,) if week else ()), *((own_component,) if component else ()))] += usd
        return sums


def cases(seeds: Sequence[int] = SEEDS) -> Iterator[Case]:
    """Return every workspace to measure; with container series only where they can be loaded."""
    with_series = (False, True) if _SERIES_SOURCE in SOURCES else (False,)
    for has_series in with_series:
        for name in (*SCENARIOS, *worlds.WORLDS):
            for seed in seeds:
                yield Case(name, seed, has_series)


def measure(case: Case, rows: Rows) -> Accuracy:
    """Simulate a workspace, attribute its bill and compare with the truth, unless an earlier run has.

    Args:
        case: the workspace.
        rows: what earlier runs have measured; it receives the result.

    Raises:
        RuntimeError: a file was refused.
    """
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        out = Path(directory)
        summary = write_world(run(case.scenario(), case.seed, case.weeks), out)
        key = {**asdict(case), "exports": content_hash(out / "landing"), "code": code_version(Path(__file__))}
        kept = rows.get(key)
        if kept is not None:
            return _read(kept)
        catalog = out / "catalog" if (out / "catalog").is_dir() else resource_path("catalog")
        with open_warehouse(out / "warehouse.duckdb") as con:
            period = Period(summary.period_start.date(), summary.period_end.date())
            build(con, out / "landing", period, catalog=catalog)
            truth = pl.read_parquet(out / "truth" / "cost_hourly.parquet")
            if "environment" not in truth.columns:
                truth = truth.with_columns(environment=pl.lit(case.scenario().environment))
            measured = compare(con, truth)
    rows.put(key, asdict(measured))
    return measured


def _read(kept: Mapping[str, Any]) -> Accuracy:
    return Accuracy(**{**kept, "errors": tuple(kept["errors"]), "half_widths": tuple(kept["half_widths"])})


def build(con: duckdb.DuckDBPyConnection, landing: Path, period: Period, *, catalog: Path) -> None:
    """Load what is landed and build the floors up to spend, without their suites: those have tests of their own.

    Raises:
        RuntimeError: a file was refused.
    """
    rejected = load_at(con, landing, now=dt.datetime.combine(period.until, dt.time(2), dt.UTC)).rejected
    if rejected:
        raise RuntimeError(f"refused: {rejected}")
    write_catalog(con, load_catalog(catalog))
    for model in load_models():
        if model.schema in _FLOORS:
            write_model(con, model, period)


def compare(con: duckdb.DuckDBPyConnection, truth: pl.DataFrame) -> Accuracy:
    """Compare `spend.hourly`, and `spend.weekly` where it is, with the truth.

    Args:
        con: the warehouse.
        truth: environment, app, function, hour, component, amount_usd.
    """
    con.register("truth", truth.to_arrow())
    true, attributed = _money(con.execute(_TRUTH).fetchall()), _money(con.execute(_ATTRIBUTED).fetchall())
    weekly, said = true.by(week=True), attributed.by(week=True)
    large = {key: usd for key, usd in weekly.items() if usd > LEAST_WEEKLY_USD and _is_function(key[0])}
    errors = {key: float(abs(said.get(key, Decimal(0)) - usd) / usd) for key, usd in large.items()}
    worst = max(errors, key=lambda key: errors[key])
    differences = (abs(said.get(key, Decimal(0)) - weekly.get(key, Decimal(0))) for key in {*weekly, *said})
    bars = _bars(con, large)
    return Accuracy(
        errors=tuple(errors.values()),
        worst=f"{worst[0][2]}, {worst[1]}",
        misplaced_share=float(sum(differences, Decimal(0)) / 2 / true.total_usd),
        residual_share=float(attributed.residual_usd / true.total_usd),
        share_error=_share_error(true, attributed),
        difference_usd=format(attributed.total_usd - true.total_usd, "f"),
        covered=None if bars is None else sum(is_covered for is_covered, _ in bars),
        half_widths=() if bars is None else tuple(width for _, width in bars),
    )


def _money(rows: Iterable[tuple[Any, ...]]) -> _Money:
    cells: dict[tuple[Owner, str, str], Decimal] = defaultdict(Decimal)
    residual = Decimal(0)
    for environment, app, function, week, component, usd in rows:
        owner = (environment, app, _NOBODYS if function.startswith(_NOBODYS) else function)
        cells[owner, week, component] += usd
        residual += usd if function in ("__unexplained__", "__no_calls__") else 0
    return _Money(cells, sum(cells.values(), Decimal(0)), residual)


def _is_function(owner: Owner) -> bool:
    return owner[2] != _NOBODYS


def _share_error(true: _Money, attributed: _Money) -> float:
    """Return the largest error of a component's share of a function's cost, in percentage points."""
    true_usd, said_usd = true.by(), attributed.by()
    true_parts, said_parts = true.by(component=True), attributed.by(component=True)
    worst = 0.0
    for (owner,), usd in true_usd.items():
        if not _is_function(owner) or usd <= LEAST_WEEKLY_USD or not said_usd.get((owner,)):
            continue
        for component in COMPONENTS:
            said = said_parts.get((owner, component), Decimal(0)) / said_usd[(owner,)]
            worst = max(worst, float(abs(said - true_parts.get((owner, component), Decimal(0)) / usd)))
    return 100 * worst


def _bars(con: duckdb.DuckDBPyConnection, large: Mapping[tuple[Any, ...], Decimal]) -> list[tuple[bool, float]] | None:
    """Return for each function and week whether its error bar contains the truth, and its half-width.

    None where the warehouse has no error bars. A function and week without a bar is not covered.
    """
    if "spend.weekly" not in relations(con):
        return None
    columns = {name for (name, *_) in con.execute("describe spend.weekly").fetchall()}
    environment = "environment" if "environment" in columns else "null"
    sums: dict[tuple[Any, ...], list[Decimal]] = {}
    for where, app, function, week, amount, low, high in con.execute(
        f"""
        select {environment}, app, function, week, sum(amount_usd), sum(low_usd), sum(high_usd)
        from spend.weekly group by all
        """
    ).fetchall():
        sums[where, app, function, _iso_week(week)] = [amount, low, high]
    bars = []
    for ((where, app, function), week), usd in large.items():
        bar = sums.get((where, app, function, week)) or sums.get((None, app, function, week))
        if bar is None:
            bars.append((False, 1.0))
            continue
        amount, low, high = (float(value) for value in bar)
        is_covered = low - _BAR_TOLERANCE_USD <= float(usd) <= high + _BAR_TOLERANCE_USD
        bars.append((is_covered, (high - low) / 2 / max(amount, _BAR_TOLERANCE_USD)))
    return bars


def _iso_week(week: object) -> str:
    if isinstance(week, dt.date):
        return f"{week:%G-W%V}"
    assert isinstance(week, str) and _WEEK.fullmatch(week), f"not a week: {week!r}"
    return week


def table(results: Mapping[Case, Accuracy]) -> str:
    """The results as a Markdown table: a line per world, over its seeds, and one for all of them."""
    lines = [
        "| world | series | seeds | function-weeks over $1 | median error | worst error | misplaced | residual "
        "| component shares | error bar covers | half-width | attributed − truth |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    groups: dict[tuple[str, bool], list[Accuracy]] = defaultdict(list)
    for case, result in results.items():
        groups[case.world, case.has_series].append(result)
    for (world, has_series), group in groups.items():
        worst = max(group, key=lambda result: result.worst_error)
        lines.append(f"| {world} | {'yes' if has_series else 'no'} | {_figures(group)} |".replace("WORST", worst.worst))
    lines.append(f"| **all** | | {_figures(list(results.values()))} |".replace(" (WORST)", ""))
    return "\n".join(lines)


def _figures(group: Sequence[Accuracy]) -> str:
    errors = [error for result in group for error in result.errors]
    widths = [width for result in group for width in result.half_widths]
    covered = [result.covered for result in group if result.covered is not None]
    difference = max((Decimal(result.difference_usd) for result in group), key=abs)
    cells = [
        str(len(group)),
        str(len(errors)),
        f"{statistics.median(errors):.2%}",
        f"{max(errors):.1%} (WORST)",
        f"{max(result.misplaced_share for result in group):.2%}",
        f"{max(result.residual_share for result in group):.2%}",
        f"{max(result.share_error for result in group):.1f} pp",
        f"{sum(covered) / len(widths):.0%}" if widths else "–",
        f"{statistics.median(widths):.1%}" if widths else "–",
        f"${difference:.12f}",
    ]
    return " | ".join(cells)
