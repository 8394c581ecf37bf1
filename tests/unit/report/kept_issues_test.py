"""What a disk or a person loses of issued revisions is written again where its content is known, else named."""

import json
import shutil
from pathlib import Path

import pytest

from tests.support.issued_weeks import FIRST, SECOND, IssuedWeeks, after
from tieout.core.home import Home
from tieout.report.kept_issues import MANIFEST_NAME, Mended, adopt_manifests, mend_issues, weeks_without_pages
from tieout.warehouse.closings import FIGURES_NAME, restore_closings
from tieout.warehouse.connection import open_warehouse, read_warehouse


@pytest.fixture(scope="module")
def issued(issued_weeks: Path, tmp_path_factory: pytest.TempPathFactory) -> IssuedWeeks:
    """A week with two revisions, and one after it. Look at them, and leave them as they are."""
    weeks = IssuedWeeks(shutil.copytree(issued_weeks, tmp_path_factory.mktemp("kept") / "weeks"))
    weeks.land_bill(FIRST, name="late", fetched_at=after(FIRST, days=9), changed={("notebook", 2): "3.50"})
    weeks.report()
    return weeks


@pytest.fixture
def home(issued: IssuedWeeks, tmp_path: Path) -> Home:
    """A copy, to do anything to."""
    return Home(shutil.copytree(issued.home.root, tmp_path / "weeks"))


def revision(home: Home, number: int) -> Path:
    return home.reports / FIRST.label / f"revision-{number}"


def mended(home: Home) -> Mended:
    with read_warehouse(home.warehouse) as con:
        return mend_issues(con, home.reports)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_issue_that_is_whole_is_left_alone(home: Home) -> None:
    before = [contents(revision(home, number)) for number in (1, 2)]
    assert mended(home) == Mended((), ())
    assert [contents(revision(home, number)) for number in (1, 2)] == before
    listed = {file["name"] for file in json.loads(before[0][MANIFEST_NAME])["files"]}
    assert listed == {"index.html", "workbook.xlsx", FIGURES_NAME}


@pytest.mark.parametrize("name", [FIGURES_NAME, MANIFEST_NAME, "index.html", "workbook.xlsx"])
@pytest.mark.parametrize("damage", ["gone", "empty", "changed"])
def test_what_the_workspace_still_has_is_written_again_to_the_byte(home: Home, name: str, damage: str) -> None:
    path = revision(home, 2) / name
    before = contents(path.parent)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"" if damage == "empty" else before[name].replace(b"e", b"E"))
    assert mended(home) == Mended((path,), ())
    assert contents(path.parent) == before


@pytest.mark.parametrize(
    ("damage", "problem"), [("gone", "is gone"), ("empty", "is empty"), ("changed", "is not what was issued")]
)
def test_what_nothing_has_any_more_is_named(home: Home, damage: str, problem: str) -> None:
    path = revision(home, 1) / "workbook.xlsx"
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"" if damage == "empty" else b"another")
    found = mended(home)
    assert found.rewritten == ()
    assert [(lost.path, lost.problem) for lost in found.lost] == [(path, problem)]


def test_a_folder_that_is_gone_gets_its_figures_back_and_the_rest_is_named(home: Home) -> None:
    folder = revision(home, 1)
    figures = (folder / FIGURES_NAME).read_bytes()
    shutil.rmtree(folder)
    found = mended(home)
    assert {path.name for path in found.rewritten} == {FIGURES_NAME, MANIFEST_NAME}
    assert {lost.path.name for lost in found.lost} == {"index.html", "workbook.xlsx"}
    assert (folder / FIGURES_NAME).read_bytes() == figures


def test_a_warehouse_that_is_built_anew_reads_the_manifests_back(home: Home) -> None:
    home.warehouse.unlink()
    lost = revision(home, 1) / "workbook.xlsx"
    lost.unlink()
    with open_warehouse(home.warehouse) as con:
        restore_closings(con, home.reports)
        adopt_manifests(con, home.reports)
    assert [each.path for each in mended(home).lost] == [lost]


def test_an_issue_of_an_earlier_version_gets_its_manifest_from_its_files(home: Home) -> None:
    folder = revision(home, 1)
    before = contents(folder)
    (folder / MANIFEST_NAME).unlink()
    with open_warehouse(home.warehouse) as con:
        con.execute("delete from meta.manifests")
        adopt_manifests(con, home.reports)
    assert contents(folder) == before


def test_a_week_whose_present_page_is_lost_is_reported_again(home: Home) -> None:
    folder = home.reports / FIRST.label
    for week in (FIRST, SECOND):
        for name in ("report.txt", "summary.json"):
            (home.reports / week.label / name).write_text("as written")
    with read_warehouse(home.warehouse) as con:
        assert weeks_without_pages(con, home.reports) == ()
        (folder / "index.html").write_bytes(b"")
        assert weeks_without_pages(con, home.reports) == (FIRST,)
