"""A finished picture, and how shapes become one."""

import base64
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape, unescape

from markupsafe import Markup

from tieout.report.file_names import CHART_PREFIX
from tieout.report.formats.charts.palette import LIGHT_PAPER, SOFT, to_dark
from tieout.report.formats.charts.shapes import LINE_HEIGHT, Shape, Word, to_svg
from tieout.report.formats.text import printable

_DRAWING = b"Drawing"
_MOST_BEFORE_PIXELS = 4096
_ROOT = re.compile(r"<svg [^>]*>")
_LABEL = re.compile(r'aria-label="([^"]*)"')
_MOST_COLOURS = 128


@dataclass(frozen=True)
class Chart:
    """One picture of a report.

    Attributes:
        name: `bill`, `cumulative`, `functions` or `components`.
        title: what it shows.
        alt: what is to be seen on it, in sentences with the figures.
        light_svg: for a light page, transparent.
        dark_svg: for a dark page, transparent.
    """

    name: str
    title: str
    alt: str
    light_svg: str
    dark_svg: str

    @property
    def light_uri(self) -> str:
        """The light picture as a `data:` address."""
        return _data_uri(self.light_svg)

    @property
    def dark_uri(self) -> str:
        """The dark picture as a `data:` address."""
        return _data_uri(self.dark_svg)

    def png(self, scale: float = 2) -> bytes:
        """Return the light picture on white paper, for readers that show no SVG.

        Args:
            scale: pixels of the image for a pixel of the picture, which is 460 wide.
        """
        return to_png(self.light_svg, paper=LIGHT_PAPER, scale=scale)


@dataclass(frozen=True)
class PagePicture:
    """A chart as a page holds it: its drawings for light and dark, as addresses that carry them whole, and its files.

    Attributes:
        light: for a light page.
        dark: for a dark one.
        alt: what is to be seen on it.
        file: beside the page, without the ending: `chart-bill`.
    """

    light: Markup
    dark: Markup
    alt: str
    file: str

    @classmethod
    def of(cls, chart: Chart) -> "PagePicture":
        """Take a chart whose files lie beside the page."""
        return cls(Markup(chart.light_uri), Markup(chart.dark_uri), chart.alt, f"{CHART_PREFIX}{chart.name}")

    @classmethod
    def of_file(cls, svg: str, file: str) -> "PagePicture":
        """Take the light drawing of a chart as it lies in a file of ours."""
        label = _LABEL.search(svg)
        chart = Chart("", "", unescape(label[1]) if label else "", svg, to_dark(svg))
        return replace(cls.of(chart), file=file)


@lru_cache(maxsize=8)  # a week's pictures are made once for its folder and its mail
def to_png(svg: str, *, paper: str, scale: float) -> bytes:
    """Rasterize a picture on paper of a colour."""
    import vl_convert

    on_paper = _ROOT.sub(lambda root: f'{root.group()}<rect width="100%" height="100%" fill="{paper}"/>', svg, count=1)
    return _with_palette(bytes(vl_convert.svg_to_png(on_paper, scale=scale)), drawing=_digest(svg))


def is_made_of(png: bytes, svg: str) -> bool:
    """Tell whether a picture says that it was made of a drawing; what lies beside it may be older or newer."""
    return b"tEXt" + _DRAWING + b"\0" + _digest(svg) in png[:_MOST_BEFORE_PIXELS]


def _digest(svg: str) -> bytes:
    return hashlib.sha256(svg.encode()).hexdigest().encode()


def _with_palette(png: bytes, *, drawing: bytes) -> bytes:
    """Keep as many colours as a drawing needs, which makes a fifth of the file, and say which drawing it was."""
    from PIL import Image, PngImagePlugin

    file = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    drawn = picture.quantize(_MOST_COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    # A palette's colours are means of what is near them; the paper, which a corner shows, stays what it is.
    colours, paper = drawn.getpalette() or [], drawn.getpixel((0, 0))
    assert isinstance(paper, int)
    colours[3 * paper : 3 * paper + 3] = picture.getpixel((0, 0))
    drawn.putpalette(colours)
    said = PngImagePlugin.PngInfo()
    said.add_text(_DRAWING.decode(), drawing.decode())
    drawn.save(file, "PNG", pnginfo=said)
    return file.getvalue()


def render(
    name: str, title: str, alt: str, *, shapes: Sequence[Shape], height: int, source: str, note: str = ""
) -> Chart:
    """Make a picture of shapes, with a line below them of its unit and source; the same shapes give the same bytes.

    What a reader has to know beside it, the note, has a line of its own: no line may be wider than the picture.
    """
    lines = [source, note] if note else [source]
    below = [
        Word(0, height + number * LINE_HEIGHT + LINE_HEIGHT / 2 + 2, line, SOFT) for number, line in enumerate(lines)
    ]
    svg = to_svg([*shapes, *below], height + len(lines) * LINE_HEIGHT + 4)
    label = escape(printable(alt), quote=True)
    light = _ROOT.sub(lambda root: f'{root.group()[:-1]} role="img" aria-label="{label}">', svg, count=1)
    return Chart(name, title, printable(alt), light, to_dark(light))


def _data_uri(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode('ascii')}"
