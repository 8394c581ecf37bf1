"""The façade does what the command line does, and its documentation runs."""

import doctest
from collections.abc import Iterator
from pathlib import Path

import pytest

import tieout
from tests.conftest import FIRST_WEEK, LAST_WEEK
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.report.contents import WeeklyReport
from tieout.sources.landing import LandingFile, scan
from tieout.warehouse.connection import WarehouseError
from tieout.workspace import Issue, Listener

ROOT = Path(__file__).resolve().parents[2]
CATALOG = resource_path("catalog")


def test_the_documented_examples_run(workspace: Home) -> None:
    found = doctest.testfile(
        str(ROOT / "docs" / "reference" / "python.md"),
        module_relative=False,
        globs={"home": workspace.root, "catalog": CATALOG},
        optionflags=doctest.ELLIPSIS,
    )
    assert found.attempted > 8
    assert found.failed == 0


def test_a_built_week_that_changed_is_built_and_published_again_without_dagster(workspace: Home) -> None:
    published = workspace.finance.stat().st_mtime_ns
    with tieout.open_workspace(workspace.root, CATALOG) as opened:
        before = opened.query("select count(*) as n from spend.hourly")["n"][0]
        opened.con.execute("delete from meta.week_inputs where week = ?", [LAST_WEEK])
        steps: list[str] = []
        opened.watch = steps.append
        work = opened.build()
        assert [week.label for week in work.build] == [LAST_WEEK]
        assert "landing" not in steps
        assert steps[-1] == "finance/published"
        assert [week.label for week in opened.built_weeks()] == [FIRST_WEEK, LAST_WEEK]
        assert opened.query("select count(*) as n from spend.hourly")["n"][0] == before
    assert workspace.finance.stat().st_mtime_ns > published


class Issues(Listener):
    """Keeps the reports that are written."""

    def __init__(self) -> None:
        self.reports: list[WeeklyReport] = []

    def reported(self, issue: Issue) -> None:
        self.reports.append(issue.report)


def test_a_week_that_is_measured_once_for_its_tables_and_its_report_is_reported_as_it_is_read(workspace: Home) -> None:
    issues = Issues()
    with tieout.open_workspace(workspace.root, CATALOG) as opened:
        opened.con.execute("delete from meta.week_inputs where week = ?", [LAST_WEEK])
        opened.update(listener=issues)
        [issued] = issues.reports
        assert opened.report(LAST_WEEK) == issued


def test_a_step_uses_the_connection_that_is_open(workspace: Home) -> None:
    with tieout.open_workspace(workspace.root, CATALOG) as opened:
        writing = opened.con
        with opened.reading() as con:
            assert con is writing
        opened.close()
        with opened.reading() as con:
            assert con is not writing


def test_a_week_that_is_not_built_is_refused_with_those_that_are(workspace: Home) -> None:
    with (
        tieout.open_workspace(workspace.root, CATALOG) as opened,
        pytest.raises(WarehouseError, match=f"1999-W01 is not built in .*; built weeks: {FIRST_WEEK} to {LAST_WEEK}"),
    ):
        opened.measure("1999-W01")


def test_what_is_not_public_is_not_there() -> None:
    assert all(hasattr(tieout, name) for name in tieout.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tieout.nothing


def test_landing_is_walked_once_for_what_is_then_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walks: list[Path] = []

    def counted(landing: Path) -> Iterator[LandingFile]:
        walks.append(landing)
        return scan(landing)

    for module in ("tieout.workspace.facade", "tieout.sources.load"):
        monkeypatch.setattr(f"{module}.scan", counted)
    landing = tmp_path / "landing"
    landing.mkdir()
    with tieout.open_workspace(tmp_path, CATALOG) as opened:
        opened.load()
        for name in ("one.json", "two.json"):
            (landing / name).write_text("[]", encoding="utf-8")
            walks.clear()
            assert not opened.is_loaded()
            assert not opened.is_loaded()
            assert name in {rejected.path for rejected in opened.load().rejected}
            assert walks == [landing]
            assert not opened.is_loaded()
            assert len(walks) == 2
            opened.load()
