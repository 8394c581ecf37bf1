from pathlib import Path

import pytest

from tests.browser.conftest import Browser, Served
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
    assert "2026-W42-1" in page
    assert "2026-W43-1" in page
    assert "Materialized (2)" in page


def test_the_report_is_on_its_asset(browser: Browser, served: Served) -> None:
    page = browser.page(served.at("/assets/reports/weekly?view=overview"))
    assert "difference $0.000000000000" in page


def test_a_browser_that_nobody_gave_the_token_sees_nothing(browser: Browser, served: Served) -> None:
    page = browser.page(f"{served.address}/assets/spend/hourly?view=overview")
    assert "Nobody is signed in." in page
    assert "spend" not in page
