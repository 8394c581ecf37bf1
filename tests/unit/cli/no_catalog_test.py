"""Own exports in an empty folder, without a catalog: what everything cost, no claim, and nothing of CORAL-X."""

import json
import shutil
import zipfile
from dataclasses import asdict
from pathlib import Path

import duckdb
import openpyxl
import pytest

from tests.conftest import BuildOnce, Spoken, Tieout
from tests.support.own_exports import WEEK, exports
from tieout.catalog.load import load_catalog
from tieout.core.home import Home
from tieout.core.resources import resource_path

pytestmark = pytest.mark.slow

FOREIGN = "coral"
_SAID = "said.json"


@pytest.fixture
def home(build_once: BuildOnce, tieout: Tieout, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The folder after one `tieout run` from within a clone. Look at it, and leave it as it is."""
    monkeypatch.delenv("TIEOUT_CATALOG")
    monkeypatch.chdir(resource_path("catalog").parent)

    def fill(folder: Path) -> None:
        home = Home(folder / "acme")
        exports(home)
        (folder / _SAID).write_text(json.dumps(asdict(tieout("run", "--home", home.root))))

    return Home(build_once("no-catalog", fill) / "acme")


@pytest.fixture
def said(home: Home) -> Spoken:
    """What that `tieout run` said."""
    return Spoken(**json.loads((home.root.parent / _SAID).read_text()))


def texts(folder: Path) -> dict[str, str]:
    """All that is written for a reader, as text: pages, mail, workbooks."""
    found: dict[str, str] = {}
    for path in folder.rglob("*"):
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                found |= {f"{path}/{name}": book.read(name).decode(errors="replace") for name in book.namelist()}
        elif path.is_file():
            found[str(path)] = path.read_bytes().decode(errors="replace")
    return found


def published(path: Path) -> list[str]:
    """Every row of finance's file, as text."""
    with duckdb.connect() as con:
        con.execute(f"attach '{path}' as opened (read_only)")
        names = "select schema_name, {0}_name from duckdb_{0}s() where database_name = 'opened' and not internal"
        tables = [*con.execute(names.format("view")).fetchall(), *con.execute(names.format("table")).fetchall()]
        return [str(con.execute(f'from opened."{schema}"."{table}"').fetchall()) for schema, table in tables]


def test_own_exports_run_without_a_catalog_and_say_nothing_of_another_programme(
    tieout: Tieout, home: Home, said: Spoken
) -> None:
    assert said.code == 0
    assert "Programme: none (spend only)." in said.out
    assert "acme, week 2026-W42" in said.out
    mail = tieout("send", "--dry-run", "--week", WEEK.label, "--home", home.root)
    assert mail.code == 0
    doctor = tieout("doctor", "--home", home.root)
    for text in (said.out, said.err, mail.out, doctor.out):
        assert FOREIGN not in text.lower()
    written = texts(home.reports)
    assert len(written) > 3
    assert [name for name, text in written.items() if FOREIGN in text.lower() or "4,140" in text] == []
    rows = published(home.finance)
    assert any("frame" in row for row in rows)
    assert [row for row in rows if FOREIGN in row.lower()] == []


def test_spend_leads_a_report_that_claims_nothing(tieout: Tieout, home: Home) -> None:
    page = (home.reports / WEEK.label / "index.html").read_text(encoding="utf-8")
    assert page.index(">Spent<") < page.index("$70.70") < page.index(">Against the bill<")
    assert ">Saved<" not in page
    text = (home.reports / WEEK.label / "report.txt").read_text(encoding="utf-8")
    assert text.index("SPENT: $70.70") < text.index("No saving is claimed for 2026-W42")
    # nothing says how long containers may idle here: no opportunity is built on an assumed window
    assert "a shorter scaledown window" not in text
    assert "PROVEN?" not in text
    assert not (home.reports / WEEK.label / "guardrails.html").exists()
    mail = tieout("send", "--dry-run", "--week", WEEK.label, "--home", home.root)
    assert "12–18 October 2026: $70.70 spent" in mail.out
    assert tieout("freeze-baseline", "--home", home.root).code == 2
    assert not home.catalog.exists()


def test_a_workbook_without_a_claim_has_no_sheet_about_one(home: Home) -> None:
    book = openpyxl.load_workbook(home.reports / WEEK.label / f"tieout-{WEEK.label}.xlsx")
    assert book.sheetnames == [
        *("Summary", "Spend", "Without a call", "Opportunities", "Daily", "Trend", "Reconciliation", "Gates"),
        *("Restatements", "Coverage", "Findings", "Definitions", "Inputs"),
    ]
    summary = [str(cell) for [cell, *_] in book["Summary"].iter_rows(values_only=True)]
    assert "What was saved" not in summary
    assert any("$70.70 was spent" in line for line in summary)


def test_an_audit_without_a_catalog_says_that_there_is_nothing_to_audit(tieout: Tieout, home: Home) -> None:
    said = tieout("audit", "--home", home.root)
    assert said.code == 0
    assert "This workspace has no catalog" in said.out
    assert f"`tieout init --home {home.root}`" in said.out


def test_a_first_catalog_is_written_from_the_landed_files_and_run_takes_it_as_it_is(
    tieout: Tieout, home: Home, tmp_path: Path
) -> None:
    home = Home(shutil.copytree(home.root, tmp_path / "acme"))
    before = tieout("sql", "spend_by_function", "--csv", "--home", home.root).out
    written = tieout("init", "--home", home.root)
    assert written.code == 0
    assert "1 function in 1 configuration of 1 app in the environment main of acme" in written.out
    assert "No configuration is landed of: render/frame" in written.out
    assert f"Next: `tieout run --home {home.root}`" in written.out
    assert [each.name for each in load_catalog(home.catalog).functions.functions] == ["frame"]
    assert "none yet: rollout.yaml names no phase" in tieout("doctor", "--home", home.root).out
    ran = tieout("run", "--home", home.root)
    assert (ran.code, f"Programme: acme, {home.catalog}" in ran.out) == (0, True)
    after = tieout("sql", "spend_by_function", "--csv", "--home", home.root).out
    assert after == before.replace("frame,none,", "frame,baseline,")
    assert tieout("init", "--home", home.root).code == 2
    assert [name for name, text in texts(home.catalog).items() if FOREIGN in text.lower()] == []


@pytest.mark.usefixtures("unvalidated")
def test_a_catalog_that_names_something_else_is_told_so(tieout: Tieout, tmp_path: Path) -> None:
    """The catalog is named, and knows none of the billed apps."""
    home = Home(tmp_path / "acme")
    exports(home)
    said = tieout("run", "--home", home.root)
    assert f"Programme: CORAL-X, {resource_path('catalog')}" in said.out
    report = " ".join((home.reports / WEEK.label / "data.html").read_text(encoding="utf-8").split())
    functions = len(load_catalog(resource_path("catalog")).functions.functions)
    outside = "the catalog does not name 99.0% of the bill, $70.00: render/frame"
    unseen = f"{functions} functions of the catalog were neither billed nor called"
    doctor = tieout("doctor", "--home", home.root).out
    assert [line.split()[0] for line in doctor.splitlines() if "billed_outside_catalog" in line] == ["finding"]
    for finding in (outside, unseen, "billed_outside_catalog", "catalogued_but_unseen"):
        assert finding in report
        assert finding in " ".join(doctor.split())
