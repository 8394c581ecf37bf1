"""Simulated rollouts as the product reads them: landed, loaded, attributed and frozen, with their truth beside.

Only the tables that a measurement reads are built, in this process and without their expectations; everything else is
what `tieout run` and `tieout freeze-baseline` do. One simulation serves several lengths of the baseline, with and
without container series. What was read is kept by setting and code; what is measured of it is not, because that takes
no time. So a run that was cut short goes on where it ended, and a change of the method alone simulates nothing again.
"""

import base64
import datetime as dt
import hashlib
import multiprocessing
import os
import pickle
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import duckdb
import polars as pl

from benchmarks.rows import ROOT, Rows, code_version
from tests.support.loading import load_at
from tieout.catalog.load import load_catalog
from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek, day_start
from tieout.measure.baseline import freeze_baseline
from tieout.measure.daily_work import WeekReadings, read_week
from tieout.measure.tables import MeasuredTables
from tieout.savings.baseline_lock import BaselineLock, freeze
from tieout.savings.days import BaselinePeriod
from tieout.simulator import write_exports
from tieout.simulator.landing import Landing
from tieout.simulator.rollout import RolloutWorld, rollout_scenarios, run_rollout
from tieout.simulator.rollout_setting import RolloutSetting
from tieout.simulator.series import write_series
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
        "staging.landed_days",
    }
)
_REPLAYS = "savings.replays"
_READ_BY = (
    "pipelines/tieout/simulator/**/*.py",
    "pipelines/tieout/measure/*.py",
    "pipelines/tieout/savings/replay*.py",
    "sql/reconciliation/*.sql",
    "sql/savings/*.sql",
)
_READ_VALUES = ("baseline_lock", "boundary", "context", "daily_work", "days", "error_bars", "log_coverage", "programme")


@dataclass(frozen=True)
class RolloutReadings:
    """One week of a rollout against a frozen baseline, not measured yet.

    Attributes:
        setting: what was simulated.
        baseline_days: how many days the frozen baseline has.
        week: which week after the deployment, the deployment's own is 1.
        readings: what the warehouse says of it.
        truth: what the simulator knows of it, see `RolloutWorld.daily`.
    """

    setting: RolloutSetting
    baseline_days: int
    week: int
    readings: WeekReadings
    truth: pl.DataFrame


def read_rollouts(
    settings: Iterable[RolloutSetting], rows: Rows, *, baselines: Sequence[int] = (14,), processes: int | None = None
) -> Iterator[RolloutReadings]:
    """Read rollouts on all cores, every week after the deployment with every length of the baseline.

    Args:
        settings: what to simulate.
        rows: where readings are kept, and taken from where they are known.
        baselines: days of the frozen baseline, whole weeks.
        processes: how many at a time; all cores by default.
    """
    wanted = tuple(settings)
    missing: dict[RolloutSetting, list[RolloutSetting]] = {}
    for setting in wanted:
        if rows.get(_key(setting, baselines)) is None:
            missing.setdefault(replace(setting, has_series=False), []).append(setting)
    # spawned, because a fork of a process that has used Polars can wait for threads that it does not have
    with ProcessPoolExecutor(processes or os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        for read in pool.map(_read, missing.values(), [tuple(baselines)] * len(missing)):
            for setting, result in read:
                rows.put(_key(setting, baselines), result)
    yield from known_rollouts(wanted, rows, baselines=baselines)


def known_rollouts(
    settings: Iterable[RolloutSetting], rows: Rows, *, baselines: Sequence[int] = (14,)
) -> Iterator[RolloutReadings]:
    """Return the readings that are already kept."""
    for setting in settings:
        if kept := rows.get(_key(setting, baselines)):
            yield from pickle.loads(zlib.decompress(base64.b64decode(kept)))


def _key(setting: RolloutSetting, baselines: Sequence[int]) -> dict[str, str]:
    digest = hashlib.sha256(repr((setting, tuple(baselines))).encode()).hexdigest()[:16]
    return {"setting": digest, "kind": setting.kind.value, "code": _code()}


@cache
def _code() -> str:
    values = [ROOT / f"pipelines/tieout/savings/{name}.py" for name in _READ_VALUES]
    return code_version(Path(__file__), *values, *(path for pattern in _READ_BY for path in ROOT.glob(pattern)))


def _read(settings: Sequence[RolloutSetting], baselines: tuple[int, ...]) -> list[tuple[RolloutSetting, str]]:
    """Read one rollout, without container series first: they are landed beside the rest, and change nothing else."""
    ordered = sorted(settings, key=lambda setting: setting.has_series)
    read = read_world(run_rollout(ordered[0]), ordered, baselines)
    return [
        (setting, base64.b64encode(zlib.compress(pickle.dumps(weeks))).decode())
        for setting, weeks in zip(ordered, read, strict=True)
    ]


def read_world(
    rollout: RolloutWorld, settings: Sequence[RolloutSetting], baselines: Sequence[int] = (14,)
) -> list[tuple[RolloutReadings, ...]]:
    """Land, load, attribute and freeze one simulated rollout, and read its weeks.

    Args:
        rollout: the world.
        settings: what it is the world of; a second one has container series landed beside the rest.
        baselines: days of the frozen baseline, whole weeks.
    """
    results: list[tuple[RolloutReadings, ...]] = []
    with tempfile.TemporaryDirectory(prefix="tieout-bench-", dir=_memory()) as directory:
        write_exports(rollout.world, Path(directory))
        with open_warehouse(Path(directory) / "warehouse.duckdb") as con:
            con.execute("set threads = 1")
            for setting in settings:
                if results:
                    _land_series(rollout, setting, Path(directory))
                catalog = _build(con, Path(directory), since=rollout.world.start, until=rollout.world.end)
                results.append(tuple(_weeks(con, catalog, setting, rollout.daily(), baselines)))
    return results


def _memory() -> str | None:
    """A folder that is kept in memory, where the system has one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _land_series(rollout: RolloutWorld, setting: RolloutSetting, folder: Path) -> None:
    scenario, _ = rollout_scenarios(setting)
    write_series(replace(rollout.world, scenario=scenario), Landing(folder / "landing"))


def _build(con: duckdb.DuckDBPyConnection, folder: Path, *, since: dt.datetime, until: dt.datetime) -> Catalog:
    """Load what is landed and build all that a measurement reads; an earlier build is dropped, but for its replays."""
    loaded = load_at(con, folder / "landing", now=until + dt.timedelta(days=30))
    assert not loaded.rejected, f"a simulated export was refused: {loaded.rejected[0]}"
    catalog = load_catalog(folder / "catalog")
    write_catalog(con, catalog)
    period = Period(since.date(), until.date())
    for model in reversed(_models()):
        con.execute(f"drop {'view' if model.is_view else 'table'} if exists {model.name}")
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
) -> Iterator[RolloutReadings]:
    whole = freeze_baseline(con, catalog)
    deployed = IsoWeek.of(setting.deployed_at.date())
    for days in baselines:
        lock = _last_days(whole, catalog, days)
        after = Period(deployed.start, deployed.start + dt.timedelta(weeks=setting.weeks_after))
        write_model(con, model_named(_REPLAYS), after, MeasuredTables(con, catalog, lock))
        week = deployed
        for number in range(1, setting.weeks_after + 1):
            yield RolloutReadings(setting, days, number, read_week(con, week, catalog, lock=lock), truth)
            week = IsoWeek.of(week.end)


def _last_days(lock: BaselineLock, catalog: Catalog, days: int) -> BaselineLock:
    """The lock as it would be if data began that many days before its end."""
    baseline = BaselinePeriod(lock.baseline.end - dt.timedelta(days=days), lock.baseline.end)
    return freeze(lock.series, baseline=baseline, catalog=catalog, method_version=lock.method_version)
