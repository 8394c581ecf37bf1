"""A workspace that grew day by day holds what one does that got everything at once, and shows it."""

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

import duckdb
import pytest

from tests.conftest import BuildOnce
from tests.support.issued_weeks import write_short
from tests.support.trusting import Trusting
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.report.archive import neighbours_of
from tieout.report.formats.charts import draw_charts
from tieout.report.formats.html import render_pages
from tieout.simulator import SCENARIOS, larger, simulate
from tieout.sources.landing import SIDECAR_SUFFIX, LandingFile, read_sidecar, scan
from tieout.warehouse.models import all_models
from tieout.warehouse.publish import published_models, published_name, read_published
from tieout.workspace import Workspace

SCENARIO = {
    "coral-x": larger(SCENARIOS["coral-x"], functions=4, calls_per_day=100),
    "field": larger(SCENARIOS["field"], functions=len(SCENARIOS["field"].functions), calls_per_day=800),
}
DAY = dt.timedelta(days=1)
FLOORS = ("usage", "spend", "reconciliation", "savings")
# What was printed of a week before it moved is told by issues, and a workspace that got all at once has issued less.
OF_ISSUES = {"reconciliation.closed_weeks", "reconciliation.restatements"}


def open_trusting(home: Path) -> Workspace:
    workspace = Workspace(Home(home), resource_path("catalog"))
    workspace.__dict__["_validator"] = Trusting()
    return workspace


def simulated(name: str, out: Path) -> None:
    """Two weeks of exports; of one log in seven, the half was read before."""
    simulate(SCENARIO[name], seed=11, weeks=2, out=out)
    logs = [file for file in scan(out / "landing") if file.source == "function_calls"]
    for log in logs[::7]:
        calls = json.loads(log.location.read_bytes())
        half = json.dumps(calls[: len(calls) // 2]).encode()
        log.location.with_name(f"half-{log.location.name}").write_bytes(half)
        sidecar = json.loads(log.location.with_name(log.location.name + SIDECAR_SUFFIX).read_bytes())
        read_before = dt.datetime.fromisoformat(sidecar["fetched_at"]) - dt.timedelta(hours=1)
        sidecar |= {"fetched_at": read_before.isoformat(), "sha256": hashlib.sha256(half).hexdigest()}
        log.location.with_name(f"half-{log.location.name}{SIDECAR_SUFFIX}").write_text(json.dumps(sidecar))


def batches(landing: Path) -> tuple[list[LandingFile], list[LandingFile]]:
    """What lands together: all but the last day, and then this day with the logs that are late."""
    files = [(file, sidecar.fetched_at) for file in scan(landing) if (sidecar := read_sidecar(file)) is not None]
    logs = [file.name for file, _ in files if file.source == "function_calls"]
    end = max(fetched_at for _, fetched_at in files)
    late = {*logs[::7], *logs[3::11], *(file.name for file, fetched_at in files if fetched_at >= end - DAY)}
    return [file for file, _ in files if file.name not in late], [file for file, _ in files if file.name in late]


def land(files: Sequence[LandingFile], home: Path) -> None:
    for file in files:
        target = Home(home).landing / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file.location, target)
        shutil.copy(f"{file.location}{SIDECAR_SUFFIX}", f"{target}{SIDECAR_SUFFIX}")


def hash_of(con: duckdb.DuckDBPyConnection, table: str) -> tuple[object, ...]:
    # The number of a container is given when it is first seen.
    rows = f"select columns(lambda name: name != 'container_key') from {table}"
    [row] = con.execute(f"select count(*), sum(hash(t)) from ({rows}) as t").fetchall()
    return tuple(row)


def contents(workspace: Workspace) -> dict[str, tuple[object, ...]]:
    """Every table but those of issues, by name."""
    names = [model.name for model in all_models() if model.schema in FLOORS and model.name not in OF_ISSUES]
    return {name: hash_of(workspace.con, name) for name in names}


def published(home: Path) -> dict[str, tuple[object, ...]]:
    with read_published(Home(home).finance) as con:
        return {model.name: hash_of(con, published_name(model.name)) for model in published_models()}


def outdated_pages(workspace: Workspace) -> Iterator[str]:
    """The pages of earlier and of later weeks that would look otherwise if they were made now."""
    reports = workspace.home.reports
    for week in workspace.built_weeks():
        report = workspace.report(week)
        for name, page in render_pages(report, draw_charts(report), neighbours_of(week, reports)):
            if page != (reports / week.label / name).read_text(encoding="utf-8"):
                yield f"{week.label}/{name}"


@pytest.mark.slow
@pytest.mark.all_threads
@pytest.mark.parametrize("name", SCENARIO)
def test_days_that_land_one_after_the_other_come_to_the_same_as_all_at_once(
    name: str, tmp_path: Path, build_once: BuildOnce
) -> None:
    delivered = build_once(f"daily-{name}", lambda out: simulated(name, out)) / "landing"
    grown, whole = tmp_path / "grown", tmp_path / "whole"
    for batch in batches(delivered):
        land(batch, grown)
        land(batch, whole)
        with open_trusting(grown) as workspace:
            assert workspace.update().newest is not None
    # Of this one, tables and finance's file are compared, and no page is looked at.
    with open_trusting(whole) as workspace, patch("tieout.report.issue.write_report", write_short):
        workspace.update()
        expected = contents(workspace)
    with open_trusting(grown) as workspace:
        assert not workspace.update().work.report
        assert contents(workspace) == expected
        assert not list(outdated_pages(workspace))
    assert published(grown) == published(whole)
