"""What a chart is made of: shapes at pixels of the picture, y downwards, written as SVG."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

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


def to_svg(shapes: Sequence[Shape], height: int) -> str:
    """Return a picture as SVG, of a width of 460 pixels: rules, bands, boxes, lines and words, in this order."""
    drawn = (
        *(_rule(shape) for shape in shapes if isinstance(shape, Rule)),
        *(_band(shape) for shape in shapes if isinstance(shape, Band)),
        *(_box(shape) for shape in shapes if isinstance(shape, Box)),
        *(_line(shape) for shape in shapes if isinstance(shape, Line)),
        *(_word(shape) for shape in shapes if isinstance(shape, Word)),
    )
    root = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">'
    return f'{root}<g font-family="{FONT}">{"".join(drawn)}</g></svg>'


def _rule(rule: Rule) -> str:
    ends = f'x1="{_px(rule.x)}" y1="{_px(rule.y)}" x2="{_px(rule.x2)}" y2="{_px(rule.y2)}"'
    return f'<line {ends} stroke="{rule.colour.light}"/>'


def _band(band: Band) -> str:
    there = [(x, upper) for x, upper, _ in band.points]
    back = [(x, lower) for x, _, lower in reversed(band.points)]
    return f'<path d="{_through([*there, *back])}Z" fill="{band.colour.light}" fill-opacity=".4"/>'


def _box(box: Box) -> str:
    size = f'width="{_px(box.right - box.left)}" height="{_px(box.bottom - box.top)}"'
    colour = f'fill="{box.colour.light}" stroke="{box.colour.light}" stroke-width=".5"'
    return f'<rect x="{_px(box.left)}" y="{_px(box.top)}" {size} {colour}/>'


def _line(line: Line) -> str:
    dashes = ' stroke-dasharray="5 3"' if line.is_dashed else ""
    look = f'fill="none" stroke="{line.colour.light}" stroke-width="{_px(line.width)}"{dashes}'
    return f'<path d="{_through(line.points)}" {look}/>'


def _word(word: Word) -> str:
    side = ' text-anchor="end"' if word.align == "right" else ""
    weight = ' font-weight="600"' if word.is_bold else ""
    # Letters stand on their line: centred on y, it lies as far below as small letters with a stem are half as high.
    place = f'x="{_px(word.x)}" y="{_px(word.y + FONT_SIZE * 0.3)}" font-size="{FONT_SIZE}"'
    return f'<text {place} fill="{word.colour.light}"{side}{weight}>{escape(printable(word.text), quote=False)}</text>'


def _through(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_px(x)},{_px(y)}" for x, y in points)


def _px(value: float) -> str:
    """A number of pixels, to a hundredth."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
