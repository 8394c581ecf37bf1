"""Writes a report as files: one HTML page that needs nothing beside it, and plain text of 80 columns."""

import os
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from pipelines.core.money import format_usd
from pipelines.core.resources import resource_path
from pipelines.report.contents import WeeklyReport
from pipelines.report.plain_text import SEPARATOR, columns, printable, wrap

HTML_NAME = "index.html"
TEXT_NAME = "report.txt"


def write_report(report: WeeklyReport, directory: Path) -> tuple[Path, ...]:
    """Write `index.html` and `report.txt` into the week's folder below `directory`, each whole or not at all.

    Args:
        report: the week.
        directory: the folder of all reports; it is made when missing.

    Returns:
        The files, HTML first.
    """
    folder = directory / report.week.label
    folder.mkdir(parents=True, exist_ok=True)
    contents = {HTML_NAME: render_html(report), TEXT_NAME: render_text(report)}
    return tuple(_replace(folder / name, content) for name, content in contents.items())


def render_html(report: WeeklyReport) -> str:
    """Return the report as one HTML page."""
    return _html().get_template("weekly.html.j2").render(report=report)


def render_text(report: WeeklyReport) -> str:
    """Return the report as text; no line is wider than 80 terminal cells."""
    return _text().get_template("weekly.txt.j2").render(report=report)


def headline_lines(report: WeeklyReport) -> list[str]:
    """Return the few sentences, six at most, that a person wants first; the tie-out comes last."""
    sentences = [sentence for sentence in report.sentences if sentence != report.headline.cash_sentence]
    return [printable(sentence) for sentence in (*sentences, report.tie_out.sentence)]


@cache
def _html() -> Environment:
    return _environment(_harmless)


@cache
def _text() -> Environment:
    environment = _environment(_harmless_cell)
    environment.filters |= {"wrap": wrap, "columns": columns}
    return environment


def _environment(finalize: Callable[[Any], Any]) -> Environment:
    environment = Environment(
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        loader=FileSystemLoader(resource_path("reports"), encoding="utf-8"),
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["money"] = _money
    return environment


def _money(amount: Decimal, places: int = 2) -> str:
    return format_usd(amount, places)


def _harmless(value: Any) -> Any:
    """Make a value printable before it is escaped; what a macro returns has gone through here already."""
    return value if isinstance(value, Markup) else printable(str(value))


def _harmless_cell(value: Any) -> str:
    return printable(str(value)).replace(SEPARATOR, "|")


def _replace(path: Path, content: str) -> Path:
    """Write beside the file, then rename, so that a reader never sees half of it."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8", newline="\n") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return path
