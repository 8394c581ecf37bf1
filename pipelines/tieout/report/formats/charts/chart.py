"""A finished picture, and how shapes become one."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from tieout.report.formats.charts.palette import LIGHT_PAPER, to_dark
from tieout.report.formats.charts.shapes import Shape, to_vega_lite
from tieout.report.formats.text import printable

_ROOT = re.compile(r"<svg [^>]*>")


@dataclass(frozen=True)
class Chart:
    """One picture of a report.

    Attributes:
        name: `waterfall`, `cumulative`, `functions` or `components`.
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


def to_png(svg: str, *, paper: str, scale: float) -> bytes:
    """Rasterize a picture on paper of a colour."""
    import vl_convert

    on_paper = _ROOT.sub(lambda root: f'{root.group()}<rect width="100%" height="100%" fill="{paper}"/>', svg, count=1)
    return bytes(vl_convert.svg_to_png(on_paper, scale=scale))


def render(name: str, title: str, alt: str, *, shapes: Sequence[Shape], height: int) -> Chart:
    """Make a picture of shapes; the same shapes give the same bytes."""
    import vl_convert

    svg = vl_convert.vegalite_to_svg(to_vega_lite(shapes, height))
    label = escape(printable(alt), quote=True)
    light = _ROOT.sub(lambda root: f'{root.group()[:-1]} role="img" aria-label="{label}">', svg, count=1)
    return Chart(name, title, printable(alt), light, to_dark(light))


def _data_uri(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode('ascii')}"
