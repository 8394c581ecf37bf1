"""A week that a gate blocks: the command that builds or prints it says so, and a script sees it by the exit code."""

import json
from pathlib import Path

import pytest

from tests.conftest import Tieout
from tests.support.own_exports import WEEK, exports, land
from tieout.core.home import Home

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unvalidated")]

# $70.70 are itemised in the week; the month's summary says what was billed in all of it.
MONTH, BILLED = "2026-10", "266.26900030"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Own exports with the summary of their month, landed after its end."""
    home = Home(tmp_path / "acme")
    exports(home)
    amounts = {"metered_cost": BILLED, "billed_cost": BILLED}
    put(home, "billing_summary", {**amounts, "adjustments": {}, "metered_cost_breakdown": {"GPU": BILLED}})
    return home


def summary(*, billed: str, metered: str = BILLED) -> dict[str, object]:
    return {
        "metered_cost": metered,
        "billed_cost": billed,
        "adjustments": {},
        "metered_cost_breakdown": {"GPU": metered},
    }


def put(home: Home, kind: str, content: dict[str, object]) -> None:
    path = home.landing / kind / f"{MONTH}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def test_a_week_whose_invoice_is_a_cent_off_ends_every_command_about_it_with_exit_code_1(
    tieout: Tieout, home: Home
) -> None:
    put(home, "invoices", {"number": "INV-1", "total": "266.28"})
    ran = tieout("run", "--home", home.root)
    assert ran.code == 1
    assert f"1 week must not be used:\n  {WEEK.label}, G5: {MONTH}: invoice INV-1 over $266.28" in ran.err
    assert "G5: compare the invoice with the month's billing summary" in ran.err
    assert f"`tieout sql months --home {home.root}` shows it." in ran.err
    again = tieout("run", "--home", home.root)
    assert (again.code, "Nothing has changed" in again.out, ran.err.endswith(again.err)) == (1, True, True)
    for command in (("report",), ("report", "--as-of", "2099-01-01")):
        printed = tieout(*command, "--home", home.root)
        assert (printed.code, "Blocked: G5 is not passed." in printed.out) == (1, True)
        assert f"Error: {WEEK.label} is not to be used. Blocked: G5 is not passed." in printed.err

    put(home, "invoices", {"number": "INV-1", "total": "266.27"})
    ran = tieout("run", "--home", home.root)
    assert (ran.code, "Error" in ran.err) == (0, False)
    assert tieout("report", "--home", home.root).code == 0


def test_a_week_whose_bill_cannot_be_all_of_it_ends_a_run_alike_and_a_refused_file_beside_it_is_told_too(
    tieout: Tieout, home: Home
) -> None:
    land(home, "billing_report/bill.json", [], resolution="d")
    put(home, "invoices", {"number": "INV-1"})
    ran = tieout("run", "--home", home.root)
    assert ran.code == 1
    assert f"1 week must not be used:\n  {WEEK.label}, G6: Functions ran, but the landed bill" in ran.err
    assert f"Refused landing/invoices/{MONTH}.json: the file: total is missing" in ran.err
    assert "1 landed file is refused and in no figure" in ran.err
