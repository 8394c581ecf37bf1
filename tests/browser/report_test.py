"""The report as people read it: with a mouse, a keyboard, a screen reader, on a phone, in the dark, and on paper."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Dialog, Page

from tests.browser.conftest import WIDE_FONT
from tests.golden.edges import EMPTY, HOSTILE, LOSS, MANY, SPEND_ONLY
from tests.golden.handmade import REPORT
from tieout.core.periods import IsoWeek
from tieout.report import pages
from tieout.report.formats.charts import draw_charts
from tieout.report.formats.html import write_report

pytestmark = pytest.mark.browser

DESKTOP, TABLET, PHONE, SMALL_PHONE = 1280, 768, 390, 360
# A week each, so that all of them are one archive.
WEEKS = {
    "no claim": replace(SPEND_ONLY, week=IsoWeek.parse("2026-W42")),
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


@pytest.fixture(scope="module")
def context(chromium: Chromium) -> Iterator[BrowserContext]:
    opened = chromium.new_context(viewport={"width": DESKTOP, "height": 900})
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def tab(context: BrowserContext) -> Page:
    """The one tab of these tests: to start what draws a new one costs more than most of them do."""
    return context.new_page()


@pytest.fixture
def page(tab: Page) -> Page:
    """The tab on a screen as wide as a desk's. What it shows is of the test before: every test opens what it needs."""
    tab.set_viewport_size({"width": DESKTOP, "height": 900})
    tab.emulate_media(media="null", color_scheme="light")
    return tab


EVIDENCE = tuple(page.file for page in pages.EVIDENCE)
FUNCTION = REPORT.functions[0].file


def address(reports: Path, name: str, page: str = "index.html") -> str:
    return (reports / WEEKS[name].week.label / page).as_uri()


def violations(page: Page) -> list[str]:
    """What axe finds wrong, each with the first element it found it at."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {rule['help']} at {rule['nodes'][0]['html'][:200]}" for rule in found]


def show(page: Page, url: str, *, width: int, scheme: Literal["light", "dark"]) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(url)


@pytest.mark.parametrize(("width", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
@pytest.mark.parametrize("file", ["index.html", *EVIDENCE, FUNCTION])
def test_nothing_keeps_anybody_from_reading_a_page(
    page: Page, reports: Path, file: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    show(page, address(reports, "one of everything", file), width=width, scheme=scheme)
    page.eval_on_selector_all("details", "boxes => boxes.forEach(box => box.open = true)")
    assert violations(page) == []


@pytest.mark.parametrize("name", WEEKS)
def test_the_week_in_short_is_two_screens_and_four_on_a_phone(page: Page, reports: Path, name: str) -> None:
    for width, height, screens in ((1280, 800, 2), (390, 844, 4)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(address(reports, name))
        assert page.evaluate("document.documentElement.scrollHeight") <= screens * height


@pytest.mark.parametrize("name", WEEKS)
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


@pytest.mark.parametrize(
    ("name", "file"),
    [
        (name, file)
        for name, report in WEEKS.items()
        for file in ("index.html", *(page.file for page in pages.pages_of(report)))
    ],
)
def test_a_page_never_scrolls_sideways(page: Page, reports: Path, name: str, file: str) -> None:
    page.goto(address(reports, name, file))
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
    files = (*EVIDENCE, FUNCTION)
    for url in (*(address(reports, "one of everything", file) for file in files), (reports / "index.html").as_uri()):
        page.goto(url)
        page.add_style_tag(content=font)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.eval_on_selector_all(".scroll, .scroll td, .scroll th", OVERFLOWING) == []


# Lines of text that lie on one another. What scrolls in a box is seen within it only, and its header lies on its rows.
OVERLAPPING = """() => {
    const lines = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode, parent = text.parentElement;
        const head = parent.closest('thead');
        const isUnseen = parent.closest('.unseen, .skip') || (head && getComputedStyle(head).clipPath !== 'none');
        if (!text.data.trim() || isUnseen || parent.closest('.tall thead, .tall tfoot')) continue;
        if (!parent.checkVisibility()) continue;
        const box = parent.closest('.scroll')?.getBoundingClientRect();
        const range = document.createRange();
        range.selectNodeContents(text);
        for (const line of range.getClientRects()) {
            if (line.width > 1 && (!box || (line.bottom <= box.bottom && line.right <= box.right + 1)))
                lines.push({line, said: text.data.trim().slice(0, 40)});
        }
    }
    lines.sort((a, b) => a.line.top - b.line.top);
    const found = [];
    lines.forEach((a, i) => {
        for (const b of lines.slice(i + 1)) {
            if (b.line.top >= a.line.bottom) break;
            const across = Math.min(a.line.right, b.line.right) - Math.max(a.line.left, b.line.left);
            const down = Math.min(a.line.bottom, b.line.bottom) - b.line.top;
            if (across > 2 && down > 6) found.push(`${a.said} / ${b.said}`);
        }
    });
    return found;
}"""


# Where the header stays above figures on a phone, a figure and its title end at the same place.
MISALIGNED = """tables => tables.flatMap(table => {
    const heads = [...table.tHead.querySelectorAll('th.n')], row = [...(table.tBodies[0]?.rows ?? [])].find(
        row => row.querySelectorAll('td.n').length === heads.length);
    if (!row || getComputedStyle(table.tHead).clipPath !== 'none') return [];
    return [...row.querySelectorAll('td.n')]
        .filter((cell, i) => Math.abs(cell.getBoundingClientRect().right - heads[i].getBoundingClientRect().right) > 3)
        .map(cell => `${table.caption.id}: ${cell.innerText}`);
})"""
PAPER = 688  # A4 between its margins


@pytest.mark.parametrize("name", WEEKS)
def test_no_text_lies_on_another_and_every_column_is_in_sight_under_its_title(
    page: Page, reports: Path, name: str
) -> None:
    files = ["index.html", *(each.file for each in pages.pages_of(WEEKS[name]))]
    files += [each.file for each in WEEKS[name].functions[:1]]
    for url in (*(address(reports, name, file) for file in files), (reports / "index.html").as_uri()):
        page.goto(url)
        page.eval_on_selector_all("details", "boxes => boxes.forEach(box => box.open = true)")
        for width, media in ((DESKTOP, "screen"), (PHONE, "screen"), (PAPER, "print")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(media=media)  # type: ignore[arg-type]
            assert page.evaluate(OVERLAPPING) == [], (url, width)
            assert page.eval_on_selector_all(".scroll", OVERFLOWING) == [], (url, width)
            assert page.eval_on_selector_all(".scroll table", MISALIGNED) == [], (url, width)


def test_text_that_lies_on_another_is_noticed(page: Page) -> None:
    page.set_content("<p style='margin: 0'>Spent</p><p style='margin: -12px 0 0'>Saved</p><p>Ties</p>")
    assert page.evaluate(OVERLAPPING) == ["Spent / Saved"]


def test_a_figure_beside_its_title_is_noticed(page: Page) -> None:
    page.set_content(
        "<table><caption id=costs>Costs</caption><thead><tr><th class=n>Cost</th></tr></thead>"
        "<tbody><tr><td class=n style='position: relative; left: 9px'>$1.00</td></tr></tbody></table>"
    )
    assert page.eval_on_selector_all("table", MISALIGNED) == ["costs: $1.00"]


def test_an_amount_a_day_of_any_size_is_apart_from_its_function(page: Page, reports: Path) -> None:
    page.goto(address(reports, "one of everything"))
    page.eval_on_selector_all(".moves .by", "amounts => amounts.forEach(each => each.innerText = '$12,345.67 a day')")
    for media in ("screen", "print"):
        page.emulate_media(media=media)
        ends = page.eval_on_selector_all(".moves .by", "all => all.map(each => each.scrollWidth - each.clientWidth)")
        assert max(ends) <= 0


def test_a_table_that_is_cut_has_all_of_its_rows_as_csv(page: Page, reports: Path) -> None:
    page.goto(address(reports, "300 functions", "data.html"))
    link = page.locator(".tabled:has(#coverage) a.csv")
    rows = (reports / WEEKS["300 functions"].week.label / str(link.get_attribute("href"))).read_text().splitlines()
    assert rows[0] == "Function,Billed,At least,At most,By the log,Coverage"
    assert len(rows) == 301


def test_a_figure_that_does_not_fit_is_noticed(page: Page) -> None:
    page.set_content("<p style='width: 3rem; white-space: nowrap'>$1,234,567.89</p>")
    assert page.eval_on_selector_all("p", OVERFLOWING) == ["$1,234,567.89"]


@pytest.mark.parametrize("name", ["hostile names", "one of everything"])
def test_nothing_in_a_report_is_run_or_fetched(context: BrowserContext, reports: Path, name: str) -> None:
    page = context.new_page()
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
    fetched = [url for url in requests if not url.startswith("data:image/svg+xml")]
    assert (dialogs, fetched, complaints) == ([], [address(reports, name)], [])
    assert page.locator("main img").count() == page.locator("main figure").count() > 0
    assert page.locator("script, main svg").count() == 0
    page.goto(address(reports, name, "spend.html"))
    page.wait_for_load_state("networkidle")
    assert (dialogs, complaints) == ([], [])
    assert page.locator("script").count() == 1
    page.close()


def test_every_picture_is_drawn(page: Page, reports: Path) -> None:
    widths: list[int] = []
    for file in ("index.html", "savings.html", "spend.html"):
        page.goto(address(reports, "one of everything", file))
        widths += page.evaluate("[...document.images].map(picture => picture.naturalWidth)")
    assert len(widths) == 4
    assert min(widths) > 300


def test_a_table_is_sorted_by_the_column_that_is_chosen_and_back(page: Page, reports: Path) -> None:
    page.goto(address(reports, "300 functions", "data.html"))
    heads = page.locator("table:has(#coverage) thead")
    names = (
        "[...document.querySelector('#coverage').closest('table').tBodies[0].rows].map(row => row.cells[0].innerText)"
    )
    *before, rest = page.evaluate(names)
    assert rest == "240 more rows are in the CSV and the workbook; totals include them."
    heads.get_by_role("button", name="Function").click()
    assert page.evaluate(names) == [*sorted(before), rest]
    heads.get_by_role("button", name="Function").press("Enter")
    assert page.evaluate(names) == [*sorted(before, reverse=True), rest]
    assert heads.locator("th").first.get_attribute("aria-sort") == "descending"


def test_without_its_script_a_page_has_its_tables_in_their_order(chromium: Chromium, reports: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(address(reports, "one of everything", "spend.html"))
    assert opened.locator("thead button").count() == 0
    assert opened.get_by_role("rowheader", name="generate_code_modal").count() > 0
    context.close()


def test_a_hostile_name_is_read_as_it_is_written(page: Page, reports: Path) -> None:
    page.goto(address(reports, "hostile names", "savings.html"))
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
    page.get_by_role("link", name="2–8 Nov 2026").click()
    page.get_by_role("link", name="2026-W46").click()
    page.get_by_role("link", name="2026-W48").click()
    assert page.get_by_role("heading", level=1).inner_text() == "23–29 November 2026 CORAL-X · 2026-W48"
    assert page.locator("[rel=next]").count() == 0
    page.get_by_role("link", name="All weeks").click()
    assert page.locator("table:has(#weeks) tbody tr").count() == len(WEEKS)


def test_a_reader_walks_from_the_week_to_its_evidence_to_a_function_and_back(page: Page, reports: Path) -> None:
    page.goto(address(reports, "one of everything"))
    page.get_by_role("navigation", name="Evidence").get_by_role("link", name="Savings").click()
    assert page.get_by_role("region", name="Ledger: every function in every phase").is_visible()
    page.get_by_role("link", name="generate_code_modal").first.click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("generate_code_modal")
    page.get_by_role("link", name="The week in short").click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("9–15 November 2026")


def test_on_paper_the_links_are_gone_and_every_row_is_there(page: Page, reports: Path) -> None:
    page.emulate_media(media="print")
    page.goto(address(reports, "300 functions", "spend.html"))
    assert not page.locator("nav").first.is_visible()
    boxes = "[...document.querySelectorAll('.scroll')]"
    assert page.evaluate(f"{boxes}.filter(box => box.scrollHeight > box.clientHeight + 1).length") == 0


def test_a_table_is_sorted_by_keyboard(page: Page, reports: Path) -> None:
    page.goto(address(reports, "300 functions", "data.html"))
    names = page.locator("table:has(#coverage) tbody th")
    before = names.all_inner_texts()
    head = page.locator("table:has(#coverage) thead").get_by_role("button", name="Function")
    for direction, expected in (("ascending", sorted(before)), ("descending", sorted(before, reverse=True))):
        head.focus()
        page.keyboard.press("Enter")
        assert names.all_inner_texts() == expected
        assert page.locator(f"table:has(#coverage) th[aria-sort={direction}]").inner_text().startswith("Function")
        assert "more rows are in the CSV" in page.locator("table:has(#coverage) tbody tr").last.inner_text()


def test_without_a_script_everything_but_sorting_is_there(chromium: Chromium, reports: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address(reports, "one of everything", "spend.html"))
    assert page.locator("table:has(#spend-rows) tfoot .total").is_visible()
    assert page.locator("thead button").count() == 0
    page.get_by_text("Query spend_of_week").click()
    assert page.get_by_role("group", name="SQL of spend_of_week").is_visible()
    page.get_by_role("link", name="The week in short").click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("9–15 November 2026")
    context.close()


def test_on_paper_the_week_in_short_is_two_pages_at_most(page: Page, reports: Path, tmp_path: Path) -> None:
    for name in WEEKS:
        page.goto(address(reports, name))
        printed = page.pdf(path=tmp_path / "week.pdf", prefer_css_page_size=True)
        assert len(re.findall(rb"/Type /Page\b", printed)) <= 2, name
