from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from tests.browser.conftest import Served
from tests.conftest import FIRST_WEEK, LAST_WEEK
from tieout.validation.suites import load_suite
from tieout.warehouse.models import FLOORS

pytestmark = pytest.mark.browser


WAITS_MS = 120_000


@pytest.fixture(scope="module")
def page(chromium: Chromium) -> Iterator[Page]:
    """A page of one browser, which keeps Dagster's program from one test to the next."""
    opened = chromium.new_page(viewport={"width": 1600, "height": 1200})
    opened.set_default_timeout(WAITS_MS)
    yield opened
    opened.close()


def shows(page: Page, *texts: str) -> None:
    """Wait until a page shows texts: its data come after it."""
    for text in texts:
        page.get_by_text(text).first.wait_for()


def test_the_graph_shows_the_floors(page: Page, served: Served) -> None:
    page.goto(served.at("/asset-groups"))
    for floor in ("landing", "catalog", *FLOORS, "reports"):
        page.get_by_text(floor, exact=True).first.wait_for()


def test_a_table_shows_its_columns_and_rows(page: Page, served: Served) -> None:
    page.goto(served.at("/assets/spend/hourly?view=overview"))
    shows(page, "Every billed amount attributed to functions", "DECIMAL(38,12)", "Row count")
    shows(page, "who caused it; names in double underscores are residuals")


def test_a_table_shows_its_checks_by_name(page: Page, served: Served) -> None:
    page.goto(served.at("/assets/spend/attributed?view=checks"))
    names = [expectation.check_name for expectation in load_suite("spend.attributed").expectations]
    assert "every_pool_equals_the_bill" in names
    shows(page, "every_pool_equals_the_bill")
    page.get_by_text("Succeeded").nth(len(names) - 1).wait_for()


def test_a_table_is_partitioned_by_week(page: Page, served: Served) -> None:
    page.goto(served.at("/assets/spend/hourly?view=partitions"))
    shows(page, FIRST_WEEK, LAST_WEEK, "Materialized (2)")


def test_the_report_is_on_its_asset(page: Page, served: Served) -> None:
    page.goto(served.at("/assets/reports/weekly?view=overview"))
    shows(page, "difference $0.000000000000")


def test_the_report_shows_its_chart_at_once_and_links_to_its_page(page: Page, served: Served) -> None:
    page.goto(served.at("/assets/reports/weekly?view=overview"))
    chart = page.locator(f"img[src='/archive/{LAST_WEEK}/chart-bill.svg']")
    chart.wait_for()
    assert chart.evaluate("picture => picture.decode().then(() => picture.naturalWidth)") == 460
    with page.expect_popup() as opened:
        page.locator(f"a[href='/archive/{LAST_WEEK}/index.html']").first.click()
    assert opened.value.get_by_role("heading", name="Is it proven?").is_visible()
    opened.value.close()


def test_what_the_command_line_ran_is_on_the_timeline(page: Page, served: Served) -> None:
    page.goto(served.at("/overview/activity/timeline"))
    page.locator("a[href$='/jobs/run']").first.wait_for()


def test_a_browser_that_nobody_gave_the_token_sees_nothing(chromium: Chromium, served: Served) -> None:
    page = chromium.new_page()
    page.goto(f"{served.address}/assets/spend/hourly?view=overview")
    shows(page, "Nobody is signed in.")
    assert "spend" not in page.content()
    page.close()


def test_a_reader_opens_the_archive_beside_dagster_and_walks_to_a_function(chromium: Chromium, served: Served) -> None:
    page = chromium.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(served.at("/archive/"))
    assert page.url == f"{served.address}/archive/"
    page.get_by_role("row", name=LAST_WEEK).get_by_role("link").click()
    assert page.locator("img").evaluate_all("images => images.every(image => image.naturalWidth > 0)")
    page.get_by_role("link", name="Spend", exact=True).click()
    page.get_by_role("button", name="Function").first.click()  # the page's own script may run
    page.get_by_role("link", name="generate_code_modal").first.click()
    assert page.url == f"{served.address}/archive/{LAST_WEEK}/function-generate-code-modal.html"
    with page.expect_download() as started:
        page.locator("a.csv").first.click()
    assert started.value.suggested_filename.endswith(".csv")
    assert complaints == []
    page.close()
