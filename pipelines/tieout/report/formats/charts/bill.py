"""The bill week by week, stacked by function, in the outline of what the same work would have cost before."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tieout.core.money import format_usd
from tieout.core.periods import IsoWeek
from tieout.report.contents import WeeklyReport
from tieout.report.formats.charts.chart import Chart, render
from tieout.report.formats.charts.frame import (
    Frame,
    draw_deployments,
    draw_grid,
    name_amounts_beside,
    name_deployments,
    name_weeks,
    room_for_amounts,
    shortened,
    width_of,
)
from tieout.report.formats.charts.palette import FUNCTIONS, OTHERS, PAPER, RESTATED, SOFT, Colour
from tieout.report.formats.charts.shapes import LINE_HEIGHT, WIDTH, Box, Line, Shape, Word
from tieout.report.wording import count, spoken, with_interval

TITLE = "The bill of every week, by function"
_HEIGHT = 190
_FOOT = LINE_HEIGHT + 14
_SWATCH = 12
_INDENT = 20
_GAP = 16
_DIGIT_WIDTH = width_of("0")
_BAR_SHARE = 0.78


@dataclass(frozen=True)
class _Bar:
    """A week: what its functions cost, and what its work would have cost before; None where nothing is measured."""

    week: IsoWeek
    total_usd: Decimal
    amounts: Mapping[str, Decimal]
    outline_usd: Decimal | None


def draw_bill(report: WeeklyReport) -> Chart | None:
    """Draw the spend of up to half a year; None where no week has any."""
    if not any(week.functions for week in report.history.weeks):
        return None
    named, folded = report.history.dearest(len(FUNCTIONS))
    bars = _bars(report, named, folded)
    colours = dict(zip(named, FUNCTIONS, strict=False)) | ({folded: OTHERS} if folded else {})
    deployments = report.cumulative.deployments if report.cumulative else ()
    head = list(_head(bars))
    top = (len(head) + (2 if deployments else 0)) * LINE_HEIGHT + 10
    frame = _frame(bars, top)
    shown = [deployment for deployment in deployments if frame.first <= deployment.day < frame.last]
    shapes = [
        *head,
        *draw_grid(frame),
        *name_amounts_beside(frame),
        *(shape for bar in bars for shape in _bar(frame, bar, colours)),
        *draw_deployments(frame, shown),
        *name_deployments(frame, shown),
        *name_weeks(frame, [bar.week for bar in bars]),
        *_legend(bars[-1], colours, top=frame.bottom + _FOOT),
    ]
    return render(
        "bill",
        TITLE,
        _alt(report, bars),
        shapes=shapes,
        height=top + _HEIGHT + _FOOT + (len(colours) + 1) * LINE_HEIGHT,
        source="US dollars a week; Modal’s bill, attributed",
        note="Named are the dearest of all weeks" if folded else "",
    )


def _frame(bars: Sequence[_Bar], top: int) -> Frame:
    """The frame of the bars, over the whole width, from nought or the lowest credit to the highest of them."""
    edges = [Decimal(0), *(edge for bar in bars for edge in _edges(bar))]
    low, high = min(edges), max(edges)
    return Frame(
        left=room_for_amounts(low, high),
        right=WIDTH,
        top=top,
        bottom=top + _HEIGHT,
        first=bars[0].week.start,
        last=bars[-1].week.end,
        low_usd=low,
        high_usd=high if high > low else low + 1,
    )


def _bars(report: WeeklyReport, named: Sequence[str], folded: str) -> list[_Bar]:
    """Give every week its bar; the others of a week come last, under the name that they have together."""
    avoided = report.cumulative.weeks if report.cumulative else {}
    bars = []
    for week in report.history.weeks:
        amounts = {each.name: each.amount_usd for each in week.functions}
        shown = {name: amounts[name] for name in named if amounts.get(name)}
        rest = sum((amount for name, amount in amounts.items() if name not in named), Decimal(0))
        if rest:
            shown[folded] = rest
        outline = week.total_usd + avoided[week.week] if week.week in avoided else None
        bars.append(_Bar(week.week, week.total_usd, shown, outline))
    return bars


def _layers(bar: _Bar) -> Iterator[tuple[str, Decimal, Decimal]]:
    """Where every function of a week begins and ends, dearest at the bottom; credits go below nought."""
    above, below = Decimal(0), Decimal(0)
    for name, amount in bar.amounts.items():
        if amount > 0:
            yield name, above, above + amount
            above += amount
        else:
            yield name, below, below + amount
            below += amount


def _edges(bar: _Bar) -> Iterator[Decimal]:
    yield from (edge for _, low, high in _layers(bar) for edge in (low, high))
    if bar.outline_usd is not None:
        yield bar.outline_usd


def _bar(frame: Frame, bar: _Bar, colours: Mapping[str, Colour]) -> Iterator[Shape]:
    left = frame.x(bar.week.start)
    right = left + (frame.x(bar.week.end) - left) * _BAR_SHARE
    for name, low, high in _layers(bar):
        yield Box(left, right, frame.y(max(low, high)), frame.y(min(low, high)), colours[name])
    if bar.outline_usd is not None:
        top, floor = frame.y(bar.outline_usd), frame.y(Decimal(0))
        outline = ((left, floor), (left, top), (right, top), (right, floor))
        yield Line(outline, PAPER, width=3.5)  # else it would not be seen within a dark bar
        yield Line(outline, RESTATED, width=1.5)


def _head(bars: Sequence[_Bar]) -> Iterator[Word]:
    yield Word(0, LINE_HEIGHT / 2, TITLE, is_bold=True)
    if any(bar.outline_usd is not None for bar in bars):
        yield Word(0, 3 * LINE_HEIGHT / 2, "Outline: what the same work would have cost", RESTATED, is_bold=True)


def _legend(bar: _Bar, colours: Mapping[str, Colour], *, top: float) -> Iterator[Shape]:
    """Name every colour below the bars, as they are stacked, with its amount in the newest week; the total comes last.

    A name is shortened only where it would run into its amount.
    """
    rows = [(name, bar.amounts.get(name, Decimal(0)), colour) for name, colour in reversed([*colours.items()])]
    for position, (name, amount, colour) in enumerate(rows):
        y, figure = top + (position + 0.5) * LINE_HEIGHT, format_usd(amount)
        letters = int((WIDTH - _INDENT - _GAP - width_of(figure)) / _DIGIT_WIDTH)
        yield Box(0, _SWATCH, y - _SWATCH / 2, y + _SWATCH / 2, colour)
        yield Word(_INDENT, y, shortened(spoken(name), letters))
        yield Word(WIDTH, y, figure, align="right")
    y = top + (len(rows) + 0.5) * LINE_HEIGHT
    yield Word(_INDENT, y, bar.week.label, SOFT)
    yield Word(WIDTH, y, format_usd(bar.total_usd), SOFT, align="right")


def _alt(report: WeeklyReport, bars: Sequence[_Bar]) -> str:
    first, last = bars[0], bars[-1]
    sentence = (
        f"Bill of {count(len(bars), 'week')}, stacked by function, from {format_usd(first.total_usd)} in "
        f"{first.week.label} to {format_usd(last.total_usd)} in {last.week.label}."
    )
    if last.outline_usd is None:
        return sentence
    avoided = last.outline_usd - last.total_usd
    figure = report.headline.week_figure or with_interval(avoided, None)
    return f"{sentence} The same work would have cost {format_usd(last.outline_usd)}: {figure} avoided."
