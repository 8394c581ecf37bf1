"""The templates of the report, and what keeps a value of somebody else's choosing harmless in them."""

import base64
import contextlib
import hashlib
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.bccache import Bucket
from markupsafe import Markup

from tieout.core.money import format_usd
from tieout.core.resources import resource_path
from tieout.report.contents import WeeklyReport
from tieout.report.formats.tables import csv_link, query_box
from tieout.report.formats.text import SEPARATOR, columns, fit, printable, wrap
from tieout.report.sections.coverage import draw_error_bars
from tieout.report.sections.spend import ComponentSpend
from tieout.report.wording import day_name, spoken

LONGEST_NAME = 72
_LONGEST_IN_A_LINE = 48
LONGEST_WORD = 120
_NAME_PARTS = re.compile(r"[^_.:/-]*[_.:/-]+|[^_.:/-]+")
_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")


@cache
def html_templates() -> Environment:
    """Return the environment of the HTML templates: escaped, and nothing in them undefined."""
    environment = _environment(_harmless, "html")
    environment.filters |= {
        "name": _short_name,
        "breakable": _breakable_name,
        "linked": _linked_name,
        "prose": _prose,
        "csv_link": csv_link,
        "error_bars": draw_error_bars,
        "query_box": query_box,
        "day_name": day_name,
        "amount_of": _amount_of,
        "lower_first": _lower_first,
    }
    return environment


@cache
def text_templates() -> Environment:
    """Return the environment of the plain-text templates; a cell cannot break its table."""
    environment = _environment(_harmless_cell, "text")
    environment.filters |= {"wrap": wrap, "columns": columns, "name": _name_in_a_line}
    return environment


@dataclass(frozen=True)
class Script:
    """What a page runs, and the hash that its policy allows; nothing else runs."""

    text: Markup
    digest: str


@cache
def page_script() -> Script:
    """Read what the pages run."""
    text = (resource_path("reports") / "sort.js").read_text(encoding="utf-8")
    # The browser hashes all that stands between the tags.
    whole = f"\n{text}"
    return Script(Markup(text), f"sha256-{base64.b64encode(hashlib.sha256(whole.encode()).digest()).decode()}")


class CompiledTemplates(FileSystemBytecodeCache):
    """What templates were compiled to, kept beside them as Python keeps its own: to compile them takes ⅓ second.

    What a filter makes of a text in a template is compiled, too, so all is compiled anew when code has changed. Where
    nothing can be kept, nothing is.
    """

    def __init__(self, templates: Path, kind: str) -> None:
        """Keep templates that are compiled with the filters of one kind."""
        self._folder = templates / "__pycache__"
        super().__init__(str(self._folder), f"{kind}_%s.cache")

    def get_source_checksum(self, source: str) -> str:
        """Tell templates apart by their text and by the code that they are compiled with."""
        return super().get_source_checksum(f"{_code_stamp()}\n{source}")

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template, if that can be done."""
        if not sys.dont_write_bytecode:
            with contextlib.suppress(OSError):
                self._folder.mkdir(exist_ok=True)
                super().dump_bytecode(bucket)


@cache
def _code_stamp() -> str:
    """Sum up what the file system says of our own code, as Python does to find out what it has to compile."""
    package = Path(__file__).parents[2]
    files = sorted(path for folder in ("core", "report") for path in (package / folder).rglob("*.py"))
    return " ".join(f"{status.st_size}-{status.st_mtime_ns}" for status in (path.stat() for path in files))


def _environment(finalize: Callable[[Any], Any], kind: str) -> Environment:
    templates = resource_path("reports")
    environment = Environment(
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        loader=FileSystemLoader(templates, encoding="utf-8"),
        bytecode_cache=CompiledTemplates(templates, kind),
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"money": _money, "capitalize_first": _capitalize_first, "spoken": spoken}
    return environment


def _money(amount: Decimal, places: int = 2) -> str:
    return format_usd(amount, places)


def _short_name(name: str) -> str:
    return fit(printable(spoken(name)), LONGEST_NAME)


def _name_in_a_line(name: str) -> str:
    return fit(printable(spoken(name)), _LONGEST_IN_A_LINE)


def _breakable_name(name: str) -> Markup:
    """Allow a line break after each part of a name: `get_`, `evolution_`, `progress_modal`."""
    return Markup("<wbr>").join(_NAME_PARTS.findall(_short_name(name)))


def _linked_name(name: str, report: WeeklyReport) -> Markup:
    """A function's name, as a link where it has a page of its own."""
    file = report.pages_of_functions.get(name)
    shown = _breakable_name(name)
    return shown if file is None else Markup('<a href="{}">{}</a>').format(file, shown)


def _prose(text: str) -> Markup:
    """Print what stands between backticks as code."""
    parts = (
        Markup("<code>{}</code>" if i % 2 else "{}").format(part) for i, part in enumerate(_readable(text).split("`"))
    )
    return Markup("").join(parts)


def _amount_of(components: Iterable[ComponentSpend], name: str) -> Decimal | None:
    """The cents of a component among those of a phase; None where there are none."""
    return next((part.amount_usd or None for part in components if part.component == name), None)


def _capitalize_first(text: str) -> str:
    """Begin with a capital and leave the rest: `GPU cost` stays."""
    return text[:1].upper() + text[1:]


def _lower_first(text: str) -> str:
    """Begin with a small letter and leave the rest."""
    return text[:1].lower() + text[1:]


def _harmless(value: Any) -> Any:
    """Make a value printable before it is escaped; what a macro returns has gone through here already."""
    return value if isinstance(value, Markup) else _readable(str(value))


def _harmless_cell(value: Any) -> str:
    return _readable(str(value)).replace(SEPARATOR, "|")


def _readable(text: str) -> str:
    """Show what cannot be seen, and shorten a word that would fill a page."""
    return _LONG_WORD.sub(lambda word: fit(word.group(), LONGEST_WORD), printable(text))
