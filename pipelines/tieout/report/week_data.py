"""What the sections of a week are read from: the warehouse, the programme, and what was measured of the week."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.findings import Finding
from tieout.core.periods import IsoWeek
from tieout.measure.daily_work import Measured, measure, work_on_basis
from tieout.report.inputs import DayState, states_of_landed_days
from tieout.savings.baseline_lock import BaselineLock
from tieout.savings.daily_work import DailyWork
from tieout.savings.week import WeekMeasurement


@dataclass(frozen=True)
class WeekData:
    """What the sections of a week are read from.

    Attributes:
        con: a connection to a built warehouse, in UTC; only read from.
        week: the week. Data after its end is left out of sight.
        catalog: the programme.
        lock: the frozen baseline; None to measure against the baseline as the data are now.
        landed: days before the week's end whose bill is landed whole, with their states.
        measurement: of the week.
        lock_findings: what the frozen baseline and the data disagree about.
        work: all days up to the end of the week, the baseline's on their frozen basis.
        measured: weeks that had been measured before.
    """

    con: duckdb.DuckDBPyConnection
    week: IsoWeek
    catalog: Catalog
    lock: BaselineLock | None
    landed: Mapping[dt.date, DayState]
    measurement: WeekMeasurement
    lock_findings: Sequence[Finding]
    work: Sequence[DailyWork]
    measured: Mapping[IsoWeek, Measured]


def read_week_data(
    con: duckdb.DuckDBPyConnection,
    week: IsoWeek,
    catalog: Catalog,
    *,
    lock: BaselineLock | None,
    measured: Mapping[IsoWeek, Measured],
) -> WeekData:
    """Measure a week, unless it is among those that are measured already from the warehouse as it is."""
    measurement, lock_findings = measured.get(week) or measure(con, week, catalog, lock=lock)
    return WeekData(
        con=con,
        week=week,
        catalog=catalog,
        lock=lock,
        landed=states_of_landed_days(con, week),
        measurement=measurement,
        lock_findings=lock_findings,
        work=work_on_basis(con, catalog, until=week.end, lock=lock),
        measured=measured,
    )
