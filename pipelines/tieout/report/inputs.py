"""What a week is computed from: which days are landed, which deliveries speak for it, and the hash over them."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek, day_start
from tieout.measure.daily_work import landed_days
from tieout.savings.baseline_lock import BaselineLock
from tieout.savings.days import BaselinePeriod
from tieout.warehouse.week_inputs import DELIVERY, hash_of, inputs_in, report_windows


class DayState(StrEnum):
    """How far the bill of a day can be relied on."""

    SETTLED = "settled"
    PROVISIONAL = "provisional"
    NOT_LANDED = "not landed"


@dataclass(frozen=True)
class ReportDay:
    """One UTC day of the week. `not landed` also means: landed in part only."""

    day: dt.date
    state: DayState


@dataclass(frozen=True)
class Inputs:
    """What the report was computed from.

    Attributes:
        as_of: newest fetch (naive UTC) of a bill or call log that speaks for the week; None when there is none.
        deliveries: how many bills and call logs the hash covers.
        sha256: over content hashes and fetch times of the bills and call logs that speak for the week or its baseline,
            over what the summaries, invoices, prices, configurations and apps of that time came to, over the catalog,
            and over the frozen baseline.
        catalog_sha256: the catalog alone.
        baseline_sha256: the frozen baseline, the same as in its lock; None when it is not frozen.
    """

    as_of: dt.datetime | None
    deliveries: int
    sha256: str
    catalog_sha256: str
    baseline_sha256: str | None


def week_bounds(week: IsoWeek) -> dict[str, dt.datetime]:
    """Return the parameters `since` and `until` of a query about one week."""
    return {"since": day_start(week.start), "until": day_start(week.end)}


def states_of_landed_days(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> dict[dt.date, DayState]:
    """Return the state of every day before the week's end whose bill is landed as a whole, in order."""
    landed = landed_days(con, until=week.end)
    return {day: DayState.SETTLED if is_settled else DayState.PROVISIONAL for day, is_settled in landed.items()}


def days_of_week(landed: Mapping[dt.date, DayState], week: IsoWeek) -> tuple[ReportDay, ...]:
    """Return the week's seven days with their states."""
    return tuple(ReportDay(day, landed.get(day, DayState.NOT_LANDED)) for day in week.days())


def read_inputs(
    con: duckdb.DuckDBPyConnection,
    week: IsoWeek,
    baseline: BaselinePeriod | None,
    catalog: Catalog,
    *,
    lock: BaselineLock | None,
) -> Inputs:
    """Hash what the week is computed from; the same inputs give the same hash on every machine."""
    by_window = inputs_in(con, report_windows(week, baseline))
    inputs = sorted(set().union(*by_window.values()), key=lambda one: (one.kind, one.text))
    basis = [catalog.sha256] if lock is None else [catalog.sha256, lock.sha256]
    return Inputs(
        as_of=max((one.fetched_at for one in by_window["week"] if one.fetched_at is not None), default=None),
        deliveries=sum(one.kind == DELIVERY for one in inputs),
        sha256=hash_of(inputs, *basis),
        catalog_sha256=catalog.sha256,
        baseline_sha256=None if lock is None else lock.sha256,
    )
