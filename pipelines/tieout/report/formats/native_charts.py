"""Pictures that a spreadsheet draws itself from the cells of a table."""

from collections.abc import Sequence
from typing import Any

import xlsxwriter

CHART_ROWS = 18
"""Rows of a sheet that a picture covers."""

_GRID = "#DEDBD2"
_SIZE = {"width": 720, "height": 320}


def begin_chart(workbook: xlsxwriter.Workbook, kind: str, title: str) -> Any:
    """Begin a picture with dollars upwards.

    Args:
        workbook: the workbook.
        kind: `column`, stacked, or `line`.
        title: printed above.
    """
    chart = workbook.add_chart({"type": kind, **({"subtype": "stacked"} if kind == "column" else {})})
    chart.set_title({"name": title, "name_font": {"size": 11, "bold": True}})
    chart.set_y_axis({"num_format": '"$"#,##0', "major_gridlines": {"visible": True, "line": {"color": _GRID}}})
    chart.set_legend({"position": "right"})
    chart.set_size(_SIZE)
    return chart


def add_series(chart: Any, kind: str, name: Sequence[object], *, categories: str, values: str, colour: str) -> None:
    """Draw a column of cells against another; `name` is the cell that names it: sheet, row, column."""
    look = {"fill": {"color": colour}} if kind == "column" else {"line": {"color": colour, "width": 2}}
    chart.add_series({"name": list(name), "categories": f"={categories}", "values": f"={values}", **look})
