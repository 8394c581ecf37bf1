"""Dagster's record keeps some days of runs, and grows no further."""

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import TickStatus

from tieout.core.home import Home
from tieout.defs.instance import complete_instance, open_instance
from tieout.defs.retention import forget_old_record
from tieout.defs.storage import report

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


@dg.op
def made(context: dg.OpExecutionContext) -> None:
    key = dg.AssetKey("table")
    report(
        context,
        [
            dg.AssetMaterialization(key, metadata={"report": "x" * 50_000}),
            dg.AssetCheckEvaluation(asset_key=key, check_name="is_fine", passed=True, metadata={}),
        ],
    )


def record(home: Home, job: str, day: dt.datetime) -> str:
    """Record a run of some events, as if it had been on another day."""
    definition = dg.GraphDefinition(name=job, node_defs=[made]).to_job(name=job)
    with open_instance(home) as instance:
        run_id = definition.execute_in_process(instance=instance).run_id
    with closing(sqlite3.connect(home.dagster / "history" / "runs.db")) as con, con:
        con.execute("update runs set create_timestamp = ? where run_id = ?", (f"{day:%Y-%m-%d %H:%M:%S.%f}", run_id))
    return run_id


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_runs_beyond_the_days_are_forgotten_with_all_that_belongs_to_them(tmp_path: Path) -> None:
    home = Home(tmp_path)
    old, kept = record(home, "run", NOW - 91 * DAY), record(home, "run", NOW - 89 * DAY)
    lonely = record(home, "pull", NOW - 200 * DAY)
    with open_instance(home) as instance:
        assert forget_old_record(instance, 90, now=NOW) == 1
        assert forget_old_record(instance, 90, now=NOW) == 0
        assert {run.run_id for run in instance.get_runs()} == {kept, lonely}
    index = home.dagster / "history" / "runs" / "index.db"
    assert not (index.parent / f"{old}.db").exists() and (index.parent / f"{kept}.db").exists()
    with closing(sqlite3.connect(index)) as con:
        for name in ("event_logs", "asset_check_executions"):
            runs = {run for (run,) in con.execute(f"select distinct run_id from {name}")}
            assert old not in runs and kept in runs


def test_the_record_of_many_days_is_no_larger_than_that_of_the_days_that_are_kept(tmp_path: Path) -> None:
    home = Home(tmp_path)
    sizes = []
    for day in range(12):
        record(home, "run", NOW + day * DAY)
        with open_instance(home) as instance:
            forget_old_record(instance, 3, now=NOW + day * DAY + dt.timedelta(hours=1))
        sizes.append(bytes_of(home.dagster))
    assert sizes[-1] <= 1.1 * sizes[5]


@pytest.mark.parametrize("kind", [InstigatorType.SCHEDULE, InstigatorType.SENSOR])
def test_what_a_schedule_or_a_sensor_did_not_ask_for_is_kept_for_a_day(tmp_path: Path, kind: InstigatorType) -> None:
    with dg.DagsterInstance.from_config(str(complete_instance(Home(tmp_path)))) as instance:
        days = dict(instance.get_tick_retention_settings(kind))
    assert days.pop(TickStatus.SKIPPED) == 1
    assert set(days.values()) == {-1}  # until the days of the record are over
