"""Writes a report as files: an HTML page that needs nothing beside it, plain text of 80 columns, and the workbook."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from tieout.core.files import write_whole
from tieout.report.archive import (
    Neighbours,
    link_week,
    neighbours_of,
    render_links,
    render_summary,
)
from tieout.report.contents import HEADLINE, WeeklyReport
from tieout.report.file_names import PAGE_NAME, SUMMARY_NAME, TEXT_NAME
from tieout.report.formats.charts import Chart
from tieout.report.formats.templates import html_templates, text_templates
from tieout.report.formats.text import printable
from tieout.report.formats.workbook import render_workbook, workbook_name


def write_report(report: WeeklyReport, charts: Sequence[Chart], directory: Path) -> tuple[Path, ...]:
    """Write a week's files into its folder below `directory`, and link the week with the others of the archive.

    Everything is made before the first file is written, and each file is written whole or not at all.

    Args:
        report: the week.
        charts: pictures of it, as `draw_charts` draws them.
        directory: the folder of all reports; it is made when missing.

    Returns:
        The files of the week, HTML first.
    """
    contents = {
        PAGE_NAME: render_html(report, charts, neighbours_of(report.week, directory)).encode("utf-8"),
        TEXT_NAME: render_text(report).encode("utf-8"),
        workbook_name(report): render_workbook(report),
        SUMMARY_NAME: render_summary(report).encode("utf-8"),
    }
    folder = directory / report.week.label
    folder.mkdir(parents=True, exist_ok=True)
    files = tuple(write_whole(folder / name, content) for name, content in contents.items())
    link_week(report.week, directory)
    return files


@dataclass(frozen=True)
class _Picture:
    """A chart as a page holds it: its drawings, for light and for dark, as addresses that carry them whole."""

    light: Markup
    dark: Markup
    alt: str


def render_html(
    report: WeeklyReport,
    charts: Sequence[Chart] = (),
    neighbours: Neighbours = Neighbours(),  # noqa: B008 - frozen
) -> str:
    """Return the report as one HTML page.

    Args:
        report: the week.
        charts: pictures of it; a section without its picture has its figures only.
        neighbours: the weeks that the page links to.
    """
    pictures = {c.name: _Picture(Markup(c.light_uri), Markup(c.dark_uri), c.alt) for c in charts}
    template = html_templates().get_template("weekly.html.j2")
    return template.render(
        report=report,
        headline_section=HEADLINE,
        sections=report.sections,
        pictures=pictures,
        links=Markup(render_links(neighbours)),
        workbook=workbook_name(report),
        text=TEXT_NAME,
    )


def render_text(report: WeeklyReport) -> str:
    """Return the report as text; no line is wider than 80 terminal cells."""
    template = text_templates().get_template("weekly.txt.j2")
    return template.render(report=report, headline_section=HEADLINE, sections=report.sections)


def headline_lines(report: WeeklyReport) -> list[str]:
    """Return the few sentences, six at most, that a person wants first; the tie-out comes last."""
    sentences = [sentence for sentence in report.sentences if sentence != report.headline.cash_sentence]
    return [printable(sentence) for sentence in (*sentences, report.tie_out.sentence)]
