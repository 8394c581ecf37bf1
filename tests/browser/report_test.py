"""The report as people read it: with a mouse, a keyboard, a screen reader, on a phone, in the dark, and on paper."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Dialog, Page

from tests.browser.conftest import WIDE_FONT
from tests.golden.edges import EMPTY, HOSTILE, LOSS, MANY
from tests.golden.handmade import REPORT
from tieout.core.periods import IsoWeek
from tieout.report.formats.charts import draw_charts
from tieout.report.formats.html import write_report

pytestmark = pytest.mark.browser

DESKTOP, TABLET, PHONE, SMALL_PHONE = 1280, 768, 390, 360
# A week each, so that all of them are one archive.
WEEKS = {
    "hostile names": replace(HOSTILE, week=IsoWeek.parse("2026-W43")),
    "300 functions": replace(MANY, week=IsoWeek.parse("2026-W44")),
    "a loss": replace(LOSS, week=IsoWeek.parse("2026-W45")),
    "one of everything": REPORT,
    "no data": EMPTY,
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("reports")
    for report in WEEKS.values():
        write_report(report, draw_charts(report), directory)
    return directory


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": DESKTOP, "height": 900})
    yield context.new_page()
    context.close()


def address(reports: Path, name: str) -> str:
    return (reports / WEEKS[name].week.label / "index.html").as_uri()


def violations(page: Page) -> list[str]:
    """What axe finds wrong, each with the first element it found it at."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {rule['help']} at {rule['nodes'][0]['html'][:200]}" for rule in found]


def show(page: Page, url: str, *, width: int, scheme: Literal["light", "dark"]) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(url)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_nothing_keeps_anybody_from_reading_the_page(
    page: Page, reports: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    show(page, address(reports, "one of everything"), width=width, scheme=scheme)
    assert violations(page) == []


@pytest.mark.parametrize("name", ["no data", "hostile names"])
def test_nothing_keeps_anybody_from_reading_a_week_at_the_edge(page: Page, reports: Path, name: str) -> None:
    show(page, address(reports, name), width=PHONE, scheme="dark")
    assert violations(page) == []


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_nothing_keeps_anybody_from_reading_the_archive(page: Page, reports: Path, width: int) -> None:
    show(page, (reports / "index.html").as_uri(), width=width, scheme="light")
    assert violations(page) == []


def test_what_would_keep_somebody_from_reading_is_noticed(page: Page) -> None:
    page.set_content("<h1>Costs</h1><p style='color: #999; background: #fff'>pale</p><img src='data:,'>")
    assert {found.split(":")[0] for found in violations(page)} >= {"color-contrast", "html-has-lang", "image-alt"}


@pytest.mark.parametrize("name", WEEKS)
def test_the_page_never_scrolls_sideways(page: Page, reports: Path, name: str) -> None:
    page.goto(address(reports, name))
    for width in (DESKTOP, TABLET, PHONE, SMALL_PHONE):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


OVERFLOWING = """elements => elements
    .filter(element => element.scrollWidth > element.clientWidth + 1 && !element.closest('thead'))
    .map(element => element.innerText.trim().slice(0, 40))"""


@pytest.mark.parametrize("font", ["* {}", WIDE_FONT], ids=["its own font", "a wide font"])
@pytest.mark.parametrize("width", [PHONE, SMALL_PHONE])
def test_on_a_phone_no_table_scrolls_sideways_and_every_figure_fits(
    page: Page, reports: Path, width: int, font: str
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for url in (address(reports, "one of everything"), (reports / "index.html").as_uri()):
        page.goto(url)
        page.add_style_tag(content=font)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.eval_on_selector_all(".scroll, .scroll td, .scroll th", OVERFLOWING) == []
        assert page.locator(".scroll").count() > 0


def test_a_figure_that_does_not_fit_is_noticed(page: Page) -> None:
    page.set_content("<p style='width: 3rem; white-space: nowrap'>$1,234,567.89</p>")
    assert page.eval_on_selector_all("p", OVERFLOWING) == ["$1,234,567.89"]


@pytest.mark.parametrize("name", ["hostile names", "one of everything"])
def test_nothing_in_a_report_is_run_or_fetched(page: Page, reports: Path, name: str) -> None:
    dialogs: list[str] = []
    requests: list[str] = []
    complaints: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(address(reports, name))
    page.wait_for_load_state("networkidle")
    fetched = [url for url in requests if not url.startswith("data:image/svg+xml;base64,")]
    assert (dialogs, fetched, complaints) == ([], [address(reports, name)], [])
    assert page.locator("main img").count() == page.locator("main figure").count() > 0
    assert page.locator("script, main svg").count() == 0


def test_every_picture_is_drawn(page: Page, reports: Path) -> None:
    page.goto(address(reports, "one of everything"))
    widths = page.evaluate("[...document.images].map(picture => picture.naturalWidth)")
    assert len(widths) == 4
    assert min(widths) > 300


def test_a_hostile_name_is_read_as_it_is_written(page: Page, reports: Path) -> None:
    page.goto(address(reports, "hostile names"))
    ledger = page.locator("section[aria-labelledby=ledger]")
    for name in ("=cmd|' /C calc'!A0", "<img src=x onerror=alert(1)>"):
        assert ledger.get_by_role("rowheader", name=name).count() > 0


def test_the_first_key_leads_past_the_links(page: Page, reports: Path) -> None:
    page.goto(address(reports, "one of everything"))
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.inner_text() == "Skip to the report"
    assert skip.bounding_box()["y"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"


def test_a_reader_walks_from_week_to_week_and_to_the_archive(page: Page, reports: Path) -> None:
    page.goto((reports / "index.html").as_uri())
    page.get_by_role("link", name="2026-W45").click()
    page.get_by_role("link", name="2026-W46").click()
    page.get_by_role("link", name="2026-W48").click()
    assert page.get_by_role("heading", level=1).inner_text() == "CORAL-X week 2026-W48"
    assert page.locator("[rel=next]").count() == 0
    page.get_by_role("link", name="All weeks").click()
    assert page.get_by_role("row").count() == len(WEEKS) + 1


def test_a_link_of_the_contents_leads_to_its_section(page: Page, reports: Path) -> None:
    page.goto(address(reports, "one of everything"))
    page.get_by_role("navigation", name="On this page").get_by_role("link", name="Guardrails").click()
    assert page.get_by_role("region", name="Guardrails").is_visible()
    assert abs(page.locator("#guardrails").bounding_box()["y"]) < 100  # type: ignore[index]


def test_on_paper_the_links_are_gone_and_every_row_is_there(page: Page, reports: Path) -> None:
    page.emulate_media(media="print")
    page.goto(address(reports, "300 functions"))
    assert not page.locator("nav").first.is_visible()
    boxes = "[...document.querySelectorAll('.scroll')]"
    assert page.evaluate(f"{boxes}.filter(box => box.scrollHeight > box.clientHeight + 1).length") == 0
