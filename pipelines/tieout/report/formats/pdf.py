"""The digest as one page of A4, for those who file or forward it: the same value as page, mail and text."""

import io
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from tieout.report.contents import WeeklyReport
from tieout.report.digest import Digest, KeyFigure, digest_of
from tieout.report.formats.text import fit, printable
from tieout.report.wording import plain, spoken

_INK, _SOFT, _LINE = "#1b2226", "#545e66", "#c9c6bf"
_COLOURS = {
    "verified": "#1c6b3c",
    "passed": "#1c6b3c",
    "provisional": "#8a5200",
    "premise not met": "#8a5200",
    "warning": "#8a5200",
    "reversed": "#a8201a",
    "blocked": "#a8201a",
    "clear": "#1c6b3c",
    "open": "#8a5200",
    "failed": "#a8201a",
}
_MARGIN_MM = 16
_FRAME_PADDING = 6
_LONGEST_WORD = 64
_PICTURE_MM = 92


def pdf_name(report: WeeklyReport) -> str:
    """The file's name, `tieout-2026-W46.pdf`."""
    return f"tieout-{report.week.label}.pdf"


def render_pdf(report: WeeklyReport, picture: bytes | None = None) -> bytes:
    """Return the digest as a PDF of one page; the same report and picture give the same bytes.

    Args:
        report: the week.
        picture: the chart `bill` as PNG; None to leave it out.
    """
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import KeepInFrame, SimpleDocTemplate

    digest = digest_of(report)
    file = io.BytesIO()
    margin = _MARGIN_MM * mm
    document = SimpleDocTemplate(
        file,
        pagesize=A4,
        leftMargin=margin,
        rightMargin=margin,
        topMargin=margin,
        bottomMargin=margin,
        title=printable(f"{digest.programme}, {digest.title}"),
        author="Tieout",
        subject=f"Input hash {report.inputs.sha256}",
        creator="Tieout",
        lang="en",
        # No time of making: the same week is the same file.
        invariant=1,
    )
    width = document.width - 2 * _FRAME_PADDING
    story = list(_story(digest, picture, width))
    # Whatever a week has to say, it is one page: what would not fit is set smaller.
    document.build([KeepInFrame(width, document.height - 2 * _FRAME_PADDING, story, mode="shrink")])
    return file.getvalue()


def _story(digest: Digest, picture: bytes | None, width: float) -> Iterator[Any]:
    from reportlab.platypus import Spacer

    yield _text(f"<b>{_safe(digest.title)}</b>", size=17, leading=21)
    yield _text(_safe(f"{digest.programme} · {digest.label}"), size=10.5, colour=_SOFT)
    yield _text(_safe(" ".join(digest.standing)), size=8, colour=_SOFT)
    for position, alert in enumerate(digest.alerts):
        state = "blocked" if digest.is_blocked and not position else "warning"
        yield _text(f"<b>{_safe(alert)}</b>", colour=_COLOURS[state])
    yield Spacer(1, 6)
    yield _side_by_side([list(_answer(answer)) for answer in digest.answers], width, line=True)
    if digest.saving is not None:
        yield _text(_safe(digest.saving))
    yield Spacer(1, 8)
    beside = [*_checks(digest), *_movers(digest)]
    yield _side_by_side([[_image(picture)], beside] if picture else [beside], width)
    yield from _opportunities(digest)
    yield from _list("To be known", map(_safe, digest.caveats))
    yield Spacer(1, 6)
    yield _text(_safe(digest.proof), size=6.5, colour=_SOFT)


def _answer(answer: KeyFigure) -> Iterator[Any]:
    colour = _COLOURS.get(answer.state, _SOFT if answer.state else _INK)
    yield _text(f"<b>{_safe(answer.question)}</b>", size=8, colour=_SOFT)
    small = f' <font size="9" color="{_SOFT}">{_safe(answer.small)}</font>' if answer.small else ""
    figure_colour = _INK if answer.word or not answer.state else colour
    yield _text(f"<b>{_safe(answer.figure)}</b>{small}", size=17, leading=21, colour=figure_colour)
    if answer.word:
        yield _text(f"<b>{_safe(answer.word)}</b>", size=10.5, leading=14, colour=colour)
    for line in answer.lines:
        yield _text(_safe(line[:1].upper() + line[1:]), size=8)


def _checks(digest: Digest) -> Iterator[Any]:
    if digest.checks:
        yield _head("Is it proven?")
        for check in digest.checks:
            why = f" ({check.why})" if check.why else ""
            colour, word = _COLOURS[check.state], "yes" if check.is_clear else check.state
            yield _text(f'<font color="{colour}"><b>{word}</b></font>&nbsp; {_safe(check.what + why)}', size=8)


def _movers(digest: Digest) -> Iterator[Any]:
    if digest.moved is not None:
        yield _head("What moved the bill")
        yield _text(_safe(digest.moved), size=8)
        for mover in digest.movers:
            reason = f"; {mover.reason}" if mover.reason else ""
            said = _safe(f"{spoken(mover.function)}, now {mover.now}{reason}")
            yield _text(f"<b>{_safe(mover.change)}</b>&nbsp; {said}", size=8)


def _opportunities(digest: Digest) -> Iterator[Any]:
    yield from _list(
        "Next opportunities",
        (
            f"<b>{_safe(each.figure)}</b>&nbsp; "
            f"{_safe(plain(f'{spoken(each.function)}, {each.what}. Remedy: {each.remedy}.'))}"
            for each in digest.opportunities
        ),
    )


def _list(title: str, lines: Iterable[str]) -> Iterator[Any]:
    said = list(lines)
    if said:
        yield _head(title)
        yield from (_text(f"•&nbsp; {line}", size=8) for line in said)


def _head(title: str) -> Any:
    return _text(f"<b>{_safe(title)}</b>", size=9.5, leading=16, above=5)


def _text(markup: str, *, size: float = 8.5, leading: float | None = None, colour: str = _INK, above: float = 0) -> Any:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph

    style = ParagraphStyle(
        "text",
        fontName=_font(),
        fontSize=size,
        leading=leading or size * 1.32,
        textColor=colour,
        spaceBefore=above,
        spaceAfter=1.5,
    )
    return Paragraph(markup, style)


def _side_by_side(cells: list[list[Any]], width: float, *, line: bool = False) -> Any:
    from reportlab.platypus import Table, TableStyle

    rules: list[tuple[Any, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
    ]
    if line:
        rules += [("LINEABOVE", (0, 0), (-1, 0), 1.2, _INK), ("LINEBELOW", (0, 0), (-1, 0), 0.5, _LINE)]
    return Table([cells], colWidths=[width / len(cells)] * len(cells), style=TableStyle(rules))


def _image(png: bytes) -> Any:
    from reportlab.lib.units import mm
    from reportlab.lib.utils import ImageReader
    from reportlab.platypus import Image

    width, height = ImageReader(io.BytesIO(png)).getSize()
    shown = (_PICTURE_MM - 6) * mm
    return Image(io.BytesIO(png), width=shown, height=shown * height / width)


@cache
def _font() -> str:
    """Register the letters that come with the library, which every reader of a PDF then has; return their name."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))
    pdfmetrics.registerFont(TTFont("VeraBd", "VeraBd.ttf"))
    pdfmetrics.registerFontFamily("Vera", normal="Vera", bold="VeraBd", italic="Vera", boldItalic="VeraBd")
    return "Vera"


def _safe(text: str) -> str:
    """A text as the library's markup has it: nothing in it is a tag, and no word is wider than a column."""
    words = printable(text).replace("→", "to").split()  # the letters have no arrow
    return escape(" ".join(fit(word, _LONGEST_WORD) for word in words))
