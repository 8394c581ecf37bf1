"""Pictures of a weekly report: SVG for light and dark pages, PNG for mail.

What belongs here: what is drawn, in one visual language, from the frozen report. What does not: figures that the report
does not hold, and where the pictures are shown.
"""

from tieout.report.contents import WeeklyReport
from tieout.report.formats.charts.bill import draw_bill
from tieout.report.formats.charts.chart import Chart, PagePicture
from tieout.report.formats.charts.components import draw_components
from tieout.report.formats.charts.cumulative import draw_cumulative
from tieout.report.formats.charts.functions import draw_functions

__all__ = ["Chart", "PagePicture", "draw_charts"]


def draw_charts(report: WeeklyReport) -> tuple[Chart, ...]:
    """Draw what the report has figures for, in its order; a chart without figures is left out.

    The same report gives the same bytes. Names: `bill`, `cumulative`, `functions`, `components`.
    """
    drawn = (draw_bill(report), draw_cumulative(report), draw_functions(report), draw_components(report))
    return tuple(chart for chart in drawn if chart is not None)
