"""Builds the weekly report from the warehouse: read-only, without a clock, money exact until it is printed."""

import duckdb

from tieout.audit.projection import audit_projection
from tieout.catalog.models import Catalog
from tieout.core.periods import IsoWeek
from tieout.measure.daily_work import measure, work_on_basis
from tieout.report.contents import WeeklyReport
from tieout.report.inputs import days_of_week, read_inputs, states_of_landed_days
from tieout.report.issue_contents import Restatements, Revision
from tieout.report.revisions import describe_issue
from tieout.report.sections.bridge import describe_bridge
from tieout.report.sections.changes import read_changes
from tieout.report.sections.findings import read_findings
from tieout.report.sections.gates import read_gates, read_tie_out
from tieout.report.sections.guardrails import describe_guardrails
from tieout.report.sections.ledger import describe_counterfactuals, describe_ledger, describe_normalized
from tieout.report.sections.opportunities import read_opportunities
from tieout.report.sections.realized import describe_headline, describe_savings, read_rollout
from tieout.report.sections.spend import read_coverage, read_spend, read_unattributed
from tieout.report.sections.terms import DEFINITIONS
from tieout.report.sections.trends import describe_cumulative, read_history
from tieout.report.sections.workings import read_workings
from tieout.savings.baseline_lock import BaselineLock
from tieout.savings.week import METHOD_VERSION


def build_report(
    con: duckdb.DuckDBPyConnection, week: IsoWeek, catalog: Catalog, *, lock: BaselineLock | None = None
) -> WeeklyReport:
    """Build the report of one week; the same warehouse, catalog and lock give the same report.

    Args:
        con: a connection to a built warehouse, in UTC; only read from.
        week: the week. Data after its end is left out of sight.
        catalog: the programme.
        lock: the frozen baseline; None to measure against the baseline as the data are now.
    """
    landed = states_of_landed_days(con, week)
    days = days_of_week(landed, week)
    measurement, lock_findings = measure(con, week, catalog, lock=lock)
    rollout = read_rollout(con, week, landed=landed.keys(), catalog=catalog)
    savings = describe_savings(measurement, catalog)
    tie_out = read_tie_out(con, week)
    spend = read_spend(con, week, catalog)
    work = work_on_basis(con, catalog, until=week.end, lock=lock)
    report = WeeklyReport(
        programme=catalog.rollout.programme,
        week=week,
        method_version=METHOD_VERSION,
        inputs=read_inputs(con, week, measurement.baseline, catalog, lock=lock),
        revision=Revision(1, None),
        restatements=Restatements(),
        days=days,
        headline=describe_headline(con, measurement, savings, catalog),
        tie_out=tie_out,
        gates=read_gates(con, week, tie_out=tie_out, days=days),
        spend=spend,
        savings=savings,
        ledger=describe_ledger(measurement, savings),
        bridge=describe_bridge(measurement, catalog),
        guardrails=describe_guardrails(measurement.functions),
        normalized=describe_normalized(measurement, catalog),
        counterfactuals=describe_counterfactuals(measurement.functions),
        cumulative=describe_cumulative(measurement, work, catalog),
        changes=read_changes(con, measurement, work, catalog, landed=landed.keys(), lock=lock),
        history=read_history(con, measurement, work, catalog, landed=landed.keys(), spend=spend),
        opportunities=read_opportunities(con, measurement, work, catalog, landed=landed.keys()),
        audit=tuple(audit_projection(catalog)),
        coverage=read_coverage(con, week, catalog),
        rollout=rollout,
        unattributed=read_unattributed(con, week, total_usd=spend.total_usd),
        findings=(*read_findings(con, measurement, catalog=catalog, landed=landed, rollout=rollout), *lock_findings),
        adjustments=tuple(line for line in catalog.adjustments.adjustments if line.day in week.days()),
        definitions=DEFINITIONS,
        workings=read_workings(con, week, catalog),
    )
    return describe_issue(con, report, catalog)
