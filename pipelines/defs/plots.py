"""Small drawings for the Dagster UI, as Markdown with the picture in it."""

import base64
import math
from collections.abc import Sequence

import dagster as dg

from pipelines.warehouse.evaluations import Evaluation

_STEP, _HEIGHT, _TALLEST, _SHORTEST = 8, 40, 32, 4
_HELD, _BROKEN = "#2e7d32", "#c62828"


def history_plot(evaluations: Sequence[Evaluation]) -> dg.MarkdownMetadataValue:
    """Draw a bar for every evaluation of a check, the oldest first.

    A check that held has a short green bar; a broken one a red bar, the taller the more rows broke it, by magnitude.
    """
    bars: dict[str, list[str]] = {_HELD: [], _BROKEN: []}
    for position, evaluation in enumerate(evaluations):
        height = _SHORTEST if evaluation.success else _height(evaluation.unexpected_rows)
        bars[_HELD if evaluation.success else _BROKEN].append(f"M{position * _STEP + 4} {_HEIGHT}v-{height}")
    paths = "".join(
        f'<path stroke="{colour}" stroke-width="6" d="{"".join(drawn)}"/>' for colour, drawn in bars.items() if drawn
    )
    width = len(evaluations) * _STEP
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}">{paths}</svg>'
    encoded = base64.b64encode(svg.encode()).decode()
    return dg.MetadataValue.md(f"![{_words(evaluations)}](data:image/svg+xml;base64,{encoded})")


def _height(unexpected_rows: int) -> int:
    return min(_TALLEST, 2 * _SHORTEST + round(6 * math.log10(1 + unexpected_rows)))


def _words(evaluations: Sequence[Evaluation]) -> str:
    broken = [evaluation for evaluation in evaluations if not evaluation.success]
    said = f"{len(evaluations)} evaluations since {evaluations[0].checked_at:%Y-%m-%d}, {len(broken)} broken"
    return f"{said}, last with {broken[-1].unexpected_rows:,} rows" if broken else said
