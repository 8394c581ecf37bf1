"""A frame with days from left to right and dollars upwards: its lines, its days, and labels at the end of a line."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from rich.cells import cell_len

from tieout.core.periods import IsoWeek
from tieout.report.formats.charts.palette import GRID, SOFT, Colour
from tieout.report.formats.charts.shapes import LINE_HEIGHT, Box, Line, Rule, Shape, Word
from tieout.report.formats.text import fit, printable
from tieout.report.sections.cumulative import DeploymentDay
from tieout.report.wording import usd

_MOST_LINES = 4
_MOST_DAYS = 5
_STEPS = (1, 2, 5, 10)
_DAY_WIDTH = 110
_LETTERS = 24
_DIGIT_WIDTH = 8.4
_INDENT = 4
_WEEK_WIDTH = 44
_BESIDE = 8
_SWATCH = 12
_WEEK = dt.timedelta(weeks=1)


@dataclass(frozen=True)
class Frame:
    """A piece of the picture, in pixels, and the days and dollars that its edges stand for."""

    left: float
    right: float
    top: float
    bottom: float
    first: dt.date
    last: dt.date
    low_usd: Decimal
    high_usd: Decimal

    def x(self, day: dt.date) -> float:
        """The pixel of a day."""
        whole = max(self.last - self.first, dt.timedelta(days=1))
        return self.left + (day - self.first) / whole * (self.right - self.left)

    def y(self, amount: Decimal) -> float:
        """The pixel of an amount."""
        return self.bottom - float((amount - self.low_usd) / (self.high_usd - self.low_usd)) * (self.bottom - self.top)


@dataclass(frozen=True)
class EndLabel:
    """What is written beside the end of a line or a bar, at an amount, with a patch of its colour if it needs one."""

    at_usd: Decimal
    lines: tuple[str, ...]
    colour: Colour
    swatch: Colour | None = None

    @property
    def height(self) -> float:
        """In pixels."""
        return len(self.lines) * (LINE_HEIGHT - 2)


def round_steps(low: Decimal, high: Decimal) -> list[Decimal]:
    """Return the round amounts between two, five at most, nought among them when it lies between; high is above low."""
    least = (high - low) / _MOST_LINES
    magnitude = Decimal(10) ** least.adjusted()
    step = next(factor * magnitude for factor in _STEPS if factor * magnitude >= least)
    first = (low / step).to_integral_value(rounding=ROUND_CEILING)
    last = (high / step).to_integral_value(rounding=ROUND_FLOOR)
    return [step * number for number in range(int(first), int(last) + 1)]


def draw_grid(frame: Frame) -> Iterator[Shape]:
    """Draw a thin line for every round amount; the one of nought is darker."""
    for amount in round_steps(frame.low_usd, frame.high_usd):
        y = frame.y(amount)
        yield Rule(frame.left, y, frame.right, y, GRID if amount else SOFT)


def name_amounts_above(frame: Frame) -> Iterator[Shape]:
    """Write the round amounts on their lines; nought as an edge needs no name, and one at the top has no room."""
    for amount in round_steps(frame.low_usd, frame.high_usd):
        if (amount or frame.low_usd < 0) and frame.y(amount) - LINE_HEIGHT >= frame.top:
            yield Word(frame.left + _INDENT, frame.y(amount) - LINE_HEIGHT / 2, usd(amount), SOFT)


def name_amounts_beside(frame: Frame) -> Iterator[Shape]:
    """Write the round amounts left of the frame."""
    for amount in round_steps(frame.low_usd, frame.high_usd):
        yield Word(frame.left - _INDENT, frame.y(amount), usd(amount), SOFT, align="right")


def draw_days(frame: Frame) -> Iterator[Shape]:
    """Name some Mondays under the frame, evenly spaced, and the last day where there is room."""
    monday = frame.first + dt.timedelta(days=-frame.first.weekday() % 7)
    mondays = [monday + _WEEK * i for i in range((frame.last - monday) // _WEEK + 1)]
    named = mondays[:: -(-len(mondays) // _MOST_DAYS)] if mondays else []
    if not named or frame.x(frame.last) - frame.x(named[-1]) >= _DAY_WIDTH:
        named.append(frame.last)
    for day in named:
        x, is_last = frame.x(day), day == frame.last
        yield Rule(x, frame.bottom, x, frame.bottom + 4, SOFT)
        words, align = f"{day.day} {day:%b}", "right" if is_last else "left"
        yield Word(x, frame.bottom + 6 + LINE_HEIGHT / 2, words, SOFT, align=align)


def name_weeks(frame: Frame, weeks: Sequence[IsoWeek]) -> Iterator[Shape]:
    """Name as many weeks under the frame as there is room for, the last one among them."""
    fitting = max(1, int((frame.right - frame.left) // _WEEK_WIDTH))
    every = -(-len(weeks) // fitting)
    for week in weeks[::-1][::every]:
        yield Word(frame.x(week.start), frame.bottom + 6 + LINE_HEIGHT / 2, f"W{week.week:02d}", SOFT)


def draw_deployments(frame: Frame, deployments: Iterable[DeploymentDay]) -> Iterator[Shape]:
    """Draw a dashed line on every day of deployment."""
    for deployment in deployments:
        x = frame.x(deployment.day)
        yield Line(((x, frame.top), (x, frame.bottom)), SOFT, is_dashed=True, width=1)


def name_deployments(frame: Frame, deployments: Iterable[DeploymentDay]) -> Iterator[Shape]:
    """Name deployments in two rows above the frame; a name that would run into others in both is left out."""
    free = [frame.left, frame.left]
    for deployment in deployments:
        x, name = frame.x(deployment.day), shortened(deployment.phase)
        width = width_of(name) + _BESIDE
        is_late = x + width > frame.right
        begin = x - width if is_late else x
        row = next((row for row, taken in enumerate(free) if begin >= taken), None)
        if row is not None:
            y = frame.top - 4 - LINE_HEIGHT / 2 - row * (LINE_HEIGHT - 2)
            yield Word(x, y, name, SOFT, align="right" if is_late else "left")
            free[row] = begin + width


def shortened(name: str, letters: int = _LETTERS) -> str:
    """A name as it is printed, cut in the middle when it is long."""
    return fit(printable(name), letters)


def room_for(labels: Iterable[EndLabel]) -> float:
    """How many pixels labels need beside a frame."""
    return max(_text_at(label) + width_of(line) + _INDENT for label in labels for line in label.lines)


def room_for_amounts(low: Decimal, high: Decimal) -> float:
    """How many pixels the round amounts between two need left of a frame."""
    return max((width_of(usd(amount)) for amount in round_steps(low, high)), default=0) + 8 if high > low else 8


def width_of(text: str) -> float:
    """How many pixels a text needs at most: a digit is the widest of what is usual in it."""
    return _DIGIT_WIDTH * cell_len(text)


def _text_at(label: EndLabel) -> float:
    """How far right of the frame a label's text begins."""
    return _BESIDE if label.swatch is None else _BESIDE + _SWATCH + _INDENT


def draw_labels(frame: Frame, labels: Sequence[EndLabel]) -> Iterator[Shape]:
    """Write labels right of the frame, each as near to its line's end as the others allow."""
    ordered = sorted(labels, key=lambda label: frame.y(label.at_usd))
    for label, top in zip(ordered, _tops(ordered, frame), strict=True):
        if label.swatch is not None:
            left, middle = frame.right + _BESIDE, top + LINE_HEIGHT / 2 - 1
            yield Box(left, left + _SWATCH, middle - _SWATCH / 2, middle + _SWATCH / 2, label.swatch)
        for position, line in enumerate(label.lines):
            yield Word(frame.right + _text_at(label), top + (position + 0.5) * (LINE_HEIGHT - 2), line, label.colour)


def _tops(labels: Sequence[EndLabel], frame: Frame) -> list[float]:
    """Where the labels begin: centred on their lines, pushed down by those above, and up again from the lower edge."""
    tops: list[float] = []
    free = frame.top - LINE_HEIGHT
    for label in labels:
        tops.append(max(frame.y(label.at_usd) - label.height / 2, free))
        free = tops[-1] + label.height
    limit = frame.bottom + LINE_HEIGHT / 2
    for position in range(len(tops) - 1, -1, -1):
        tops[position] = min(tops[position], limit - labels[position].height)
        limit = tops[position]
    return tops
