"""Builds the weekly report from the warehouse: read-only, without a clock, money exact until it is printed."""

from collections.abc import Mapping
from dataclasses import replace

import duckdb

from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek
from tieout.measure.daily_work import Measured
from tieout.report.contents import WeeklyReport, read_contents
from tieout.report.figures import read_figures
from tieout.report.sections.revisions import describe_revision
from tieout.report.week_data import read_week_data
from tieout.savings.baseline_lock import BaselineLock


def build_report(
    con: duckdb.DuckDBPyConnection,
    week: IsoWeek,
    catalog: Catalog,
    *,
    lock: BaselineLock | None = None,
    measured: Mapping[IsoWeek, Measured] = {},
) -> WeeklyReport:
    """Build the report of one week; the same warehouse, catalog and lock give the same report.

    Args:
        con: a connection to a built warehouse, in UTC; only read from.
        week: the week. Data after its end is left out of sight.
        catalog: the programme.
        lock: the frozen baseline; None to measure against the baseline as the data are now.
        measured: weeks as they were measured from this warehouse; the week, and the one before it where something is
            known of that, are measured here where they are left out.
    """
    report = read_contents(read_week_data(con, week, catalog, lock=lock, measured=measured))
    return replace(report, revision=describe_revision(con, week, read_figures(con, report), catalog))
