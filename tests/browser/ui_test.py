from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium

from tests.browser.conftest import Browser, Served
from tests.conftest import FIRST_WEEK, LAST_WEEK
from tieout.validation.suites import load_suite
from tieout.warehouse.models import FLOORS

pytestmark = pytest.mark.browser


def test_the_graph_shows_the_floors(browser: Browser, served: Served, tmp_path: Path) -> None:
    page = browser.page(served.at("/asset-groups"))
    for floor in ("landing", "catalog", *FLOORS, "reports"):
        assert f">{floor}<" in page
    picture = browser.picture(served.at("/asset-groups"), tmp_path / "graph.png")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_table_shows_its_columns_and_rows(browser: Browser, served: Served) -> None:
    page = browser.page(served.at("/assets/spend/hourly?view=overview"))
    assert "Every billed amount attributed to functions" in page
    assert "who caused it; names in double underscores are residuals" in page
    assert "DECIMAL(38,12)" in page
    assert "Row count" in page


def test_a_table_shows_its_checks_by_name(browser: Browser, served: Served) -> None:
    page = browser.page(served.at("/assets/spend/hourly?view=checks"))
    names = [expectation.check_name for expectation in load_suite("spend.hourly").expectations]
    assert "every_pool_equals_the_bill" in names
    assert "every_pool_equals_the_bill" in page
    assert page.count("Succeeded") >= len(names)


def test_a_table_is_partitioned_by_week(browser: Browser, served: Served) -> None:
    page = browser.page(served.at("/assets/spend/hourly?view=partitions"))
    assert FIRST_WEEK in page
    assert LAST_WEEK in page
    assert "Materialized (2)" in page


def test_the_report_is_on_its_asset(browser: Browser, served: Served) -> None:
    page = browser.page(served.at("/assets/reports/weekly?view=overview"))
    assert "difference $0.000000000000" in page


def test_the_report_shows_its_chart_at_once_and_links_to_its_page(chromium: Chromium, served: Served) -> None:
    page = chromium.new_page()
    page.goto(served.at("/assets/reports/weekly?view=overview"))
    chart = page.locator(f"img[src='/archive/{LAST_WEEK}/chart-bill.svg']")
    chart.wait_for(timeout=120_000)
    assert chart.evaluate("picture => picture.decode().then(() => picture.naturalWidth)") == 460
    with page.expect_popup() as opened:
        page.locator(f"a[href='/archive/{LAST_WEEK}/index.html']").first.click()
    assert opened.value.get_by_role("heading", name="Is it proven?").is_visible()
    opened.value.close()
    page.close()


def test_what_the_command_line_ran_is_on_the_timeline(chromium: Chromium, served: Served) -> None:
    page = chromium.new_page()
    page.goto(served.at("/overview/activity/timeline"))
    page.locator("a[href$='/jobs/run']").first.wait_for(timeout=120_000)
    page.close()


def test_a_browser_that_nobody_gave_the_token_sees_nothing(browser: Browser, served: Served) -> None:
    page = browser.page(f"{served.address}/assets/spend/hourly?view=overview")
    assert "Nobody is signed in." in page
    assert "spend" not in page


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
