"""The bill week by week, stacked by what the money was for."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from tieout.core.money import format_usd
from tieout.report.contents import WeeklyReport
from tieout.report.formats.charts.chart import Chart, render
from tieout.report.formats.charts.frame import (
    EndLabel,
    Frame,
    draw_grid,
    draw_labels,
    name_amounts_beside,
    name_weeks,
    room_for,
    room_for_amounts,
)
from tieout.report.formats.charts.palette import COMPONENTS, INK, SOFT
from tieout.report.formats.charts.shapes import LINE_HEIGHT, WIDTH, Box, Shape, Word
from tieout.report.sections.history import WeekSpend
from tieout.report.wording import count, listing

TITLE = "The bill of every week, by component"
_HEAD = 2 * LINE_HEIGHT + 16
_HEIGHT = 270
_FOOT = LINE_HEIGHT + 10
_BAR_SHARE = 0.7


def draw_components(report: WeeklyReport) -> Chart | None:
    """Draw the spend of up to half a year; None where no week has any."""
    weeks = report.history.weeks
    if not any(week.components for week in weeks):
        return None
    layers = [_layers(week) for week in weeks]
    edges = [edge for week in layers for layer in week.values() for edge in layer]
    labels = _labels(weeks[-1], layers)
    frame = Frame(
        left=room_for_amounts(min(edges), max(edges)),
        right=WIDTH - room_for(labels),
        top=_HEAD,
        bottom=_HEAD + _HEIGHT,
        first=weeks[0].week.start,
        last=weeks[-1].week.end,
        low_usd=min(edges),
        high_usd=max(edges),
    )
    shapes = [
        Word(0, LINE_HEIGHT / 2, TITLE, is_bold=True),
        Word(0, 3 * LINE_HEIGHT / 2, f"{weeks[-1].week.label}: {format_usd(weeks[-1].total_usd)}", SOFT),
        *draw_grid(frame),
        *name_amounts_beside(frame),
        *_stacks(frame, weeks, layers),
        *name_weeks(frame, [week.week for week in weeks]),
        *draw_labels(frame, labels),
    ]
    return render(
        "components",
        TITLE,
        _alt(weeks),
        shapes=shapes,
        height=_HEAD + _HEIGHT + _FOOT,
        source="US dollars a week; Modal’s bill, attributed",
    )


def _layers(week: WeekSpend) -> dict[str, tuple[Decimal, Decimal]]:
    """Where every component of a week begins and ends; credits are stacked below nought."""
    amounts = {component.name: component.amount_usd for component in week.components}
    layers, above, below = {}, Decimal(0), Decimal(0)
    for name in COMPONENTS:
        amount = amounts.get(name, Decimal(0))
        if amount > 0:
            layers[name] = (above, above + amount)
            above += amount
        elif amount < 0:
            layers[name] = (below, below + amount)
            below += amount
    return layers


def _stacks(
    frame: Frame, weeks: Sequence[WeekSpend], layers: Sequence[dict[str, tuple[Decimal, Decimal]]]
) -> Iterator[Shape]:
    for week, stack in zip(weeks, layers, strict=True):
        start, end = frame.x(week.week.start), frame.x(week.week.end)
        for name, (low, high) in stack.items():
            right = start + (end - start) * _BAR_SHARE
            yield Box(start, right, frame.y(max(low, high)), frame.y(min(low, high)), COMPONENTS[name])


def _labels(week: WeekSpend, layers: Sequence[dict[str, tuple[Decimal, Decimal]]]) -> list[EndLabel]:
    """Name every component that any week has, beside its place in the last one."""
    amounts = {component.name: component.amount_usd for component in week.components}
    last, labels, reached = layers[-1], [], Decimal(0)
    for name, colour in COMPONENTS.items():
        if any(name in stack for stack in layers):
            low, high = last.get(name, (reached, reached))
            reached = max(low, high, reached)
            text = (name, format_usd(amounts.get(name, Decimal(0))))
            labels.append(EndLabel((low + high) / 2, text, INK, swatch=colour))
    return labels


def _alt(weeks: Sequence[WeekSpend]) -> str:
    first, last = weeks[0], weeks[-1]
    parts = [f"{component.name} {format_usd(component.amount_usd)}" for component in last.components]
    now = f"{last.week.label} cost {format_usd(last.total_usd)}: {listing(parts)}." if parts else ""
    return (
        f"Bill of {count(len(weeks), 'week')}, stacked by component, from {format_usd(first.total_usd)} in "
        f"{first.week.label} to {format_usd(last.total_usd)} in {last.week.label}. {now}"
    ).strip()
