"""The last floor: one report for every ISO week, as files and as a picture of itself on the asset."""

import datetime as dt
import warnings

import dagster as dg

from tieout.core.periods import IsoWeek
from tieout.defs.calendar import period_of, week_key, weeks_of
from tieout.defs.checks import table_key
from tieout.defs.workspace import Session, Workspace, begin
from tieout.report.formats.charts import Chart, draw_charts
from tieout.report.formats.html import headline_lines
from tieout.report.issue import issue_report
from tieout.report.weekly import build_report
from tieout.warehouse.models import all_models

WEEKLY_REPORT = dg.AssetKey(["reports", "weekly"])
HEADLINE = "headline"
_SHOWN = ("waterfall", "cumulative")
_READS = ("spend", "reconciliation", "savings")


def report_asset(weeks: dg.TimeWindowPartitionsDefinition) -> dg.AssetsDefinition:
    """Declare the weekly report."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # backfill_policy

        @dg.asset(
            key=WEEKLY_REPORT,
            deps=[table_key(model.name) for model in all_models() if model.schema in _READS],
            description="What was saved in the week and what it cost, tied to the bill: `reports/<week>/index.html`.",
            group_name="reports",
            kinds={"html", "python"},
            owners=["team:finance"],
            tags={"floor": "reports"},
            partitions_def=weeks,
            backfill_policy=dg.BackfillPolicy.single_run(),
            pool="warehouse",
        )
        def weekly_report(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult[None]:
            """Write the report of every week of the period."""
            period = period_of(context.partition_time_window)
            for week in weeks_of(period):
                context.add_asset_metadata(_write(workspace.session, week), partition_key=week_key(week))
            workspace.session.record_reports(period)
            return dg.MaterializeResult()

    return weekly_report


def _write(session: Session, week: IsoWeek) -> dict[str, dg.MetadataValue]:
    begin(f"reports/{week.label}")
    report = build_report(session.con, week, session.catalog, lock=session.lock)
    charts = draw_charts(report)
    report, files = issue_report(session.con, report, charts, session.home.reports, now=dt.datetime.now(dt.UTC))
    text = next(path for path in files if path.suffix == ".txt").read_text(encoding="utf-8")
    return {
        HEADLINE: dg.MetadataValue.md("\n\n".join(headline_lines(report))),
        **{chart.name: _picture(chart) for chart in charts if chart.name in _SHOWN},
        "report": dg.MetadataValue.md(f"```text\n{text}\n```"),
        "files": dg.MetadataValue.json([str(path) for path in files]),
    }


def _picture(chart: Chart) -> dg.MetadataValue:
    """A chart as Dagster shows it: its markdown takes an image that carries itself."""
    return dg.MetadataValue.md(f"![{chart.title}]({chart.light_uri})")
