"""Colours of the charts, after Okabe and Ito, which people with any colour vision can tell apart.

A chart is drawn once, in the colours of a light page; a dark page gets the same picture with every colour exchanged.
So two roles share a light colour only if they share the dark one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tieout.catalog import vocabulary

LIGHT_PAPER = "#ffffff"
DARK_PAPER = "#111111"


@dataclass(frozen=True)
class Colour:
    """A colour on a light page, and the one that stands for it on a dark page."""

    light: str
    dark: str


COMPONENTS: Mapping[str, Colour] = {each.name: Colour(*each.colours) for each in vocabulary.COMPONENTS}
PAPER = Colour(LIGHT_PAPER, DARK_PAPER)
INK = Colour("#1b2226", "#e8e6e1")
SOFT = Colour("#545e66", "#a9b1b7")
GRID = Colour("#dedbd2", "#333b41")
ACTUAL = Colour("#0072b2", "#56b4e9")
RESTATED = Colour("#96396f", "#e3a3c8")

# One hue for what functions cost, the dearest darkest: blue is always an actual cost.
FUNCTIONS = (
    Colour("#0b4f8a", "#3b8fd6"),
    Colour("#3f7fb5", "#6aaee3"),
    Colour("#79a9d1", "#94c4ea"),
    Colour("#a9c8e3", "#bcd9f2"),
    Colour("#cfe0ef", "#dceaf7"),
)
OTHERS = Colour("#c9c6bf", "#6b7177")

# Written with, so each must be readable on its page; the others only fill.
TEXT_COLOURS = (INK, SOFT, ACTUAL, RESTATED)

_ALL = (PAPER, INK, SOFT, GRID, ACTUAL, RESTATED, OTHERS, *FUNCTIONS, *COMPONENTS.values())
_DARK = {colour.light: colour.dark for colour in _ALL}
_ANY = re.compile(r'(?<=")(?:' + "|".join(sorted(_DARK)) + r')(?=")')


def to_dark(svg: str) -> str:
    """Exchange the colours of a light picture for those of a dark page; only whole attributes are colours."""
    return _ANY.sub(lambda match: _DARK[match.group()], svg)
