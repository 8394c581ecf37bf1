"""The bridge from the published to the realized saving, in two panels with a scale of their own."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from tieout.core.money import format_usd
from tieout.report.contents import WeeklyReport
from tieout.report.formats.charts.chart import Chart, render
from tieout.report.formats.charts.palette import ACTUAL, GAIN, LOSS, RESTATED, SOFT, Colour
from tieout.report.formats.charts.shapes import LINE_HEIGHT, WIDTH, Box, Rule, Shape, Word
from tieout.report.sections.bridge import BridgeRow
from tieout.report.wording import listing

TITLE = "From the published to the realized saving"
_BAR = 10
_ROW = LINE_HEIGHT + _BAR + 10
_HEAD = 2 * LINE_HEIGHT + 10
_GAP = 22
_MARGIN = 1


def draw_waterfall(report: WeeklyReport) -> Chart | None:
    """Draw the bridge, in dollars a day; None where nothing is claimed."""
    if report.bridge is None:
        return None
    first, second = report.bridge.stages
    below = _HEAD + _ROW * len(first) + _GAP
    shapes = [
        *_panel(first, 0, ("From the published to the restated saving, a day", _scale_note(first)), (SOFT, RESTATED)),
        *_panel(
            second,
            below,
            ("From there to the realized saving, a day", _enlargement(first, second)),
            (RESTATED, ACTUAL),
        ),
    ]
    height = below + _HEAD + _ROW * len(second)
    return render("waterfall", TITLE, _alt(first, second), shapes=shapes, height=height)


def _spans(rows: Sequence[BridgeRow]) -> list[tuple[Decimal, Decimal]]:
    """Where every bar begins and ends: an end stands on nought, a step leads on from where the bridge is."""
    spans, reached = [], Decimal(0)
    for row in rows:
        start = Decimal(0) if row.is_end else reached
        reached = start + row.total_usd
        spans.append((start, reached))
    return spans


def _bounds(rows: Sequence[BridgeRow]) -> tuple[Decimal, Decimal]:
    """The least and the most dollars that a panel shows; they differ."""
    values = [value for span in _spans(rows) for value in span]
    least, most = min(values), max(values)
    return (least, most) if most > least else (least, least + 1)


def _scale_note(rows: Sequence[BridgeRow]) -> str:
    least, most = _bounds(rows)
    return f"Full width: {format_usd(most - least)}"


def _enlargement(first: Sequence[BridgeRow], second: Sequence[BridgeRow]) -> str:
    (least, most), (low, high) = _bounds(first), _bounds(second)
    return f"{_scale_note(second)}, enlarged {round((most - least) / (high - low)):,} times"


def _panel(
    rows: Sequence[BridgeRow], top: int, titles: tuple[str, str], ends: tuple[Colour, Colour]
) -> Iterator[Shape]:
    """Draw one stage: title and scale, then a row for every step; `ends` colours where it starts and where it ends."""
    least, most = _bounds(rows)
    spans = [tuple(_pixel(value, least, most) for value in span) for span in _spans(rows)]
    yield Word(0, top + LINE_HEIGHT / 2, titles[0], is_bold=True)
    yield Word(0, top + 3 * LINE_HEIGHT / 2, titles[1], SOFT)
    for position, (row, (start, end)) in enumerate(zip(rows, spans, strict=True)):
        line = top + _HEAD + position * _ROW
        bar = line + LINE_HEIGHT
        yield Word(0, line + LINE_HEIGHT / 2, row.label, is_bold=row.is_end)
        yield Word(WIDTH, line + LINE_HEIGHT / 2, _amount(row), align="right", is_bold=row.is_end)
        is_last = position + 1 == len(rows)
        colour = ends[is_last] if row.is_end else GAIN if row.total_usd > 0 else LOSS
        yield Box(min(start, end), max(start, end), bar, bar + _BAR, colour)
        if not is_last:
            yield Rule(end, bar + _BAR, end, bar + _ROW - LINE_HEIGHT, SOFT)


def _amount(row: BridgeRow) -> str:
    sign = "+" if row.total_usd > 0 and not row.is_end else ""
    return f"{sign}{format_usd(row.total_usd)}"


def _pixel(value: Decimal, least: Decimal, most: Decimal) -> float:
    return _MARGIN + float((value - least) / (most - least)) * (WIDTH - 2 * _MARGIN)


def _alt(first: Sequence[BridgeRow], second: Sequence[BridgeRow]) -> str:
    start, restated, realized = first[0], first[-1], second[-1]
    lost = [f"{row.label} {format_usd(row.total_usd)}" for row in first[1:] if not row.is_end]
    steps = [f"{row.label} {format_usd(row.total_usd)}" for row in second if not row.is_end]
    then = f" Then: {listing(steps)}." if steps else ""
    return (
        f"Bridge in dollars a day, from {start.label} {format_usd(start.total_usd)} to {restated.label} "
        f"{format_usd(restated.total_usd)} and to {realized.label} {format_usd(realized.total_usd)}. "
        f"First: {listing(lost)}.{then}"
    )
