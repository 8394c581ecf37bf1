"""The avoided cost since the first deployment with its 90% band, against what was promised for the same days."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tieout.core.money import format_usd
from tieout.report.contents import WeeklyReport
from tieout.report.formats.charts.chart import Chart, render
from tieout.report.formats.charts.frame import (
    EndLabel,
    Frame,
    draw_days,
    draw_deployments,
    draw_grid,
    draw_labels,
    name_amounts_above,
    name_deployments,
    room_for,
)
from tieout.report.formats.charts.palette import ACTUAL, RESTATED, SOFT, Colour
from tieout.report.formats.charts.shapes import LINE_HEIGHT, WIDTH, Band, Line, Shape, Word
from tieout.report.sections.cumulative import Cumulative, CumulativePoint
from tieout.report.wording import usd

TITLE = "Avoided cost since the first deployment"
_SOURCE = "US dollars; model of the baseline less the bill"
_HEAD = 4 * LINE_HEIGHT + 8
_HEIGHT = 270
_SMALL_HEIGHT = 130
_FOOT = LINE_HEIGHT + 10
_GAP = 20
# A promise so many times all else gets a panel of its own, or nothing else could be seen.
_OWN_SCALE = 3


@dataclass(frozen=True)
class _Promise:
    """What was promised up to every day."""

    name: str
    colour: Colour
    amounts: tuple[Decimal, ...]


def draw_cumulative(report: WeeklyReport) -> Chart | None:
    """Draw the cumulative avoided cost; None before the first measured day."""
    cumulative = report.cumulative
    if cumulative is None:
        return None
    points = cumulative.points
    restated = _promise("restated", RESTATED, [point.restated_usd for point in points])
    published = _promise("published", SOFT, [point.published_usd for point in points])
    titles = (TITLE, "with its 90% band; a gap is a day that does not count")
    if not published or not _is_far(cumulative):
        shapes = list(_panel(cumulative, [*restated, *published], 0, _HEIGHT, titles))
        return render(
            "cumulative", TITLE, _alt(cumulative), shapes=shapes, height=_HEAD + _HEIGHT + _FOOT, source=_SOURCE
        )
    below = _HEAD + _HEIGHT + _FOOT + _GAP
    shapes = list(_panel(cumulative, restated, 0, _HEIGHT, titles))
    titles = ("The same beside the published saving", "on the scale that it needs")
    shapes += _panel(cumulative, published, below, _SMALL_HEIGHT, titles)
    height = below + _HEAD + _SMALL_HEIGHT + _FOOT
    return render("cumulative", TITLE, _alt(cumulative), shapes=shapes, height=height, source=_SOURCE)


def _promise(name: str, colour: Colour, amounts: Sequence[Decimal | None]) -> list[_Promise]:
    known = tuple(amount for amount in amounts if amount is not None)
    return [_Promise(name, colour, known)] if known else []


def _is_far(cumulative: Cumulative) -> bool:
    last = cumulative.last
    others = max(abs(last.cumulative_usd) + (last.half_width_usd or 0), last.restated_usd or Decimal(0))
    return (last.published_usd or Decimal(0)) > _OWN_SCALE * others


def _panel(
    cumulative: Cumulative, promises: Sequence[_Promise], top: int, height: int, titles: tuple[str, str]
) -> Iterator[Shape]:
    """Draw the measured line with its band, and the promises beside it, on one scale."""
    points, labels = cumulative.points, _labels(cumulative, promises)
    frame = _frame(cumulative, promises, top + _HEAD, height, right=WIDTH - room_for(labels))
    yield Word(0, top + LINE_HEIGHT / 2, titles[0], is_bold=True)
    yield Word(0, top + 3 * LINE_HEIGHT / 2, titles[1], SOFT)
    yield from draw_grid(frame)
    yield from name_amounts_above(frame)
    yield from draw_days(frame)
    yield from draw_deployments(frame, cumulative.deployments)
    yield from name_deployments(frame, cumulative.deployments)
    for promise in promises:
        through = zip(points, promise.amounts, strict=True)
        line = tuple((frame.x(point.day), frame.y(amount)) for point, amount in through)
        yield Line(line, promise.colour, is_dashed=True)
    yield from _measured(frame, points)
    yield from draw_labels(frame, labels)


def _frame(cumulative: Cumulative, promises: Sequence[_Promise], top: int, height: int, *, right: float) -> Frame:
    """The frame of a panel, with room for the name of the uppermost amount."""
    values = [edge for point in cumulative.points for edge in _band(point)]
    values += [amount for promise in promises for amount in promise.amounts]
    low, high = min(Decimal(0), *values), max(Decimal(0), *values)
    extent = (high - low or Decimal(1)) * height / (height - LINE_HEIGHT)
    days = cumulative.points[0].day, cumulative.points[-1].day
    return Frame(1, right, top, top + height, *days, low, low + extent)


def _band(point: CumulativePoint) -> tuple[Decimal, Decimal]:
    width = point.half_width_usd or Decimal(0)
    return point.cumulative_usd - width, point.cumulative_usd + width


def _measured(frame: Frame, points: Sequence[CumulativePoint]) -> Iterator[Shape]:
    """Draw every unbroken stretch of measured days, from where the day before it ended; other days are gaps."""
    steps = [(before, after) for before, after in itertools.pairwise(points)]
    for counts, group in itertools.groupby(steps, key=lambda step: step[1].avoided_usd is not None):
        if not counts:
            continue
        stretch = list(group)
        through = [stretch[0][0], *(after for _, after in stretch)]
        edges = ((frame.x(point.day), *map(frame.y, _band(point))) for point in through)
        yield Band(tuple((x, upper, lower) for x, lower, upper in edges), ACTUAL)
        yield Line(tuple((frame.x(point.day), frame.y(point.cumulative_usd)) for point in through), ACTUAL, width=1)


def _labels(cumulative: Cumulative, promises: Sequence[_Promise]) -> list[EndLabel]:
    last = cumulative.last
    width = () if last.half_width_usd is None else (f"± {format_usd(last.half_width_usd)}",)
    measured = EndLabel(last.cumulative_usd, ("measured", format_usd(cumulative.reached_usd), *width), ACTUAL)
    promised = [(promise.amounts[-1], promise) for promise in promises]
    return [measured, *(EndLabel(amount, (each.name, usd(amount)), each.colour) for amount, each in promised)]


def _alt(cumulative: Cumulative) -> str:
    sentences = (cumulative.sentence, cumulative.promise_sentence, cumulative.gap_sentence)
    return " ".join(sentence for sentence in sentences if sentence is not None)
