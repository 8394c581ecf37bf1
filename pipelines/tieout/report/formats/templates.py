"""The templates of the report, and what keeps a value of somebody else's choosing harmless in them."""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from tieout.core.money import format_usd
from tieout.core.resources import resource_path
from tieout.report.formats.text import SEPARATOR, columns, fit, printable, wrap

LONGEST_NAME = 72
LONGEST_WORD = 120
_NAME_PARTS = re.compile(r"[^_.:/-]*[_.:/-]+|[^_.:/-]+")
_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")


@cache
def html_templates() -> Environment:
    """Return the environment of the HTML templates: escaped, and nothing in them undefined."""
    environment = _environment(_harmless)
    environment.filters |= {"name": _short_name, "breakable": _breakable_name, "capitalize_first": _capitalize_first}
    return environment


@cache
def text_templates() -> Environment:
    """Return the environment of the plain-text templates; a cell cannot break its table."""
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


def _short_name(name: str) -> str:
    return fit(printable(name), LONGEST_NAME)


def _breakable_name(name: str) -> Markup:
    """Allow a line break after each part of a name: `get_`, `evolution_`, `progress_modal`."""
    return Markup("<wbr>").join(_NAME_PARTS.findall(_short_name(name)))


def _capitalize_first(text: str) -> str:
    """Begin with a capital and leave the rest: `GPU cost` stays."""
    return text[:1].upper() + text[1:]


def _harmless(value: Any) -> Any:
    """Make a value printable before it is escaped; what a macro returns has gone through here already."""
    return value if isinstance(value, Markup) else _readable(str(value))


def _harmless_cell(value: Any) -> str:
    return _readable(str(value)).replace(SEPARATOR, "|")


def _readable(text: str) -> str:
    """Show what cannot be seen, and shorten a word that would fill a page."""
    return _LONG_WORD.sub(lambda word: fit(word.group(), LONGEST_WORD), printable(text))
