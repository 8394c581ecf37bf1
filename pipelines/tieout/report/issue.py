"""Issuing a week: its figures are closed, its files are kept, and what moves later is a new revision beside them.

A week is issued with its report once every day is settled and no gate is closed. When data, catalog, baseline or method
change its printed figures afterwards, the next report of it is the next revision. What was issued stays in
`reports/<week>/revision-<n>/` as it was (docs/reference/rules.md, "Closed weeks and restatements").
"""

import datetime as dt
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from tieout.core.files import folder_written_whole, write_whole
from tieout.core.sql import transaction
from tieout.report.archive import kept_page
from tieout.report.contents import WeeklyReport
from tieout.report.figures import read_figures
from tieout.report.formats.charts import Chart
from tieout.report.formats.html import write_report
from tieout.report.kept_issues import MANIFEST_NAME, Manifest, manifest_of, record_manifest
from tieout.report.sections.gates import obstacles
from tieout.report.sections.revisions import draft_issue
from tieout.warehouse.closed_week import Closing, ClosingError, format_closing
from tieout.warehouse.closings import FIGURES_NAME, REVISION_FOLDER, closings_of, next_closing_time, record_closing


def issue_report(
    con: duckdb.DuckDBPyConnection,
    report: WeeklyReport,
    charts: Sequence[Chart],
    directory: Path,
    *,
    now: dt.datetime,
) -> tuple[WeeklyReport, tuple[Path, ...]]:
    """Write a week's report, and close the week when it can be and its figures are new.

    The files of the revision are kept before the warehouse knows of it, so that a kill in between loses nothing.

    Args:
        con: the built warehouse, open for writing.
        report: as `build_report` made it from this warehouse.
        charts: pictures of it, as `draw_charts` draws them.
        directory: the folder of all reports.
        now: the time of the issue, with a timezone.

    Returns:
        The report as written, with its revision, and its files, HTML first.

    Raises:
        ClosingError: the folder of this revision holds another issue, one that the warehouse does not know.
    """
    if report.revision.issued_at is not None or not is_closable(report):
        return report, write_report(report, charts, directory)
    draft = draft_issue(con, report.week, read_figures(con, report), closings_of(con, report.week))
    closing = Closing.of(draft, next_closing_time(con, now))
    _check_not_kept(closing, directory / report.week.label)
    issued = replace(report, revision=replace(report.revision, issued_at=closing.closed_at))
    files = write_report(issued, charts, directory)
    manifest = _keep(closing, directory / report.week.label)
    with transaction(con):
        record_closing(con, closing)
        record_manifest(con, manifest)
    return issued, files


def is_closable(report: WeeklyReport) -> bool:
    """Tell whether a week's figures may be issued: every day is settled, and no gate is closed."""
    return not obstacles(report.days, report.gates)


def _check_not_kept(closing: Closing, folder: Path) -> None:
    """Refuse to write over what was issued; an issue of this number that can be read back would be known."""
    kept = folder / REVISION_FOLDER.format(closing.revision)
    if kept.exists():
        raise ClosingError(
            f"{kept} holds an issue that the warehouse does not know",
            remedy=f"Run again, which reads its {FIGURES_NAME}; if that is missing, restore it from a copy, or move "
            "the folder away to forget that this revision was issued.",
        )


def _keep(closing: Closing, folder: Path) -> Manifest:
    """Keep the files of an issue as they are written, in a folder that appears whole or not at all."""
    with folder_written_whole(folder / REVISION_FOLDER.format(closing.revision)) as partial:
        for path in folder.iterdir():
            if path.is_file() and not path.name.startswith("."):
                shutil.copy2(path, partial / path.name)
        for page in sorted(partial.glob("*.html")):
            write_whole(page, kept_page(page.read_text(encoding="utf-8")))
        write_whole(partial / FIGURES_NAME, format_closing(closing))
        manifest = manifest_of(closing.week, closing.revision, partial)
        write_whole(partial / MANIFEST_NAME, manifest.document)
    return manifest
