"""What a table of a page carries beside itself: its rows as CSV, and the SQL that its figures come from."""

import base64
import csv
import io
import re
from functools import cache
from html import unescape

from markupsafe import Markup, escape

from tieout.report.file_names import TABLE_PREFIX
from tieout.warehouse.queries import CannedQuery, canned_queries

_ROW = re.compile(r"<tr\b[^>]*>(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"<t[hd]\b([^>]*)>(.*?)</t[hd]>", re.DOTALL)
_SPAN = re.compile(r'colspan="(\d+)"')
_BAR = re.compile(r'class="(?:[\w -]* )?track\b')
_TAG = re.compile(r"<[^>]*>")
_AMOUNT = re.compile(r"([+−]?)\$([\d,]+(?:\.\d+)?)")
_WHOLE = re.compile(r"([+−]?)(\d{1,3}(?:,\d{3})+|\d+)")
_CUT = 'class="rest"'
_WITHIN = re.compile(r'download="([\w-]+)\.csv" href="data:text/csv;charset=utf-8;base64,([^"]*)"')
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SOFT_HYPHEN = "\N{SOFT HYPHEN}"


def csv_link(table: str, name: str) -> Markup:
    """Return a link that saves the rows of a table as a CSV file.

    The link carries the rows, as they are printed. Where the table is cut, it leads to the file that has all of them.

    Args:
        table: the rows as HTML, as a template of ours wrote them: every value in them is escaped.
        name: of the file, without its ending.
    """
    if _CUT in table:
        return Markup('<a class="csv" href="{}" download>CSV</a>').format(table_file(name))
    data = base64.b64encode(csv_of(table).encode("utf-8", "replace")).decode("ascii")
    return Markup('<a class="csv" download="{}.csv" href="data:text/csv;charset=utf-8;base64,{}">CSV</a>').format(
        name, data
    )


def table_file(name: str) -> str:
    """Return the name of the file beside a page with all rows of a table that the page cuts."""
    return f"{TABLE_PREFIX}{name}.csv"


def is_cut(page: str) -> bool:
    """Tell whether a page shows only the first rows of a table."""
    return _CUT in page


def tables_within(page: str) -> dict[str, str]:
    """Return the CSV of every table that a page carries with it, by the table's name."""
    return {name: base64.b64decode(data).decode("utf-8") for name, data in _WITHIN.findall(page)}


def csv_of(table: str) -> str:
    """Return the rows of an HTML table as CSV: plain numbers, no bars, and no cell that a spreadsheet would run."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    for row in _ROW.findall(table):
        cells: list[str] = []
        for attributes, content in _CELL.findall(row):
            if _BAR.search(attributes):
                continue
            span = _SPAN.search(attributes)
            cells += [_plain(content), *[""] * (int(span[1]) - 1 if span else 0)]
        writer.writerow(cells)
    return file.getvalue()


def _plain(content: str) -> str:
    text = " ".join(unescape(_TAG.sub(" " if "<br" in content else "", content)).replace(_SOFT_HYPHEN, "").split())
    number = _AMOUNT.fullmatch(text) or _WHOLE.fullmatch(text)
    if number:
        return ("-" if number[1] == "−" else "") + number[2].replace(",", "")
    if text == "–":
        return ""
    return f"'{text}" if text.startswith(_FORMULA) else text


def query_box(name: str) -> Markup:
    """Return a query to be opened: what it asks, its SQL, and how to run it."""
    query = _queries()[name]
    return Markup(
        '<details class="query"><summary>Query <code>{}</code></summary><p>{}</p>'
        '<div class="sql" tabindex="0" role="group" aria-label="SQL of {}"><pre><code>{}</code></pre></div>'
        "<p>To run it: <code>tieout sql {}</code></p></details>"
    ).format(name, query.question, name, escape(query.select), name)


@cache
def _queries() -> dict[str, CannedQuery]:
    return canned_queries()
