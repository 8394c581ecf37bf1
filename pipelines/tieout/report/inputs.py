"""What a week is computed from: which days are landed, which deliveries speak for it, and the hash over them."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek, day_start
from tieout.measure.daily_work import landed_days
from tieout.savings.baseline_lock import BaselineLock
from tieout.savings.days import BaselinePeriod

_DELIVERIES = """
select
    sha256,
    fetched_at,
    range_start < $until and range_end > $since as is_of_week
from staging.deliveries
where
    role in ('bill', 'usage')
    and (
        range_start < $until and range_end > $since
        or range_start < $baseline_end and range_end > $baseline_start
    )
order by sha256, fetched_at
"""

# What snapshots of other exports came to; a snapshot that says nothing new leaves the hash as it is.
_MEANINGS = """
with
summaries as (
    select source, month, sha256
    from staging.monthly_deliveries
    where
        month < $until
        and month >= date_trunc('month', $since::timestamp)
),
prices as (
    select * replace (least(valid_to, $until) as valid_to)
    from staging.prices
    where valid_from < $until and valid_to > $baseline_start
),
configurations as (
    select * replace (least(valid_to, $until) as valid_to)
    from staging.configurations
    where valid_from < $until and valid_to > $baseline_start
),
apps as (
    select * exclude (state) replace (case when stopped_at < $until then stopped_at end as stopped_at)
    from staging.apps
    where created_at < $until
),
meanings as (
    select 'summary ' || to_json(summaries) as meaning from summaries
    union all
    select 'price ' || to_json(prices) from prices
    union all
    select 'configuration ' || to_json(configurations) from configurations
    union all
    select 'app ' || to_json(apps) from apps
)
select meaning from meanings order by meaning
"""

_MEANINGS_OF = ("since", "until", "baseline_start")


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
    before = baseline or BaselinePeriod(week.start, week.start)
    parameters = {
        "since": day_start(week.start),
        "until": day_start(week.end),
        "baseline_start": day_start(before.start),
        "baseline_end": day_start(min(before.end, week.end)),
    }
    deliveries = con.execute(_DELIVERIES, parameters).fetchall()
    digest = hashlib.sha256()
    for sha256, fetched_at, _ in deliveries:
        digest.update(f"{sha256} {fetched_at.isoformat()}\n".encode())
    for (meaning,) in con.execute(_MEANINGS, {name: parameters[name] for name in _MEANINGS_OF}).fetchall():
        digest.update(f"{meaning}\n".encode())
    digest.update(catalog.sha256.encode())
    if lock is not None:
        digest.update(lock.sha256.encode())
    return Inputs(
        as_of=max((fetched_at for _, fetched_at, is_of_week in deliveries if is_of_week), default=None),
        deliveries=len(deliveries),
        sha256=digest.hexdigest(),
        catalog_sha256=catalog.sha256,
        baseline_sha256=None if lock is None else lock.sha256,
    )
