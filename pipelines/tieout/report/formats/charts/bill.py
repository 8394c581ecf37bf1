"""The bill week by week, stacked by function, in the outline of what the same work would have cost before."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tieout.core.money import format_usd
from tieout.core.periods import IsoWeek
from tieout.report.contents import WeeklyReport
from tieout.report.formats.charts.chart import Chart, render
from tieout.report.formats.charts.frame import (
    EndLabel,
    Frame,
    draw_deployments,
    draw_grid,
    draw_labels,
    name_amounts_beside,
    name_deployments,
    name_weeks,
    room_for,
    room_for_amounts,
    shortened,
)
from tieout.report.formats.charts.palette import FUNCTIONS, INK, OTHERS, RESTATED, SOFT, Colour
from tieout.report.formats.charts.shapes import LINE_HEIGHT, WIDTH, Box, Line, Shape, Word
from tieout.report.sections.cumulative import DeploymentDay
from tieout.report.wording import count, spoken, with_interval

TITLE = "The bill of every week, by function"
_HEAD = 5 * LINE_HEIGHT + 6
_HEIGHT = 236
_FOOT = LINE_HEIGHT + 10
_LETTERS = 15
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
    labels = list(_labels(bars[-1], colours))
    edges = [Decimal(0), *(edge for bar in bars for edge in _edges(bar))]
    low, high = min(edges), max(edges)
    frame = Frame(
        left=room_for_amounts(low, high),
        right=WIDTH - room_for(labels),
        top=_HEAD,
        bottom=_HEAD + _HEIGHT,
        first=bars[0].week.start,
        last=bars[-1].week.end,
        low_usd=low,
        high_usd=high if high > low else low + 1,
    )
    deployments = _deployments(report, frame)
    shapes = [
        *_head(bars),
        *draw_grid(frame),
        *name_amounts_beside(frame),
        *(shape for bar in bars for shape in _bar(frame, bar, colours)),
        *draw_deployments(frame, deployments),
        *name_deployments(frame, deployments),
        *name_weeks(frame, [bar.week for bar in bars]),
        *draw_labels(frame, labels),
    ]
    return render(
        "bill",
        TITLE,
        _alt(report, bars),
        shapes=shapes,
        height=_HEAD + _HEIGHT + _FOOT,
        source="US dollars a week; Modal’s bill, attributed",
    )


def _bars(report: WeeklyReport, named: Sequence[str], folded: str) -> list[_Bar]:
    """Give every week its bar; the others of a week come last, under the name that they have together."""
    avoided = _avoided(report)
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


def _avoided(report: WeeklyReport) -> dict[IsoWeek, Decimal]:
    """What the measured days of every week avoided."""
    avoided: dict[IsoWeek, Decimal] = {}
    for point in report.cumulative.points if report.cumulative else ():
        if point.avoided_usd is not None:
            week = IsoWeek.of(point.day)
            avoided[week] = avoided.get(week, Decimal(0)) + point.avoided_usd
    return avoided


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
        yield Line(((left, floor), (left, top), (right, top), (right, floor)), RESTATED, width=1.5)


def _head(bars: Sequence[_Bar]) -> Iterator[Shape]:
    yield Word(0, LINE_HEIGHT / 2, TITLE, is_bold=True)
    yield Word(0, 3 * LINE_HEIGHT / 2, f"{bars[-1].week.label}: {format_usd(bars[-1].total_usd)}", SOFT)
    if any(bar.outline_usd is not None for bar in bars):
        yield Word(0, 5 * LINE_HEIGHT / 2, "Outline: what the same work would have cost", RESTATED, is_bold=True)


def _deployments(report: WeeklyReport, frame: Frame) -> list[DeploymentDay]:
    known = report.cumulative.deployments if report.cumulative else ()
    return [deployment for deployment in known if frame.first <= deployment.day < frame.last]


def _labels(bar: _Bar, colours: Mapping[str, Colour]) -> Iterator[EndLabel]:
    """Name every colour beside its place in the newest week."""
    places = {name: (low + high) / 2 for name, low, high in _layers(bar)}
    reached = Decimal(0)
    for name, colour in colours.items():
        reached = places.get(name, reached)
        words = (shortened(spoken(name), _LETTERS), format_usd(bar.amounts.get(name, Decimal(0))))
        yield EndLabel(reached, words, INK, swatch=colour)


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
