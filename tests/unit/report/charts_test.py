import base64
import datetime as dt
import hashlib
import io
import itertools
import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.golden.handmade import REPORT, usd
from tieout.catalog.vocabulary import COMPONENTS as COMPONENTS_OF_THE_CATALOG
from tieout.core.money import format_usd
from tieout.report.contents import WeeklyReport
from tieout.report.formats.charts import Chart, draw_charts
from tieout.report.formats.charts.bill import draw_bill
from tieout.report.formats.charts.components import draw_components
from tieout.report.formats.charts.cumulative import draw_cumulative
from tieout.report.formats.charts.frame import EndLabel, Frame, draw_labels, name_amounts_above, round_steps, width_of
from tieout.report.formats.charts.functions import draw_functions
from tieout.report.formats.charts.palette import COMPONENTS, DARK_PAPER, INK, LIGHT_PAPER, TEXT_COLOURS, Colour
from tieout.report.formats.charts.shapes import (
    FONT_SIZE,
    LINE_HEIGHT,
    WIDTH,
    Band,
    Box,
    Line,
    Rule,
    Shape,
    Word,
    to_svg,
)
from tieout.report.sections.history import NamedAmount

SVG = "{http://www.w3.org/2000/svg}"
PHONE_WIDTH = 390
PHONE_MARGIN = 24
SMALLEST_LETTERS = 11
READABLE_CONTRAST = 4.5


def named(name: str) -> WeeklyReport:
    """The handmade report with a name of somebody else's choosing wherever a chart shows one."""
    assert REPORT.cumulative is not None
    functions = tuple(replace(function, function=name) for function in REPORT.history.functions)
    deployments = tuple(replace(deployment, phase=name) for deployment in REPORT.cumulative.deployments)
    weeks = tuple(replace(week, functions=(NamedAmount(name, week.total_usd),)) for week in REPORT.history.weeks)
    return replace(
        REPORT,
        cumulative=replace(REPORT.cumulative, deployments=deployments),
        history=replace(REPORT.history, functions=functions, weeks=weeks),
    )


DRAWN: Mapping[str, Callable[[WeeklyReport], Chart | None]] = {
    "bill": draw_bill,
    "cumulative": draw_cumulative,
    "functions": draw_functions,
    "components": draw_components,
}


def chart(name: str, report: WeeklyReport = REPORT) -> Chart:
    drawn = DRAWN[name](report)
    assert drawn is not None
    return drawn


def words(picture: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def assert_words_are_inside(picture: Chart) -> None:
    root = ElementTree.fromstring(picture.light_svg)
    for element in root.iter(f"{SVG}text"):
        at, y = float(element.get("x") or ""), float(element.get("y") or "")
        width = width_of(element.text or "")
        left = at - width if element.get("text-anchor") == "end" else at
        assert left >= -1, element.text
        assert left + width <= WIDTH + 1, element.text
        assert FONT_SIZE / 2 <= y <= float(root.get("height") or "") - FONT_SIZE / 4, element.text


@pytest.fixture(scope="module")
def charts() -> tuple[Chart, ...]:
    return draw_charts(REPORT)


# What is drawn


def test_a_report_with_everything_has_every_chart(charts: tuple[Chart, ...]) -> None:
    assert [chart.name for chart in charts] == ["bill", "cumulative", "functions", "components"]


def test_every_function_above_one_percent_has_its_colour_and_the_others_are_one() -> None:
    [*earlier, last] = REPORT.history.weeks
    small = tuple(NamedAmount(f"small_{number}", usd("0.10")) for number in range(3))
    many = replace(last, functions=(*last.functions, *small), total_usd=last.total_usd + usd("0.30"))
    picture = chart("bill", replace(REPORT, history=replace(REPORT.history, weeks=(*earlier, many))))
    said = words(picture.light_svg)
    assert {"3 others", "$0.30", "$90.00", "$10.00"} <= set(said)
    assert said[-2:] == ["US dollars a week; Modal’s bill, attributed", "Named are the dearest of all weeks"]
    assert_words_are_inside(picture)


def test_the_outline_of_a_week_is_its_bill_and_what_it_avoided() -> None:
    assert REPORT.cumulative is not None
    avoided = sum(p.avoided_usd or 0 for p in REPORT.cumulative.points if p.day >= REPORT.week.start)
    picture = chart("bill")
    assert f"The same work would have cost {format_usd(usd('100.00') + avoided)}" in picture.alt
    assert "Outline: what the same work would have cost" in words(picture.light_svg)
    nothing = chart("bill", replace(REPORT, cumulative=None))
    assert "Outline: what the same work would have cost" not in words(nothing.light_svg)


def test_the_published_saving_gets_a_scale_of_its_own_when_it_would_hide_the_rest() -> None:
    said = words(chart("cumulative").light_svg)
    assert "on the scale that it needs" in said
    assert [word for word in said if word in ("$103.50", "± $12.10")][:2] == ["$103.50", "± $12.10"]
    assert {"$264", "$45,540"} <= set(said)


def test_a_published_saving_of_the_measured_size_is_drawn_beside_it() -> None:
    assert REPORT.cumulative is not None
    near = tuple(replace(p, published_usd=(p.published_usd or usd("0")) / 100) for p in REPORT.cumulative.points)
    said = words(chart("cumulative", replace(REPORT, cumulative=replace(REPORT.cumulative, points=near))).light_svg)
    assert "$455.40" in said
    assert "on the scale that it needs" not in said


def test_the_measured_line_is_broken_where_days_do_not_count() -> None:
    assert REPORT.cumulative is not None
    whole = tuple(replace(p, avoided_usd=p.avoided_usd or usd("0")) for p in REPORT.cumulative.points)
    unbroken = replace(REPORT, cumulative=replace(REPORT.cumulative, points=whole))
    # In each of the two panels there are two stretches, and one band for each.
    assert _areas(chart("cumulative").light_svg) == 4
    assert _areas(chart("cumulative", unbroken).light_svg) == 2


def _areas(picture: str) -> int:
    return len(re.findall(r'<path [^>]*fill="#0072b2"', picture))


def test_a_loss_is_drawn_below_nought() -> None:
    assert REPORT.cumulative is not None
    points = tuple(
        replace(p, cumulative_usd=-p.cumulative_usd, avoided_usd=None if p.avoided_usd is None else -p.avoided_usd)
        for p in REPORT.cumulative.points
    )
    said = words(chart("cumulative", replace(REPORT, cumulative=replace(REPORT.cumulative, points=points))).light_svg)
    assert {"−$103.50", "$0"} <= set(said)


def test_the_end_of_the_line_is_the_sum_of_the_weeks_in_their_printed_cents() -> None:
    assert REPORT.cumulative is not None
    points = tuple(
        replace(p, avoided_usd=usd("0.0036"), cumulative_usd=usd("0.0036") * number)
        for number, p in enumerate(REPORT.cumulative.points, start=1)
    )
    cumulative = replace(REPORT.cumulative, points=points)
    assert format_usd(cumulative.reached_usd) != format_usd(cumulative.last.cumulative_usd)
    said = words(chart("cumulative", replace(REPORT, cumulative=cumulative)).light_svg)
    assert said[said.index("measured") + 1] == format_usd(cumulative.reached_usd)


def test_of_300_functions_the_dearest_are_drawn_and_the_others_are_counted() -> None:
    function = REPORT.history.functions[0]
    many = tuple(replace(function, function=f"function_{number}") for number in range(300))
    picture = chart("functions", replace(REPORT, history=replace(REPORT.history, functions=many)))
    assert [word for word in words(picture.light_svg) if word.startswith("function_")] == [
        f"function_{number}" for number in range(6)
    ]
    assert "The 6 dearest; 294 others not shown." in words(picture.light_svg)
    assert picture.alt.endswith("294 others not shown.")


def test_a_credit_is_stacked_below_nought() -> None:
    *earlier, last = REPORT.history.weeks
    credited = replace(last, components=(*last.components, NamedAmount("direct", usd("-20.00"))))
    picture = chart("components", replace(REPORT, history=replace(REPORT.history, weeks=(*earlier, credited))))
    assert {"direct", "−$20.00", "$0"} <= set(words(picture.light_svg))


def test_every_component_has_a_colour() -> None:
    assert list(COMPONENTS) == [component.name for component in COMPONENTS_OF_THE_CATALOG]


def test_a_week_without_figures_has_no_empty_axes() -> None:
    nothing = replace(
        REPORT,
        bridge=None,
        cumulative=None,
        history=replace(
            REPORT.history,
            functions=tuple(replace(function, deployed=None) for function in REPORT.history.functions),
            weeks=tuple(replace(week, functions=(), components=()) for week in REPORT.history.weeks),
        ),
    )
    assert draw_charts(nothing) == ()


# How it is drawn


def test_every_kind_of_shape_is_drawn_and_words_lie_above_the_rest() -> None:
    shapes: list[Shape] = [
        *(
            Word(0, 0, "a & b", align=align, is_bold=is_bold)
            for align in ("left", "right")
            for is_bold in (True, False)
        ),
        *(Line(((0, 0), (5, 5.126)), INK, is_dashed=is_dashed) for is_dashed in (False, True)),
        Box(0, 9, 0, 9, INK),
        Band(((0, 2, 1), (5, 3, 1)), INK),
        Rule(-0.001, 0, 9, 9, INK),
    ]
    [drawn] = ElementTree.fromstring(to_svg(shapes, 10))
    kinds = [element.tag.removeprefix(SVG) for element in drawn]
    assert kinds == ["line", "path", "rect", "path", "path", "text", "text", "text", "text"]
    [rule, band, box, whole, dashed, *said] = drawn
    assert (rule.get("x1"), rule.get("stroke"), band.get("d")) == ("0", INK.light, "M0,2L5,3L5,1L0,1Z")
    assert (box.get("width"), whole.get("d")) == ("9", "M0,0L5,5.13")
    assert (whole.get("stroke-dasharray"), dashed.get("stroke-dasharray")) == (None, "5 3")
    assert [(word.text, word.get("text-anchor"), word.get("font-weight")) for word in said] == [
        ("a & b", None, "600"), ("a & b", None, None), ("a & b", "end", "600"), ("a & b", "end", None),
    ]  # fmt: skip


def test_functions_are_named_in_full_where_there_is_room() -> None:
    longest = "save_realtime_results_of_every_run_modal"
    assert longest in words(chart("bill", named(longest)).light_svg)
    assert longest in words(chart("functions", named(longest)).light_svg)
    assert "a_rollout_of_everything" in words(chart("cumulative", named("a_rollout_of_everything")).light_svg)


def test_the_same_report_gives_the_same_bytes_in_another_process(charts: tuple[Chart, ...]) -> None:
    script = (
        "import hashlib; from tieout.report.formats.charts import draw_charts; "
        "from tests.golden.handmade import REPORT;"
        "print(hashlib.sha256(repr(draw_charts(REPORT)).encode()).hexdigest())"
    )
    seeded = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland"}
    said = subprocess.run(
        [sys.executable, "-c", script], env=seeded, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert said == hashlib.sha256(repr(charts).encode()).hexdigest()


@pytest.mark.parametrize("colour", TEXT_COLOURS, ids=lambda colour: colour.light)
def test_every_colour_of_text_can_be_read(colour: Colour) -> None:
    for ink, papers in ((colour.light, (LIGHT_PAPER, "#fbfaf7")), (colour.dark, (DARK_PAPER, "#1b2125"))):
        for paper in papers:
            lighter, darker = sorted((_luminance(ink), _luminance(paper)), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= READABLE_CONTRAST, f"{ink} on {paper}"


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_has_no_other_colour(charts: tuple[Chart, ...]) -> None:
    for picture in charts:
        for svg, inks in (
            (picture.light_svg, {colour.light for colour in TEXT_COLOURS}),
            (picture.dark_svg, {colour.dark for colour in TEXT_COLOURS}),
        ):
            used = {element.get("fill") for element in ElementTree.fromstring(svg).iter(f"{SVG}text")}
            assert used <= inks


def test_the_dark_picture_is_the_light_one_in_other_colours(charts: tuple[Chart, ...]) -> None:
    for picture in charts:
        assert words(picture.dark_svg) == words(picture.light_svg)
        assert INK.light not in picture.dark_svg
        assert re.sub("#[0-9a-f]{6}", "", picture.dark_svg) == re.sub("#[0-9a-f]{6}", "", picture.light_svg)


def test_letters_are_large_enough_on_a_phone(charts: tuple[Chart, ...]) -> None:
    shown = PHONE_WIDTH - 2 * PHONE_MARGIN
    for picture in charts:
        root = ElementTree.fromstring(picture.light_svg)
        assert root.get("width") == str(WIDTH)
        for element in root.iter(f"{SVG}text"):
            assert float((element.get("font-size") or "0").removesuffix("px")) == FONT_SIZE
    assert FONT_SIZE * shown / WIDTH >= SMALLEST_LETTERS


@pytest.mark.parametrize("amount", ["103.50", "-12345678.90"])
def test_no_word_leaves_the_picture(amount: str) -> None:
    assert REPORT.cumulative is not None
    points = tuple(
        replace(point, cumulative_usd=usd(amount), avoided_usd=usd(amount)) for point in REPORT.cumulative.points
    )
    report = named("x" * 300)
    for picture in draw_charts(replace(report, cumulative=replace(REPORT.cumulative, points=points))):
        assert_words_are_inside(picture)


HOSTILE_NAMES = (
    "<img src=x onerror=alert(1)>",
    "=cmd|' /C calc'!A0",
    '"><script>alert(1)</script>',
    "a\r\x1b[2J\x07\u202eb",
)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_inert(name: str) -> None:
    for kind in ("bill", "cumulative", "functions"):
        picture, harmless = chart(kind, named(name)), chart(kind, named("harmless"))
        for svg, same in ((picture.light_svg, harmless.light_svg), (picture.dark_svg, harmless.dark_svg)):
            found, expected = (
                {element.tag for element in ElementTree.fromstring(drawn).iter()} for drawn in (svg, same)
            )
            assert found == expected
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", svg)
        assert not re.search(r"[\x00-\x1f\x7f\u202e]", picture.alt)


def test_a_function_that_is_called_like_a_colour_keeps_its_name_on_a_dark_page() -> None:
    assert INK.light in words(chart("functions", named(INK.light)).dark_svg)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=7))
def test_labels_at_the_end_of_lines_never_cover_each_other(amounts: list[int]) -> None:
    day = dt.date(2026, 11, 9)
    frame = Frame(0, 300, 60, 330, day, day, Decimal(-1000), Decimal(1000))
    drawn = draw_labels(frame, [EndLabel(Decimal(amount), ("name", f"${amount}"), INK) for amount in amounts])
    heights = sorted(word.y for word in drawn if isinstance(word, Word))
    assert all(after - before >= LINE_HEIGHT - 2 - 1e-6 for before, after in itertools.pairwise(heights))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 10_000))
def test_the_name_of_an_amount_stays_below_the_names_of_deployments(high: int) -> None:
    day = dt.date(2026, 11, 9)
    frame = Frame(0, 300, 60, 190, day, day, Decimal(0), Decimal(high))
    assert all(word.y - LINE_HEIGHT / 2 >= frame.top for word in name_amounts_above(frame) if isinstance(word, Word))


@settings(max_examples=100, deadline=None)
@given(st.decimals("-1e9", "1e9", places=2), st.decimals("0.01", "1e9", places=2))
def test_a_scale_has_few_round_amounts_within_its_bounds(low: Decimal, extent: Decimal) -> None:
    steps = round_steps(low, low + extent)
    assert 1 <= len(steps) <= 5
    assert all(low <= step <= low + extent for step in steps)
    assert 0 in steps or not low <= 0 <= low + extent


def test_the_picture_for_mail_is_opaque_and_sharp() -> None:
    png = chart("bill").png(2)
    assert png.startswith(b"\x89PNG")
    width, height, _, colours = struct.unpack(">IIBB", png[16:26])
    assert (width, height % 2) == (2 * WIDTH, 0)
    assert colours == 3  # a palette
    assert Image.open(io.BytesIO(png)).convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert len(png) < 75_000


def test_a_page_can_hold_the_picture_as_an_address() -> None:
    picture = chart("components")
    kind, _, data = picture.light_uri.partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(data).decode("utf-8") == picture.light_svg


def test_a_picture_says_in_sentences_what_is_on_it(charts: tuple[Chart, ...]) -> None:
    said = {picture.name: picture.alt for picture in charts}
    assert said["cumulative"].startswith("Since Mon 2 Nov 2026: avoided cost $103.50 ± $12.10 over 11 measured days")
    assert "from $118.40 in 2026-W45 to $100.00 in 2026-W46" in said["bill"]
    assert "generate_code_modal $13.33 instead of $23.33" in said["functions"]
    assert "2026-W46 cost $100.00: execution $71.25, idle $28.00 and unexplained $0.75." in said["components"]
    for picture in charts:
        root = ElementTree.fromstring(picture.light_svg)
        assert (root.get("role"), root.get("aria-label")) == ("img", picture.alt)
