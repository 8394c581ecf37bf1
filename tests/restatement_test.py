"""A bill that is pulled again with other amounts: from the landed files to the pages, and back to what was issued."""

import hashlib
import json
import re
from decimal import Decimal
from html import unescape

import pytest

from tests.conftest import FIRST_WEEK, LAST_WEEK, Tieout
from tieout.core.home import Home

DAY, HOURS = "2026-10-14", ("09", "10", "11")
FETCHED_AT = "2026-11-05T02:00:00Z"
ADDED_USD = Decimal("1.25")


def pull_again(home: Home, kind: str) -> str:
    """Land the day's report as Modal would print it after it has found more for three hours of the A100s."""
    folder = home.landing / "billing_report"
    seen = folder / f"{DAY}.{kind}.r2.json"
    rows = json.loads(seen.read_text())
    for row in rows:
        is_app = row["description"] == "coral-x-production" and row["interval_start"][11:13] in HOURS
        if is_app and row.get("resource", "A100-40GB") == "A100-40GB":
            row["cost"] = str(Decimal(row["cost"]) + ADDED_USD)
    late = folder / f"{DAY}.{kind}.late.json"
    late.write_text(json.dumps(rows))
    sidecar = json.loads(seen.with_name(f"{seen.name}.meta.json").read_text())
    said = {"fetched_at": FETCHED_AT, "sha256": hashlib.sha256(late.read_bytes()).hexdigest()}
    late.with_name(f"{late.name}.meta.json").write_text(json.dumps(sidecar | said))
    return f"billing_report/{late.name}"


def text_of(home: Home, week: str) -> str:
    """What the digest and the page of changes say, in one line."""
    pages = [(home.reports / week / name).read_text(encoding="utf-8") for name in ("index.html", "spend.html")]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", " ".join(pages))).split())


@pytest.mark.slow
@pytest.mark.all_threads
def test_a_bill_that_grows_after_the_issue_is_a_revision_and_what_was_sent_stays_reproducible(
    workspace: Home, tieout: Tieout
) -> None:
    sent = {path.name: path.read_bytes() for path in (workspace.reports / FIRST_WEEK / "revision-1").iterdir()}
    plain, resources = (pull_again(workspace, kind) for kind in ("plain", "resources"))
    assert tieout("run", "--home", workspace.root).code == 0

    restated = text_of(workspace, FIRST_WEEK)
    assert "Revision 2, issued" in restated
    moved = re.findall(rf"(\S+): \$\S+ is now \$\S+ \(([+−])\$(\S+)\), because of {plain} and {resources}\.", restated)
    by_name = {name: Decimal(amount) * (1 if sign == "+" else -1) for name, sign, amount in moved}
    assert sum(by_name.values()) == ADDED_USD * len(HOURS)
    # more was billed for the A100s than before: nearly all of it is idle time of the functions that use them
    assert by_name["evaluate_genome_modal"] + by_name["generate_code_modal"] > Decimal("3")
    assert f"the cost of {FIRST_WEEK} has moved by +$3.75." in text_of(workspace, LAST_WEEK)
    assert {path.name: path.read_bytes() for path in (workspace.reports / FIRST_WEEK / "revision-1").iterdir()} == sent

    listed = json.loads(tieout("sql", "restatements", "--json", "--home", workspace.root).out)
    assert sum(Decimal(line["moved_usd"]) for line in listed) == ADDED_USD * len(HOURS)

    said = tieout("report", "--week", FIRST_WEEK, "--as-of", "2026-11-04", "--home", workspace.root)
    assert said.code == 0
    assert said.out.startswith(sent["report.txt"].decode())
    assert "These are the figures of revision 1, issued" in said.out
