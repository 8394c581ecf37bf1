"""Small multiples: what every function cost a day, beside what its calls would have cost before its rollout."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tieout.core.money import format_usd
from tieout.core.periods import IsoWeek
from tieout.report.cents import per_day
from tieout.report.contents import WeeklyReport
from tieout.report.formats.charts.chart import Chart, render
from tieout.report.formats.charts.frame import EndLabel, Frame, draw_days, draw_labels, room_for, shortened
from tieout.report.formats.charts.palette import ACTUAL, RESTATED, SOFT, Colour
from tieout.report.formats.charts.shapes import LINE_HEIGHT, WIDTH, Line, Rule, Shape, Word
from tieout.report.formats.text import printable
from tieout.report.sections.history import LEAST_SHARE, CostDay, FunctionHistory
from tieout.report.wording import count, spoken

TITLE = "Daily cost of each function"
MOST_FUNCTIONS = 6
_HEIGHT = 64
_PANEL = LINE_HEIGHT + 6 + _HEIGHT + 16
_FOOT = LINE_HEIGHT
_LETTERS = 42

_Amount = Callable[[CostDay], Decimal | None]


def _actual(day: CostDay) -> Decimal | None:
    return day.actual_usd


def _counterfactual(day: CostDay) -> Decimal | None:
    return day.counterfactual_usd


@dataclass(frozen=True)
class _Compared:
    """A function with its mean day of the report's week, in cents; None where no bill of the week is landed."""

    history: FunctionHistory
    actual_usd: Decimal | None
    counterfactual_usd: Decimal | None

    @property
    def labels(self) -> list[EndLabel]:
        """The mean day beside the lines."""
        amounts = ((self.actual_usd, ACTUAL), (self.counterfactual_usd, RESTATED))
        return [EndLabel(amount, (format_usd(amount),), colour) for amount, colour in amounts if amount is not None]


def draw_functions(report: WeeklyReport) -> Chart | None:
    """Draw the dearest functions that a phase has changed; None before that, and where nothing can be compared."""
    compared = [_compare(function, report.week) for function in report.history.functions if _is_comparable(function)]
    least = sum((function.actual_usd for function in report.history.functions), Decimal(0)) * LEAST_SHARE
    large = [function for function in compared if function.history.actual_usd >= least]
    shown = (large or compared)[:MOST_FUNCTIONS]
    if not shown:
        return None
    left_out = len(compared) - len(shown)
    notes = [
        f"Dashed: its deployment. Right: mean day of {report.week.label}.",
        "Each from nought to its dearest day, named above it.",
    ]
    if left_out:
        notes.append(f"The {len(shown)} dearest; {count(left_out, 'other')} not shown.")
    head = (len(notes) + 2) * LINE_HEIGHT + 8
    room = max((room_for(function.labels) for function in shown if function.labels), default=0)
    shapes: list[Shape] = [
        Word(0, LINE_HEIGHT / 2, TITLE, is_bold=True),
        Word(0, 3 * LINE_HEIGHT / 2, "Actual", ACTUAL, is_bold=True),
        Word(72, 3 * LINE_HEIGHT / 2, "What its calls would have cost before", RESTATED, is_bold=True),
        *(Word(0, (position + 2.5) * LINE_HEIGHT, note, SOFT) for position, note in enumerate(notes)),
    ]
    for position, function in enumerate(shown):
        frame = _frame(function, head + position * _PANEL, right=WIDTH - room)
        shapes += _panel(function, frame)
        if position + 1 == len(shown):
            shapes += draw_days(frame)
    height = head + len(shown) * _PANEL + _FOOT
    source = "US dollars a day; Modal’s bill, attributed"
    return render("functions", TITLE, _alt(shown, left_out), shapes=shapes, height=height, source=source)


def _is_comparable(function: FunctionHistory) -> bool:
    return function.deployed is not None and any(day.counterfactual_usd is not None for day in function.days)


def _compare(function: FunctionHistory, week: IsoWeek) -> _Compared:
    days = [day for day in function.days if week.start <= day.day < week.end]
    return _Compared(function, _mean(days, _actual), _mean(days, _counterfactual))


def _mean(days: Sequence[CostDay], amount: _Amount) -> Decimal | None:
    amounts = [value for day in days if (value := amount(day)) is not None]
    return per_day(sum(amounts, Decimal(0)), len(amounts)) if amounts else None


def _frame(function: _Compared, top: int, *, right: float) -> Frame:
    """The frame of a function below its name, from nought to its dearest day."""
    days = function.history.days
    values = [value for day in days for value in (day.actual_usd, day.counterfactual_usd) if value is not None]
    low, high = min(Decimal(0), *values), max(Decimal(0), *values)
    upper = top + LINE_HEIGHT + 6
    return Frame(1, right, upper, upper + _HEIGHT, days[0].day, days[-1].day, low, high if high > low else low + 1)


def _panel(function: _Compared, frame: Frame) -> Iterator[Shape]:
    history = function.history
    above = frame.top - 6 - LINE_HEIGHT / 2
    yield Word(0, above, shortened(spoken(history.function), _LETTERS), is_bold=True)
    yield Word(WIDTH, above, format_usd(frame.high_usd), SOFT, align="right")
    floor = frame.y(Decimal(0))
    yield Rule(frame.left, floor, frame.right, floor, SOFT)
    if history.deployed is not None and history.deployed >= frame.first:
        x = frame.x(history.deployed)
        yield Line(((x, frame.top), (x, frame.bottom)), SOFT, is_dashed=True, width=1)
    yield from _lines(frame, history.days, _counterfactual, RESTATED)
    yield from _lines(frame, history.days, _actual, ACTUAL)
    yield from draw_labels(frame, function.labels)


def _lines(frame: Frame, days: Sequence[CostDay], amount: _Amount, colour: Colour) -> Iterator[Shape]:
    """Draw every unbroken stretch of days; a day between two gaps is a dash."""
    known = [(day.day, amount(day)) for day in days]
    for is_gap, group in itertools.groupby(known, key=lambda value: value[1] is None):
        points = [(frame.x(day), frame.y(value)) for day, value in group if value is not None]
        if len(points) == 1:
            [(x, y)] = points
            points = [(x - 1, y), (x + 1, y)]
        if not is_gap:
            yield Line(tuple(points), colour, width=1.5)


def _alt(shown: Sequence[_Compared], left_out: int) -> str:
    parts = [
        f"{printable(function.history.function)} {_said(function.actual_usd)} instead of "
        f"{_said(function.counterfactual_usd)}"
        for function in shown
    ]
    others = f". {count(left_out, 'other')} not shown" if left_out else ""
    what = "Mean cost a day of the week, instead of what the same calls would have cost before"
    return f"{what}: {'; '.join(parts)}{others}."


def _said(amount: Decimal | None) -> str:
    return "unknown" if amount is None else format_usd(amount)
