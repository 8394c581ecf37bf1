"""Pictures of a weekly report: SVG for light and dark pages, PNG for mail.

What belongs here: what is drawn, in one visual language, from the frozen report. What does not: figures that the report
does not hold, and where the pictures are shown.
"""

from tieout.report.contents import WeeklyReport
from tieout.report.formats.charts.chart import Chart
from tieout.report.formats.charts.components import draw_components
from tieout.report.formats.charts.cumulative import draw_cumulative
from tieout.report.formats.charts.functions import draw_functions
from tieout.report.formats.charts.waterfall import draw_waterfall

__all__ = ["Chart", "draw_charts"]


def draw_charts(report: WeeklyReport) -> tuple[Chart, ...]:
    """Draw what the report has figures for, in its order; a chart without figures is left out.

    The same report gives the same bytes. Names: `waterfall`, `cumulative`, `functions`, `components`.
    """
    drawn = (draw_waterfall(report), draw_cumulative(report), draw_functions(report), draw_components(report))
    return tuple(chart for chart in drawn if chart is not None)
