"""Simulated rollouts through the product: landed, loaded, attributed, frozen and measured, with their truth beside.

Only the tables that a measurement reads are built, in this process and without their expectations; everything else is
what `tieout run` and `tieout freeze-baseline` do. One simulation serves several lengths of the baseline. Results are
kept by setting and code, so a run that was cut short goes on where it ended.
"""

import datetime as dt
import hashlib
import multiprocessing
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from benchmarks.rows import ROOT, Rows, code_version
from tests.support.loading import load_at
from tieout.catalog.load import load_catalog
from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek, day_start
from tieout.measure.baseline import freeze_baseline
from tieout.measure.daily_work import measure as measure_week
from tieout.measure.tables import MeasuredTables
from tieout.savings.baseline_lock import BaselineLock, freeze
from tieout.savings.counterfactual import fit_counterfactual
from tieout.savings.daily_work import WorkingDay
from tieout.savings.days import BaselinePeriod
from tieout.savings.uncertainty import MeasuredVolume, total_half_width
from tieout.savings.week import WeekMeasurement
from tieout.simulator import write_exports
from tieout.simulator.rollout import run_rollout
from tieout.simulator.rollout_setting import RolloutSetting
from tieout.warehouse.build import Period, write_model
from tieout.warehouse.catalog_tables import write_catalog
from tieout.warehouse.connection import open_warehouse
from tieout.warehouse.models import Model, load_models, model_named

_MEASURED_FROM = frozenset(
    {
        "savings.daily_function",
        "reconciliation.completeness",
        "reconciliation.log_vs_bill",
        "spend.weekly",
        "staging.configurations",
        "staging.deployments",
    }
)
_SIMULATOR = "pipelines/tieout/simulator/**/*.py"


@dataclass(frozen=True)
class TrueFigure:
    """An avoided cost as measured, beside the truth; amounts in dollars, for one function or the total of a week.

    Attributes:
        name: the function; empty for the total.
        avoided_usd: None when nothing is claimed.
        half_width_usd: None without an interval.
        counterfactual_usd: what the old configuration would have cost by the method; None likewise.
        true_usd: what the twin cost more on the same days.
        twin_usd: what the twin cost on them.
        status: of the figure.
        reasons: the codes of its reasons, the weightiest first.
    """

    name: str
    avoided_usd: Decimal | None
    half_width_usd: Decimal | None
    counterfactual_usd: Decimal | None
    true_usd: Decimal
    twin_usd: Decimal
    status: str
    reasons: tuple[str, ...]

    @property
    def error_usd(self) -> Decimal | None:
        """Measured less true saving; None when nothing is claimed."""
        return None if self.avoided_usd is None else self.avoided_usd - self.true_usd

    @property
    def is_covered(self) -> bool:
        """Whether the interval contains the truth; a figure without an interval does not."""
        error = self.error_usd
        return error is not None and self.half_width_usd is not None and abs(error) <= self.half_width_usd


@dataclass(frozen=True)
class MeasuredRollout:
    """One week of a rollout, measured against a frozen baseline.

    Attributes:
        setting: what was simulated.
        baseline_days: how many days the frozen baseline has.
        week: which week after the deployment, the deployment's own is 1.
        total: of the programme.
        functions: those of the catalog.
        true_cost_half_width_usd: of the total, if the cost of every function and day were known: the scatter alone.
    """

    setting: RolloutSetting
    baseline_days: int
    week: int
    total: TrueFigure
    functions: tuple[TrueFigure, ...]
    true_cost_half_width_usd: Decimal


def measure(
    settings: Iterable[RolloutSetting], rows: Rows, *, baselines: Sequence[int] = (14,), processes: int | None = None
) -> Iterator[MeasuredRollout]:
    """Measure rollouts on all cores, every week after the deployment with every length of the baseline.

    Args:
        settings: what to simulate.
        rows: where results are kept, and taken from where they are known.
        baselines: days of the frozen baseline, whole weeks.
        processes: how many at a time; all cores by default.
    """
    missing = [setting for setting in settings if rows.get(_key(setting, baselines)) is None]
    # spawned, because a fork of a process that has used Polars can wait for threads that it does not have
    with ProcessPoolExecutor(processes or os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        tasks = pool.map(_measured, missing, [tuple(baselines)] * len(missing))
        for setting, result in zip(missing, tasks, strict=True):
            rows.put(_key(setting, baselines), result)
    yield from known(settings, rows, baselines=baselines)


def known(
    settings: Iterable[RolloutSetting], rows: Rows, *, baselines: Sequence[int] = (14,)
) -> Iterator[MeasuredRollout]:
    """Return the results that are already kept."""
    for setting in settings:
        for row in rows.get(_key(setting, baselines)) or ():
            yield _from_row(setting, row)


def _key(setting: RolloutSetting, baselines: Sequence[int]) -> dict[str, str]:
    digest = hashlib.sha256(repr((setting, tuple(baselines))).encode()).hexdigest()[:16]
    return {"setting": digest, "kind": setting.kind.value, "code": _code()}


@cache
def _code() -> str:
    return code_version(Path(__file__), *ROOT.glob(_SIMULATOR))


def _from_row(setting: RolloutSetting, row: dict[str, Any]) -> MeasuredRollout:
    total, *functions = (_figure_of_row(figure) for figure in row["figures"])
    width = Decimal(row["true_cost_half_width_usd"])
    return MeasuredRollout(setting, row["baseline_days"], row["week"], total, tuple(functions), width)


def _figure_of_row(row: dict[str, Any]) -> TrueFigure:
    amounts = {name: None if row[name] is None else Decimal(row[name]) for name in row if name.endswith("_usd")}
    return TrueFigure(**{**row, **amounts, "reasons": tuple(row["reasons"])})


def _measured(setting: RolloutSetting, baselines: tuple[int, ...]) -> list[dict[str, Any]]:
    rollout = run_rollout(setting)
    with tempfile.TemporaryDirectory(prefix="tieout-bench-", dir=_memory()) as directory:
        write_exports(rollout.world, Path(directory))
        with open_warehouse(Path(directory) / "warehouse.duckdb") as con:
            con.execute("set threads = 1")
            catalog = _build(con, Path(directory), since=rollout.world.start, until=rollout.world.end)
            return list(_weeks(con, catalog, setting, rollout.daily(), baselines))


def _memory() -> str | None:
    """A folder that is kept in memory, where the system has one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _build(con: duckdb.DuckDBPyConnection, folder: Path, *, since: dt.datetime, until: dt.datetime) -> Catalog:
    loaded = load_at(con, folder / "landing", now=until + dt.timedelta(days=30))
    assert not loaded.rejected, f"a simulated export was refused: {loaded.rejected[0]}"
    catalog = load_catalog(folder / "catalog")
    write_catalog(con, catalog)
    period = Period(since.date(), until.date())
    weekly: set[str] = set()
    for model in _models():
        if model.is_learned or model.depends_on & weekly:
            weekly.add(model.name)
            write_model(con, model, period)
        else:
            _create(con, model, period)
    return catalog


def _create(con: duckdb.DuckDBPyConnection, model: Model, period: Period) -> None:
    """Build a table in one stretch: as long as it makes no use of what a week has taught, that comes to the same."""
    kind = "view" if model.is_view else "table"
    bounds = {"since": day_start(period.since), "until": day_start(period.until)}
    used = {name: bounds[name] for name in model.parameters}
    con.execute(f"create {kind} {model.name} as {model.sql}", used)


@cache
def _models() -> tuple[Model, ...]:
    """The tables that a measurement reads, and what they are made of."""
    wanted = set(_MEASURED_FROM)
    for model in reversed(load_models()):
        if model.name in wanted:
            wanted |= model.depends_on
    return tuple(model for model in load_models() if model.name in wanted)


def _weeks(
    con: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    setting: RolloutSetting,
    truth: pl.DataFrame,
    baselines: Sequence[int],
) -> Iterator[dict[str, Any]]:
    whole = freeze_baseline(con, catalog)
    deployed = IsoWeek.of(setting.deployed_at.date())
    for days in baselines:
        lock = _last_days(whole, catalog, days)
        after = Period(deployed.start, deployed.start + dt.timedelta(weeks=setting.weeks_after))
        write_model(con, model_named("savings.replays"), after, MeasuredTables(con, catalog, lock))
        week = deployed
        for number in range(1, setting.weeks_after + 1):
            measurement, _ = measure_week(con, week, catalog, lock=lock)
            yield {
                "baseline_days": days,
                "week": number,
                "figures": [_as_text(asdict(figure)) for figure in _figures(measurement, truth)],
                "true_cost_half_width_usd": str(_true_cost_half_width_usd(measurement, truth)),
            }
            week = IsoWeek.of(week.end)


def _last_days(lock: BaselineLock, catalog: Catalog, days: int) -> BaselineLock:
    """The lock as it would be if data began that many days before its end."""
    baseline = BaselinePeriod(lock.baseline.end - dt.timedelta(days=days), lock.baseline.end)
    return freeze(lock.series, baseline=baseline, catalog=catalog, method_version=lock.method_version)


def _figures(measurement: WeekMeasurement, truth: pl.DataFrame) -> Iterator[TrueFigure]:
    counted = truth.filter(pl.col("day").is_in(list(measurement.days)))
    claiming = [function for function in measurement.functions if function.avoided is not None]
    width = measurement.half_width
    yield TrueFigure(
        name="",
        avoided_usd=measurement.avoided_usd,
        half_width_usd=None if width is None else width.half_width_usd,
        counterfactual_usd=sum((f.avoided.counterfactual_usd for f in claiming if f.avoided), Decimal(0)),
        true_usd=Decimal(counted["avoided_usd"].sum()),
        twin_usd=Decimal(counted["counterfactual_usd"].sum()),
        status=measurement.judgement.status.value,
        reasons=tuple(reason.code.value for reason in measurement.judgement.reasons),
    )
    for function in measurement.functions:
        own = counted.filter(pl.col("function") == function.function)
        yield TrueFigure(
            name=function.function,
            avoided_usd=function.avoided_usd,
            half_width_usd=None if function.half_width is None else function.half_width.half_width_usd,
            counterfactual_usd=None if function.avoided is None else function.avoided.counterfactual_usd,
            true_usd=Decimal(own["avoided_usd"].sum()),
            twin_usd=Decimal(own["counterfactual_usd"].sum()),
            status=function.judgement.status.value,
            reasons=tuple(reason.code.value for reason in function.judgement.reasons),
        )


def _true_cost_half_width_usd(measurement: WeekMeasurement, truth: pl.DataFrame) -> Decimal:
    days = pl.col("day").is_in
    volumes = []
    for function in measurement.functions:
        own = truth.filter(pl.col("function") == function.function)
        before = own.filter(days(list(measurement.baseline_days)))
        model = fit_counterfactual(WorkingDay(*row) for row in before.select("day", "successes", "cost_usd").rows())
        if model is not None:
            calls = own.filter(days(list(measurement.days)))["successes"].to_list()
            volumes.append(MeasuredVolume(model, tuple(calls)))
    width = total_half_width(volumes)
    return Decimal(0) if width is None else width.half_width_usd


def _as_text(figure: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in figure.items()}
