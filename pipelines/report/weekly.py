"""Builds the weekly report from the warehouse: read-only, without a clock, money exact until it is printed."""

import duckdb

from pipelines.core.catalog import Catalog
from pipelines.core.periods import IsoWeek
from pipelines.report.contents import WeeklyReport
from pipelines.report.cost import read_coverage, read_spend, read_unattributed
from pipelines.report.gates import read_gates, read_tie_out
from pipelines.report.inputs import days_of_week, landed_days, read_inputs
from pipelines.report.noticed import premises, read_findings
from pipelines.report.realized import describe_headline, describe_savings, measure, read_rollout
from pipelines.report.terms import DEFINITIONS, NOT_MEASURED

METHOD_VERSION = "1"


def build_report(con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog) -> WeeklyReport:
    """Build the report of one week; the same warehouse and catalog give the same report.

    Args:
        con: a connection to a built warehouse, in UTC; only read from.
        week: the week. Data after its end is left out of sight.
        catalog: the programme.
    """
    landed = landed_days(con, week)
    days = days_of_week(landed, week)
    measurement = measure(con, week, landed=landed.keys(), catalog=catalog)
    rollout = read_rollout(con, week, landed=landed.keys(), catalog=catalog)
    findings = read_findings(con, week, catalog=catalog, baseline=measurement.baseline, landed=landed, rollout=rollout)
    savings = describe_savings(measurement, catalog, premises(findings))
    tie_out = read_tie_out(con, week)
    spend = read_spend(con, week, catalog)
    return WeeklyReport(
        programme=catalog.rollout.programme,
        week=week,
        method_version=METHOD_VERSION,
        inputs=read_inputs(con, week, measurement.baseline, catalog),
        days=days,
        headline=describe_headline(con, measurement, savings, catalog),
        tie_out=tie_out,
        gates=read_gates(con, week, tie_out=tie_out, days=days),
        spend=spend,
        savings=savings,
        coverage=read_coverage(con, week, catalog),
        rollout=rollout,
        unattributed=read_unattributed(con, week, total_usd=spend.total_usd),
        findings=findings,
        not_measured=NOT_MEASURED,
        definitions=DEFINITIONS,
    )
