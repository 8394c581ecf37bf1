"""Writes a report as files: HTML pages that need nothing beside them, plain text of 80 columns, workbook, pictures."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from tieout.core.files import make_folder, sweep_partial, write_whole
from tieout.report.archive import Neighbours, link_week, neighbours_of, render_links, render_summary
from tieout.report.contents import WeeklyReport
from tieout.report.digest import digest_of
from tieout.report.file_names import (
    CHART_PREFIX,
    FUNCTION_PREFIX,
    PAGE_NAME,
    SUMMARY_NAME,
    TABLE_PREFIX,
    TEXT_NAME,
)
from tieout.report.formats.charts import Chart, PagePicture
from tieout.report.formats.charts.chart import is_made_of
from tieout.report.formats.tables import is_cut, table_file, tables_within
from tieout.report.formats.templates import html_templates, page_script, text_templates
from tieout.report.formats.text import printable
from tieout.report.formats.workbook import render_workbook, workbook_name
from tieout.report.pages import EVIDENCE, FUNCTION_QUERIES, EvidencePage, function_pages, pages_of, sections_of

_MOST_ROWS = 60
"""How many rows a table of a page has, so that the page stays light."""


def write_report(report: WeeklyReport, charts: Sequence[Chart], directory: Path) -> tuple[Path, ...]:
    """Write a week's files into its folder below `directory`, and link the week with the others of the archive.

    Everything is made before the first file is written, and each file is written whole or not at all. A file whose
    content has not changed is kept as it is. Pages, pictures and tables that the report no longer has are taken
    away.

    Args:
        report: the week.
        charts: pictures of it, as `draw_charts` draws them.
        directory: the folder of all reports; it is made when missing.

    Returns:
        The files of the week: the digest, its text, the workbook, then the others.
    """
    pages = dict(render_pages(report, charts, neighbours_of(report.week, directory)))
    folder = directory / report.week.label
    tables = dict(render_tables(report, pages))
    contents = {
        PAGE_NAME: pages.pop(PAGE_NAME).encode("utf-8"),
        TEXT_NAME: render_text(report).encode("utf-8"),
        workbook_name(report): render_workbook(report),
        SUMMARY_NAME: render_summary(report).encode("utf-8"),
        **{name: page.encode("utf-8") for name, page in pages.items()},
        **{name: rows.encode("utf-8") for name, rows in tables.items()},
        **dict(_pictures(charts, folder)),
    }
    make_folder(folder)
    files = tuple(_written(folder / name, content) for name, content in contents.items())
    for path in folder.iterdir():
        if path.name not in contents and _is_ours(path.name):
            path.unlink()
    sweep_partial(folder, "*")  # of a file that is the same as before, and so was not written again
    link_week(report.week, directory)
    return files


def _written(path: Path, content: bytes) -> Path:
    """Write a file, or keep the one that is the same already, with its date."""
    return path if path.is_file() and path.read_bytes() == content else write_whole(path, content)


def _is_ours(name: str) -> bool:
    """Whether a file's name is that of a page, picture or table that a report may have or lack."""
    return name.startswith((FUNCTION_PREFIX, CHART_PREFIX, TABLE_PREFIX)) or name in {page.file for page in EVIDENCE}


def _pictures(charts: Sequence[Chart], folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the drawings with their images; an image that was made of its drawing is not made again."""
    for chart in charts:
        drawing, image = (folder / f"{CHART_PREFIX}{chart.name}.{kind}" for kind in ("svg", "png"))
        kept = image.read_bytes() if image.is_file() else b""
        yield drawing.name, chart.light_svg.encode("utf-8")
        yield image.name, kept if is_made_of(kept, chart.light_svg) else chart.png()


def render_pages(
    report: WeeklyReport,
    charts: Sequence[Chart] = (),
    neighbours: Neighbours = Neighbours(),  # noqa: B008 - frozen
) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every page: the digest, the evidence, the functions.

    Args:
        report: the week.
        charts: pictures of it; a section without its picture has its figures only.
        neighbours: the weeks that the digest links to.
    """
    shared = _shared(report, charts)
    yield PAGE_NAME, render_html(report, charts, neighbours)
    for page in shared["pages"]:
        yield page.file, _evidence(page, shared, most_rows=_MOST_ROWS)
    function = html_templates().get_template("function.html.j2")
    for each in function_pages(report):
        yield each.file, function.render(**shared, function=each, queries=FUNCTION_QUERIES)


def render_tables(report: WeeklyReport, pages: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the CSV of every table that is cut on its page, with all its rows.

    Args:
        report: the week.
        pages: its pages by the names of their files, as `render_pages` yields them.
    """
    shared = _shared(report, ())
    for page in shared["pages"]:
        if is_cut(pages[page.file]):
            shown = tables_within(pages[page.file])
            for name, rows in tables_within(_evidence(page, shared, most_rows=None)).items():
                if name not in shown:
                    yield table_file(name), rows


def _evidence(page: EvidencePage, shared: Mapping[str, Any], *, most_rows: int | None) -> str:
    """A page of evidence; its tables have all their rows where `most_rows` is None."""
    template = html_templates().get_template("evidence.html.j2")
    return template.render(**shared, page=page, sections=sections_of(page, shared["report"]), most_rows=most_rows)


def render_html(
    report: WeeklyReport,
    charts: Sequence[Chart] = (),
    neighbours: Neighbours = Neighbours(),  # noqa: B008 - frozen
) -> str:
    """Return the digest of a report as an HTML page; `render_pages` has all of them."""
    return (
        html_templates()
        .get_template("weekly.html.j2")
        .render(
            **_shared(report, charts),
            links=Markup(render_links(neighbours)),
            workbook=workbook_name(report),
            text=TEXT_NAME,
        )
    )


def _shared(report: WeeklyReport, charts: Sequence[Chart]) -> Mapping[str, Any]:
    """What the templates of all pages read."""
    return {
        "report": report,
        "digest": digest_of(report),
        "pages": pages_of(report),
        "pictures": {chart.name: PagePicture.of(chart) for chart in charts},
        "script": page_script(),
    }


def render_text(report: WeeklyReport, *, names_files: bool = True) -> str:
    """Return the digest as text; no line is wider than 80 terminal cells.

    Args:
        report: the week.
        names_files: whether the text lies beside the files of the week, and says which they are.
    """
    template = text_templates().get_template("weekly.txt.j2")
    return template.render(digest=digest_of(report), pages=pages_of(report) if names_files else ())


def headline_lines(report: WeeklyReport) -> list[str]:
    """Return the few sentences, six at most, that a person wants first; the tie-out comes last."""
    sentences = [sentence for sentence in report.sentences if sentence != report.headline.cash_sentence]
    return [printable(sentence) for sentence in (*sentences, report.tie_out.sentence)]
