"""What a chart is made of: shapes at pixels of the picture, y downwards, rendered by Altair."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tieout.report.formats.charts.palette import INK, Colour
from tieout.report.formats.text import printable

WIDTH = 460
# Letters of a page's size on a narrow picture: on a phone, 390 px wide, they are still 11 px.
FONT_SIZE = 15
LINE_HEIGHT = 20
FONT = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Rule:
    """A thin straight line from (x, y) to (x2, y2), beneath everything else."""

    x: float
    y: float
    x2: float
    y2: float
    colour: Colour


@dataclass(frozen=True)
class Box:
    """A filled rectangle; one without extent is still drawn, as a hair."""

    left: float
    right: float
    top: float
    bottom: float
    colour: Colour


@dataclass(frozen=True)
class Band:
    """A translucent area between an upper and a lower line: (x, upper, lower)."""

    points: tuple[tuple[float, float, float], ...]
    colour: Colour


@dataclass(frozen=True)
class Line:
    """A line through points (x, y)."""

    points: tuple[tuple[float, float], ...]
    colour: Colour
    is_dashed: bool = False
    width: float = 2


@dataclass(frozen=True)
class Word:
    """A line of text, centred on y; x is where it begins, or where it ends when it is aligned to the right."""

    x: float
    y: float
    text: str
    colour: Colour = INK
    align: str = "left"
    is_bold: bool = False


Shape: TypeAlias = Rule | Box | Band | Line | Word


@dataclass(frozen=True)
class _Layer:
    """Shapes that one mark of Vega-Lite can draw: how, by which fields beside x, y and colour, and the rows."""

    mark: Mapping[str, Any]
    fields: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]


def to_vega_lite(shapes: Sequence[Shape], height: int) -> dict[str, Any]:
    """Return the Vega-Lite specification of a picture: rules, bands, boxes, lines and words above each other."""
    import altair as alt

    x = alt.X("x:Q", scale=alt.Scale(domain=[0, WIDTH], nice=False), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[0, height], range=[0, height], nice=False), axis=None)
    colour = alt.Color("colour:N", scale=None)
    layers = [
        *_rules([shape for shape in shapes if isinstance(shape, Rule)]),
        *_bands([shape for shape in shapes if isinstance(shape, Band)]),
        *_boxes([shape for shape in shapes if isinstance(shape, Box)]),
        *_lines([shape for shape in shapes if isinstance(shape, Line)]),
        *_words([shape for shape in shapes if isinstance(shape, Word)]),
    ]
    # Altair takes plain text for a channel, too, but it goes through its whole schema to find out which one is meant.
    channels = {"x2": alt.X2, "y2": alt.Y2, "detail": alt.Detail, "order": alt.Order, "text": alt.Text}
    drawn = [
        alt.Chart(alt.NamedData(name=str(number)), mark=alt.MarkDef(**layer.mark)).encode(
            x=x, y=y, color=colour, **{name: channels[name](field) for name, field in layer.fields.items()}
        )
        for number, layer in enumerate(layers)
    ]
    drawing = alt.layer(*drawn).properties(width=WIDTH, height=height, padding=0, autosize="none")
    plain = drawing.configure(font=FONT, aria=False, background="transparent", view=alt.ViewConfig(stroke=None))
    # The tests hold every kind of shape against the schema. The rows are put in afterwards: altair would look at every
    # single value of them.
    return {
        **plain.to_dict(validate=False),
        "datasets": {str(number): layer.rows for number, layer in enumerate(layers)},
    }


def _rules(rules: Iterable[Rule]) -> Iterator[_Layer]:
    rows = [{"x": rule.x, "x2": rule.x2, "y": rule.y, "y2": rule.y2, "colour": rule.colour.light} for rule in rules]
    if rows:
        yield _Layer({"type": "rule", "strokeWidth": 1}, {"x2": "x2:Q", "y2": "y2:Q"}, rows)


def _bands(bands: Iterable[Band]) -> Iterator[_Layer]:
    rows = [
        {"x": x, "y": upper, "y2": lower, "shape": number, "colour": band.colour.light}
        for number, band in enumerate(bands)
        for x, upper, lower in band.points
    ]
    if rows:
        yield _Layer({"type": "area", "opacity": 0.4}, {"y2": "y2:Q", "detail": "shape:N"}, rows)


def _boxes(boxes: Iterable[Box]) -> Iterator[_Layer]:
    rows = [
        {"x": box.left, "x2": box.right, "y": box.top, "y2": box.bottom, "colour": box.colour.light} for box in boxes
    ]
    if rows:
        mark = {"type": "rect", "filled": True, "strokeWidth": 0.5, "stroke": {"expr": "datum.colour"}}
        yield _Layer(mark, {"x2": "x2:Q", "y2": "y2:Q"}, rows)


def _lines(lines: Sequence[Line]) -> Iterator[_Layer]:
    """Yield a layer for every kind of line, because a mark has one width and one dash."""
    for is_dashed, width in sorted({(line.is_dashed, line.width) for line in lines}):
        rows = [
            {"x": x, "y": y, "shape": number, "order": order, "colour": line.colour.light}
            for number, line in enumerate(lines)
            if (line.is_dashed, line.width) == (is_dashed, width)
            for order, (x, y) in enumerate(line.points)
        ]
        mark = {"type": "line", "strokeWidth": width, "strokeDash": [5, 3] if is_dashed else [1, 0]}
        yield _Layer(mark, {"order": "order:Q", "detail": "shape:N"}, rows)


def _words(words: Sequence[Word]) -> Iterator[_Layer]:
    """Yield a layer for every kind of word, because a mark has one alignment and weight."""
    for align, is_bold in sorted({(word.align, word.is_bold) for word in words}):
        rows = [
            {"x": word.x, "y": word.y, "text": printable(word.text), "colour": word.colour.light}
            for word in words
            if (word.align, word.is_bold) == (align, is_bold)
        ]
        mark = {"type": "text", "align": align, "baseline": "middle", "fontSize": FONT_SIZE}
        yield _Layer(mark | {"fontWeight": 600 if is_bold else 400}, {"text": "text:N"}, rows)
