"""Freezing the baseline: `catalog/baseline.lock` from the warehouse as it is now."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.errors import TieoutError
from tieout.core.files import write_whole
from tieout.measure.daily_work import baseline_of, daily_series, landed_days, read_work
from tieout.measure.log_coverage import missing_logs
from tieout.savings.baseline_lock import LOCK_NAME, BaselineLock, format_lock, freeze
from tieout.savings.days import BaselinePeriod, FunctionDay, baseline_days
from tieout.savings.log_coverage import LogGap
from tieout.savings.status import SUFFICIENT_BASELINE_DAYS
from tieout.savings.week import METHOD_VERSION


class BaselineError(TieoutError):
    """A baseline that cannot be frozen; the problem names the days that there are, or that are missing."""

    usual_remedy = "Land the bills and logs that are missing, then `tieout run` and freeze again."


def freeze_baseline(con: duckdb.DuckDBPyConnection, catalog: Catalog) -> BaselineLock:
    """Freeze the whole weeks before the first deployment, as the warehouse has them.

    Raises:
        BaselineError: nothing was deployed, there are fewer than 14 baseline days, or one of them is not sure: its bill
            is not landed or may still change, a call log is missing, or the cost of a function is negative.
    """
    first = min((phase.deployed_at.date() for phase in catalog.rollout.phases), default=None)
    if first is None:
        raise BaselineError("rollout.yaml names no phase, so nothing tells where the baseline ends")
    landed = landed_days(con, until=first)
    baseline = _whole_baseline(landed, catalog)
    work = read_work(con, catalog, until=baseline.end)
    series = daily_series(work, catalog, landed=landed)
    _require_whole_logs(missing_logs(con, catalog, until=dt.date.max), baseline)
    _require_cost(series, baseline)
    try:
        return freeze(series, baseline=baseline, catalog=catalog, method_version=METHOD_VERSION)
    except ValueError as error:
        raise BaselineError(str(error)) from None


def write_lock(lock: BaselineLock, catalog_directory: Path) -> Path:
    """Write the lock beside the catalog's files, whole or not at all, and return its path."""
    return write_whole(catalog_directory / LOCK_NAME, format_lock(lock))


def _whole_baseline(landed: Mapping[dt.date, bool], catalog: Catalog) -> BaselinePeriod:
    baseline = baseline_of(landed, catalog)
    wanted = [] if baseline is None else baseline_days(baseline)
    found = [day for day in wanted if day in landed]
    if baseline is None or len(found) < SUFFICIENT_BASELINE_DAYS:
        raise BaselineError(
            f"a baseline needs {SUFFICIENT_BASELINE_DAYS} days in whole weeks before the first deployment, each with "
            f"its whole bill landed; there are {len(found)}: {_named(found)}"
        )
    if missing := [day for day in wanted if day not in landed]:
        raise BaselineError(
            f"the bill of baseline days is not landed, and they would be frozen as idle: {_named(missing)}"
        )
    if unsettled := [day for day in found if not landed[day]]:
        raise BaselineError(f"the bill of baseline days may still change: {_named(unsettled)}")
    return baseline


def _require_whole_logs(gaps: Iterable[LogGap], baseline: BaselinePeriod) -> None:
    for gap in gaps:
        if missing := [day for day in gap.days if baseline.start <= day < baseline.end]:
            lacks = "has fewer calls than Modal counts on" if gap.is_short else "is not landed for"
            raise BaselineError(
                f"the call log of {gap.function} ({gap.app}) {lacks} baseline days, and its cost would be "
                f"frozen as that of other functions: {_named(missing)}"
            )


def _require_cost(series: Iterable[FunctionDay], baseline: BaselinePeriod) -> None:
    negative = [value for value in series if baseline.start <= value.day < baseline.end and value.cost_usd < 0]
    if negative:
        days = ", ".join(f"{value.function} on {value.day}" for value in negative)
        raise BaselineError(f"baseline days have a negative cost, which no work has: {days}")


def _named(days: Collection[dt.date]) -> str:
    return ", ".join(day.isoformat() for day in days) or "none"
