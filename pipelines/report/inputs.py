"""What a week is computed from: which days are landed, which deliveries speak for it, and the hash over them."""

import datetime as dt
import hashlib
from collections.abc import Mapping

import duckdb

from pipelines.core.catalog import Catalog
from pipelines.core.periods import IsoWeek, day_start
from pipelines.core.savings import BaselinePeriod
from pipelines.report.contents import DayState, Inputs, ReportDay

_LANDED_DAYS = """
with days as (
    select
        date_trunc('day', hour)::date as day,
        count(distinct hour) filter (where resolution = 'h') as hours,
        bool_and(is_settled) filter (where resolution = 'h') as hours_are_settled,
        bool_and(is_settled) filter (where resolution = 'd') as day_is_settled
    from staging.billing_intervals
    where hour < $until
    group by all
)
select day, case when hours = 24 then hours_are_settled else day_is_settled end as is_settled
from days
where hours = 24 or day_is_settled is not null
order by day
"""

# A snapshot without a range (prices, apps, configurations) speaks for what comes after it, a later one for nothing here.
_DELIVERIES = """
select
    sha256,
    fetched_at,
    coalesce(range_start < $until and range_end > $since, false) as is_of_week
from staging.deliveries
where
    range_start < $until and range_end > $since
    or range_start < $baseline_end and range_end > $baseline_start
    or (range_start is null or range_end is null) and fetched_at < $until
order by sha256, fetched_at
"""


def landed_days(con: duckdb.DuckDBPyConnection, week: IsoWeek) -> dict[dt.date, DayState]:
    """Return the state of every day before the week's end whose bill is landed as a whole, in order."""
    rows = con.execute(_LANDED_DAYS, {"until": day_start(week.end)}).fetchall()
    return {day: DayState.SETTLED if is_settled else DayState.PROVISIONAL for day, is_settled in rows}


def days_of_week(landed: Mapping[dt.date, DayState], week: IsoWeek) -> tuple[ReportDay, ...]:
    """Return the week's seven days with their states."""
    return tuple(ReportDay(day, landed.get(day, DayState.NOT_LANDED)) for day in week.days())


def read_inputs(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, baseline: BaselinePeriod | None, catalog: Catalog
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
    digest.update(catalog.sha256.encode())
    return Inputs(
        as_of=max((fetched_at for _, fetched_at, is_of_week in deliveries if is_of_week), default=None),
        deliveries=len(deliveries),
        sha256=digest.hexdigest(),
        catalog_sha256=catalog.sha256,
    )
