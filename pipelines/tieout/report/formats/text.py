"""Plain text of 80 columns: names made harmless, long ones shortened in the middle, lines wrapped, tables aligned.

Widths are terminal cells, so that wide characters line up.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells, set_cell_size

WIDTH = 80
GAP = "  "
SEPARATOR = "¦"
RIGHT = ">"
ELLIPSIS = "…"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_NARROWEST = 12
_CONTROL_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    """Replace what moves a cursor, breaks a line or turns the writing direction, each by one visible character."""
    if text.isprintable():
        return text
    return "".join(_REPLACEMENT if unicodedata.category(char) in _CONTROL_CATEGORIES else char for char in text)


def fit(text: str, width: int) -> str:
    """Shorten a text in the middle until it fits: `get_evolution…gress_modal`."""
    if cell_len(text) <= width:
        return text
    kept = width - 1
    head = set_cell_size(text, kept - kept // 2).rstrip()
    tail = text[-width:]
    while cell_len(tail) > kept // 2:
        tail = tail[1:]
    return head + ELLIPSIS + tail


def wrap(text: str, indent: int = 0) -> str:
    """Join the lines of a text and break it anew.

    Args:
        text: its leading spaces stay.
        indent: spaces before the second and later lines.
    """
    line = " " * (len(text) - len(text.lstrip(" ")))
    lines = []
    for word in text.split():
        if line.strip() and cell_len(line) + 1 + cell_len(word) > WIDTH:
            lines.append(line)
            line = " " * indent
        joined = f"{line} {word}" if line.strip() else line + word
        *full, line = chop_cells(joined, WIDTH) if cell_len(joined) > WIDTH else [joined]
        lines += full
    return "\n".join([*lines, line])


def columns(text: str) -> str:
    """Align a table whose cells are separated by `¦`, with a rule under its first line, the header.

    A header cell that starts with `>` aligns its column to the right; such columns are never shortened. A line of `-`
    is a rule, a line without a separator runs over all columns. A table that cannot fit is written cell under cell.
    """
    header, *rows = [line for line in text.splitlines() if line.strip()]
    titles = _cells(header)
    table = _Table(
        titles=[title.removeprefix(RIGHT).strip() for title in titles],
        is_right=[title.startswith(RIGHT) for title in titles],
        rows=rows,
    )
    widths = table.widths()
    return "\n".join(table.stacked() if widths is None else table.aligned(widths))


def _cells(line: str) -> list[str]:
    first, *others = line.split(SEPARATOR)
    return [first.rstrip(), *(cell.strip() for cell in others)]


@dataclass(frozen=True)
class _Table:
    titles: Sequence[str]
    is_right: Sequence[bool]
    rows: Sequence[str]

    def widths(self) -> list[int] | None:
        """Return a width for every column; None when even narrow names leave too little room."""
        lines = [self.titles, *(_cells(row) for row in self.rows if SEPARATOR in row)]
        widths = [max(cell_len(line[i]) for line in lines) for i in range(len(self.titles))]
        room = WIDTH - len(GAP) * (len(widths) - 1)
        flexible = [i for i, is_right in enumerate(self.is_right) if not is_right]
        while sum(widths) > room:
            widest = max(flexible, key=lambda i: widths[i], default=None)
            if widest is None or widths[widest] <= _NARROWEST:
                return None
            widths[widest] -= 1
        return widths

    def aligned(self, widths: Sequence[int]) -> list[str]:
        """Lay the rows out side by side."""
        rule = "-" * (sum(widths) + len(GAP) * (len(widths) - 1))
        lines = [self._line(self.titles, widths), rule]
        for row in self.rows:
            if SEPARATOR in row:
                lines.append(self._line(_cells(row), widths))
            else:
                lines.append(rule if row.strip() == "-" else wrap(row, indent=4))
        return lines

    def _line(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        padded = [
            " " * (width - cell_len(cell)) + cell if is_right else set_cell_size(fit(cell, width), width)
            for cell, width, is_right in zip(cells, widths, self.is_right, strict=True)
        ]
        return GAP.join(padded).rstrip()

    def stacked(self) -> list[str]:
        """Lay every row out as lines of its own."""
        lines = []
        for row in self.rows:
            if SEPARATOR not in row:
                lines.append("-" * WIDTH if row.strip() == "-" else wrap(row, indent=4))
                continue
            first, *others = _cells(row)
            lines.append(fit(first, WIDTH))
            lines += [fit(f"    {t}: {cell}", WIDTH) for t, cell in zip(self.titles[1:], others, strict=True) if cell]
        return lines
