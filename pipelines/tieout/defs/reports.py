"""The last floor: one report for every ISO week, as files and as a picture of itself on the asset."""

import warnings

import dagster as dg

from tieout.defs.calendar import WEEKS, period_of
from tieout.defs.checks import table_key
from tieout.defs.ui_archive import ARCHIVE
from tieout.defs.workspace import OpenWorkspace
from tieout.report.contents import WeeklyReport
from tieout.report.file_names import CHART_PREFIX, PAGE_NAME
from tieout.report.formats.charts import Chart
from tieout.report.formats.html import headline_lines
from tieout.warehouse.models import all_models
from tieout.workspace import Issue

WEEKLY_REPORT = dg.AssetKey(["reports", "weekly"])
_SHOWN = ("bill", "cumulative")
_READS = ("spend", "reconciliation", "savings")


def report_asset() -> dg.AssetsDefinition:
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
            partitions_def=WEEKS,
            backfill_policy=dg.BackfillPolicy.single_run(),
            pool="warehouse",
        )
        def weekly_report(context: dg.AssetExecutionContext, workspace: OpenWorkspace) -> dg.MaterializeResult[None]:
            """Write the report of every week of the period."""
            period = period_of(context)
            for week in period.weeks():
                metadata = report_metadata(Issue(*workspace.issue(week)))
                context.add_asset_metadata(metadata, partition_key=week.label)
            workspace.record_reports(period)
            return dg.MaterializeResult()

    return weekly_report


def report_metadata(issue: Issue) -> dict[str, dg.MetadataValue]:
    """What a week's report shows of itself: pictures and the first sentences, then numbers, then all of the text.

    Page and pictures are where `tieout ui` serves them: a browser follows no link from there to a file.
    """
    week = issue.report.week.label
    text = next(path for path in issue.files if path.suffix == ".txt").read_text(encoding="utf-8")
    return {
        **{chart.name: _picture(chart, week) for chart in issue.charts if chart.name in _SHOWN},
        "page": dg.MetadataValue.url(f"{ARCHIVE}{week}/{PAGE_NAME}"),
        "headline": dg.MetadataValue.md("\n\n".join(headline_lines(issue.report))),
        **_numbers(issue.report),
        "report": dg.MetadataValue.md(f"```text\n{text}\n```"),
        "files": dg.MetadataValue.json([str(path) for path in issue.files]),
    }


def _numbers(report: WeeklyReport) -> dict[str, dg.MetadataValue]:
    """What Dagster plots week by week, for the eye; the figures are decimals in the report and its tables."""
    unattributed = report.unattributed.share
    figures = {
        "spent_usd": report.spend.total_usd,
        "saved_usd": report.headline.avoided_usd,
        "half_width_usd": report.headline.half_width_usd,
        "unexplained_share": None if unattributed is None else unattributed.part / unattributed.whole,
    }
    return {name: dg.MetadataValue.float(float(value)) for name, value in figures.items() if value is not None}


def _picture(chart: Chart, week: str) -> dg.MetadataValue:
    """A chart as Dagster shows it at once: its file in the archive. One that carries itself hides behind a link."""
    return dg.MetadataValue.md(f"![{chart.title}]({ARCHIVE}{week}/{CHART_PREFIX}{chart.name}.svg)")
