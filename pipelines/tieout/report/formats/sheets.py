"""Excel workbooks that carry exact money: number formats, inert text, and the same bytes for the same content.

A spreadsheet keeps 15 digits of a number. Cents fit; an amount with more digits is written as a number to calculate
with and, where every digit counts, as text beside it. Text is always text: nothing that stands in the data becomes a
formula, a link or a number.
"""

import datetime as dt
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from textwrap import wrap
from typing import Any, TypeAlias

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from tieout.core.money import CENT
from tieout.report.formats.native_charts import CHART_ROWS, add_series, begin_chart
from tieout.report.formats.text import printable
from tieout.report.wording import Share

Row: TypeAlias = Sequence[object]
"""A row of a table: plain values or cells, one for each column; None is left blank."""

DIGITS = 15
"""Significant digits that a spreadsheet keeps of a number."""

ACCENT = "#1F4E79"
QUIET = "#51606E"
_HEADER_FILL = "#E8EDF2"

_A4 = 9
_NAME_LENGTH = 31
_NOT_IN_A_NAME = re.compile(r"\W")
_LONGEST_TEXT = 32_767  # characters that a cell holds
_WIDEST_COLUMN = 60.0
_MARGIN = 2
_BUTTON = 2
_LINE_POINTS = 13.5
_CHARACTERS_A_WIDTH = 1.05  # of running text, against the digits that a column's width is measured in


class Kind(StrEnum):
    """What a cell holds: it decides the number format and the side on which the cell is aligned."""

    TEXT = "text"
    EXACT = "exact"
    CENTS = "cents"
    USD = "usd"
    UNIT_USD = "unit_usd"
    COUNT = "count"
    SHARE = "share"
    NUMBER = "number"
    DAY = "day"
    TIME = "time"
    FLAG = "flag"


_FORMATS: Mapping[Kind, str] = {
    Kind.TEXT: "@",
    Kind.EXACT: "@",
    Kind.CENTS: '"$"#,##0.00;[Red]\\−"$"#,##0.00;"$"0.00',
    Kind.USD: '"$"#,##0.00000000;[Red]\\−"$"#,##0.00000000;"$"0.00000000',
    Kind.UNIT_USD: '"$"#,##0.000000;[Red]\\−"$"#,##0.000000;"$"0.000000',
    Kind.COUNT: "#,##0;[Red]\\−#,##0",
    Kind.SHARE: "0.0%;[Red]\\−0.0%",
    Kind.NUMBER: "General",
    Kind.DAY: "yyyy-mm-dd",
    Kind.TIME: "yyyy-mm-dd hh:mm:ss",
    Kind.FLAG: "General",
}
_PLACES: Mapping[Kind, int] = {Kind.CENTS: 2, Kind.USD: 8, Kind.UNIT_USD: 6, Kind.COUNT: 0}
_LEFT = frozenset({Kind.TEXT, Kind.DAY, Kind.TIME, Kind.FLAG})


@dataclass(frozen=True)
class SheetColumn:
    """A column of a table.

    Attributes:
        title: as printed in the header.
        kind: what its cells hold, where they do not say it themselves.
        width: in characters; None to be as wide as the content.
        wraps: long text continues below instead of running over the next cell; needs a width.
        has_total: a formula below the rows adds up what the filter shows.
    """

    title: str
    kind: Kind = Kind.TEXT
    width: float | None = None
    wraps: bool = False
    has_total: bool = False


@dataclass(frozen=True)
class Cell:
    """A value of another kind than its column, or the result of a formula.

    Attributes:
        value: what the cell shows.
        kind: what it is.
        formula: what it is computed with, without the equals sign; empty for a plain value.
        is_bold: whether it stands out.
    """

    value: object
    kind: Kind
    formula: str = ""
    is_bold: bool = False


def share_cell(share: Share | None) -> Cell | None:
    """Return a share as the number that its sheet shows in percent, rounded to a millionth."""
    if share is None:
        return None
    millionths = round(Fraction(share.part) / Fraction(share.whole) * 1_000_000)
    return Cell(Decimal(millionths).scaleb(-6), Kind.SHARE)


@dataclass(frozen=True)
class Placed:
    """Where the rows of a table lie, counted from 0: the header's row, and how many rows follow it."""

    sheet: str
    header: int
    rows: int

    def column(self, i: int) -> str:
        """The cells of a column as a formula of any sheet names them; there is at least one row."""
        name = xl_col_to_name(i)
        return f"'{self.sheet}'!{name}{self.header + 2}:{name}{self.header + 1 + self.rows}"


class Book:
    """A workbook in memory."""

    def __init__(self, properties: Mapping[str, str], *, created: dt.datetime, footer: str) -> None:
        """Begin a workbook.

        Args:
            properties: title, subject, author, comments, keywords: the document's properties.
            created: the time in the document's properties, naive UTC; no clock is read.
            footer: what every printed page has at the bottom left.
        """
        self._bytes = io.BytesIO()
        inert = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
        self.workbook = xlsxwriter.Workbook(self._bytes, {"in_memory": True, **inert})
        self.workbook.set_properties({name: harmless(text) for name, text in properties.items()} | {"created": created})
        self._footer = harmless(footer).replace("&", "&&")
        self._looks: dict[tuple[tuple[str, Any], ...], Format] = {}

    def sheet(self, name: str, *, is_wide: bool = False) -> "Sheet":
        """Add a sheet, set up to print on A4, as wide as one page; a wide one lies on its side."""
        worksheet = self.workbook.add_worksheet(name[:_NAME_LENGTH])
        worksheet.hide_gridlines(2)
        worksheet.set_paper(_A4)
        worksheet.fit_to_pages(1, 0)
        worksheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        worksheet.set_footer(f"&L&8{self._footer}&C&8&A&R&8&P of &N")
        if is_wide:
            worksheet.set_landscape()
        return Sheet(self, worksheet)

    def look(self, **properties: Any) -> Format:
        """Return a cell format; the same properties give the same one."""
        key = tuple(sorted(properties.items()))
        if key not in self._looks:
            self._looks[key] = self.workbook.add_format({"font_name": "Calibri", "font_size": 10, **properties})
        return self._looks[key]

    @cached_property
    def content(self) -> bytes:
        """The workbook as the bytes of a file; nothing is added afterwards."""
        self.workbook.close()
        return self._bytes.getvalue()


class Sheet:
    """A sheet that is written from top to bottom."""

    def __init__(self, book: Book, worksheet: Worksheet) -> None:
        """Stand on the first row."""
        self._book = book
        self._worksheet = worksheet
        self._row = 0
        self._widths: dict[int, float] = {}
        self._columns: Sequence[SheetColumn] = ()

    @property
    def next_row(self) -> int:
        """The row that is written next, as a formula counts: from 1."""
        return self._row + 1

    def title(self, text: str, *, below: str = "") -> None:
        """Write what the sheet is about, and a quieter line below it."""
        self._worksheet.write_string(
            self._row, 0, harmless(text), self._book.look(bold=True, font_size=14, font_color=ACCENT)
        )
        self._row += 1
        if below:
            self._worksheet.write_string(self._row, 0, harmless(below), self._book.look(font_color=QUIET))
            self._row += 1
        self._row += 1

    def line(self, text: str) -> None:
        """Write a line that runs over the cells at its right."""
        self._worksheet.write_string(self._row, 0, harmless(text), self._book.look())
        self._row += 1

    def heading(self, text: str) -> None:
        """Write a heading, a blank row before it."""
        self._row += 1
        self._worksheet.write_string(
            self._row, 0, harmless(text), self._book.look(bold=True, font_size=11, font_color=ACCENT)
        )
        self._row += 1

    def paragraph(self, text: str, *, columns: int) -> None:
        """Write running text over the first columns, whose widths are set before."""
        self._make_room([(text, sum(self._widths[i] for i in range(columns)))])
        look = self._book.look(text_wrap=True, valign="top")
        self._worksheet.merge_range(self._row, 0, self._row, columns - 1, harmless(text), look)
        self._row += 1

    def widths(self, *widths: float) -> None:
        """Set the least widths of the first columns, in characters."""
        for i, width in enumerate(widths):
            self._widen(i, width)

    def table(self, columns: Sequence[SheetColumn], rows: Sequence[Row], *, total: str = "") -> Placed:
        """Write a header and rows, and below them the totals of the columns that have one.

        Args:
            columns: titles and kinds.
            rows: plain values or cells, one for each column; None is left blank.
            total: label of the line of totals; without it there is none.
        """
        header, self._columns = self._row, columns
        self._make_room([(column.title + " " * _BUTTON, column.width) for column in columns if column.width])
        for i, column in enumerate(columns):
            self._worksheet.write_string(header, i, harmless(column.title), self._header_look(i, column))
            self._widen(i, column.width or _fitting(column, (row[i] for row in rows)))
        for row in rows:
            self._row += 1
            wrapped = [(value, column.width) for column, value in zip(columns, row, strict=True) if column.wraps]
            self._make_room([(harmless(value), width) for value, width in wrapped if value and width])
            for i, (column, value) in enumerate(zip(columns, row, strict=True)):
                self._cell(i, value if isinstance(value, Cell) else Cell(value, column.kind), wraps=column.wraps)
        self._row += 1
        placed = Placed(self._worksheet.name, header, len(rows))
        if total and rows:
            self._totals(columns, rows, placed, total)
        return placed

    def browse(self, placed: Placed, columns: int, *, fixed: int = 0) -> None:
        """Make what was written last a table with filters, whose header stays in sight and on every printed page."""
        self._worksheet.freeze_panes(placed.header + 1, fixed)
        self._worksheet.repeat_rows(placed.header)
        if not placed.rows:
            return
        area = (placed.header, 0, placed.header + placed.rows, columns - 1)
        titles = [harmless(column.title) for column in self._columns]
        if len({title.casefold() for title in titles}) < len(titles):  # a table needs a name for every column
            self._worksheet.autofilter(*area)
            return
        looks = (self._header_look(i, column) for i, column in enumerate(self._columns))
        headers = [{"header": title, "header_format": look} for title, look in zip(titles, looks, strict=True)]
        name = _NOT_IN_A_NAME.sub("_", f"Tieout_{self._worksheet.name}")
        self._worksheet.add_table(*area, {"name": name, "style": None, "columns": headers})

    def chart(self, kind: str, title: str, placed: Placed, series: Sequence[tuple[int, str]], *, below: int) -> None:
        """Draw columns of a table against its first one, as a picture of the spreadsheet's own.

        Args:
            kind: `column`, stacked, or `line`.
            title: printed above.
            placed: the table; without rows, or without columns to draw, nothing is drawn.
            series: the columns to draw, each with its colour.
            below: rows of the sheet to leave free above the picture.
        """
        if not placed.rows or not series:
            return
        drawn = begin_chart(self._book.workbook, kind, title)
        for column, colour in series:
            name = [placed.sheet, placed.header, column]
            add_series(drawn, kind, name, categories=placed.column(0), values=placed.column(column), colour=colour)
        self._worksheet.insert_chart(self._row + below, 0, drawn)
        self._row += below + CHART_ROWS

    def _totals(self, columns: Sequence[SheetColumn], rows: Sequence[Row], placed: Placed, label: str) -> None:
        look = {"bold": True, "top": 1, "top_color": QUIET}
        for i, column in enumerate(columns):
            if column.has_total:
                name = xl_col_to_name(i)
                cells = f"{name}{placed.header + 2}:{name}{placed.header + 1 + placed.rows}"
                # SUBTOTAL adds what the filter shows; ROUND takes off what binary fractions add below the last place.
                places = _PLACES[column.kind]
                total = _sum((row[i] for row in rows), places)
                cell = Cell(total, column.kind, f"ROUND(SUBTOTAL(9,{cells}),{places})")
            else:
                cell = Cell(label if i == 0 else "", Kind.TEXT)
            self._cell(i, cell, wraps=False, **look)
        self._row += 1

    def _cell(self, i: int, cell: Cell, *, wraps: bool, **look: Any) -> None:
        more = {"text_wrap": True} if wraps else {}
        bold = {"bold": True} if cell.is_bold else {}
        place = {"valign": "top", **_side(i, cell.kind)}
        properties = {"num_format": _FORMATS[cell.kind], **place, **more, **bold, **look}
        _write(self._worksheet, self._row, i, cell, self._book.look(**properties))

    def _make_room(self, texts: Iterable[tuple[str, float]]) -> None:
        """Make the current row as high as its longest text needs that continues below, at a width in characters."""
        lines = max((len(wrap(text, int(width * _CHARACTERS_A_WIDTH))) for text, width in texts), default=1)
        if lines > 1:
            self._worksheet.set_row(self._row, _LINE_POINTS * lines)

    def _header_look(self, i: int, column: SheetColumn) -> Format:
        line = {"bottom": 1, "bottom_color": QUIET, "bg_color": _HEADER_FILL}
        return self._book.look(bold=True, valign="vcenter", text_wrap=True, **_side(i, column.kind), **line)

    def _widen(self, i: int, width: float) -> None:
        self._widths[i] = max(width, self._widths.get(i, 0))
        self._worksheet.set_column(i, i, self._widths[i])


def _side(i: int, kind: Kind) -> Mapping[str, Any]:
    """Align numbers to the right; text keeps a little away from the numbers at its left."""
    if kind not in _LEFT:
        return {"align": "right"}
    return {"align": "left", "indent": 1} if i else {"align": "left"}


def harmless(value: object) -> str:
    """Word a value for a cell: every digit of an amount, control characters made visible, no longer than a cell."""
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    return printable(text)[:_LONGEST_TEXT]


def is_kept_exactly(amount: Decimal) -> bool:
    """Tell whether a spreadsheet keeps every digit of an amount when it is written as a number."""
    return len("".join(map(str, amount.as_tuple().digits)).strip("0")) <= DIGITS


def _write(worksheet: Worksheet, row: int, column: int, cell: Cell, look: Format) -> None:
    if cell.value is None:
        worksheet.write_blank(row, column, None, look)
    elif cell.formula:
        worksheet.write_formula(row, column, f"={cell.formula}", look, _number(cell))
    elif cell.kind in (Kind.TEXT, Kind.EXACT):
        worksheet.write_string(row, column, harmless(cell.value), look)
    elif cell.kind in (Kind.DAY, Kind.TIME):
        worksheet.write_datetime(row, column, cell.value, look)
    elif cell.kind is Kind.FLAG:
        worksheet.write_boolean(row, column, cell.value, look)
    else:
        worksheet.write_number(row, column, _number(cell), look)


def _number(cell: Cell) -> Any:
    """Return a value as the number that a spreadsheet keeps; text stays text, as the result of a formula.

    Raises:
        ValueError: an amount that is to be in cents is not, or a spreadsheet would lose digits of it.
    """
    value: Any = cell.value
    if isinstance(value, str):
        return value
    if cell.kind is Kind.CENTS and (not is_kept_exactly(value) or value != value.quantize(CENT)):
        raise ValueError(f"{value} is not a number of cents that a spreadsheet keeps exactly")
    return float(value)


def _sum(values: Iterable[object], places: int) -> Decimal:
    plain = (value.value if isinstance(value, Cell) else value for value in values)
    return round(sum((Decimal(value) for value in plain if isinstance(value, Decimal | int)), Decimal(0)), places)


def _fitting(column: SheetColumn, values: Iterable[object]) -> float:
    longest = max((_length(value, column.kind) for value in values), default=0)
    # A filter's button takes the room of some letters.
    return min(_WIDEST_COLUMN, max(longest, len(column.title) + _BUTTON) + _MARGIN)


def _length(value: object, kind: Kind) -> int:
    if isinstance(value, Cell):
        return _length(value.value, value.kind)
    if value is None:
        return 0
    if kind in _PLACES and isinstance(value, Decimal | int):
        return len(f"{value:,.{_PLACES[kind]}f}") + 1
    return len(_FORMATS[kind]) if kind in (Kind.DAY, Kind.TIME) else len(harmless(value))
