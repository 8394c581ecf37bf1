"""The mail as a mail program with a browser inside shows it: readable for everybody, at desk and on the phone."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from tests.browser.conftest import WIDE_FONT
from tests.golden.handmade import REPORT
from tests.mail.conftest import ANNA, NOW, SENDER
from tieout.mail.compose import Envelope, Picture, compose_report
from tieout.report.formats.charts import draw_charts

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=document.title='run'>"


@pytest.fixture(scope="module")
def mail() -> str:
    [line, *_] = REPORT.opportunities.lines
    report = replace(REPORT, opportunities=replace(REPORT.opportunities, lines=(replace(line, function=HOSTILE),)))
    pictures = [Picture(chart.name, chart.alt, chart.png()) for chart in draw_charts(REPORT)]
    return compose_report(
        report, Envelope("r1", "finance", SENDER, (ANNA,), NOW), pictures=pictures, workbook=b""
    ).preview


@pytest.fixture(scope="module")
def page(chromium: Chromium) -> Iterator[Page]:
    with chromium.new_page() as opened:
        yield opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [700, 390])
def test_nothing_keeps_anybody_from_reading_the_mail(
    page: Page, mail: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.set_content(mail)
    violations = Axe().run(page).response["violations"]
    assert [(found["id"], found["nodes"][0]["html"]) for found in violations] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("[...document.images].map(image => image.complete && image.naturalWidth > 0)") == [True]
    assert [url for url in asked if not url.startswith("data:image/png")] == []
    assert HOSTILE in page.inner_text("body").replace("\n", "")
    assert page.title() != "run"


@pytest.mark.parametrize("width", [390, 360])
def test_on_a_phone_the_mail_fits_whatever_its_font(page: Page, mail: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.set_content(mail)
    page.add_style_tag(content=WIDE_FONT)
    assert page.evaluate("document.documentElement.scrollWidth") == width
