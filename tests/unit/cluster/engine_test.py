"""`usage_engine: spark` without Spark, and what a cluster refused; `make spark-test` has a cluster."""

import datetime as dt
import json
import sys
from pathlib import Path

import pytest

from tests.support.call_logs import count_here
from tests.support.landing_folder import CALL, LandingFolder
from tieout.catalog.load import load_catalog
from tieout.cluster.spark import ClusterError, count_on_spark
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.workspace import Workspace

NOW = dt.datetime(2026, 11, 23, 12)  # noqa: DTZ001 - naive UTC
LOG = "function_calls/app=a/function=f/2026-11-02.json"
COUNTED = f"container_hours/{LOG.removeprefix('function_calls/')}.parquet"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    (home.landing / LOG).parent.mkdir(parents=True)
    (home.landing / LOG).write_text(json.dumps([CALL]))
    return home


def _java(folder: Path, version: str) -> None:
    java = folder / "java"
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    java.chmod(0o755)


def _error(home: Home) -> ClusterError:
    with pytest.raises(ClusterError) as error:
        count_on_spark(home, load_catalog(resource_path("catalog")), now=NOW)
    return error.value


def test_without_java_it_says_what_to_install(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _error(home).problem == "`usage_engine: spark` needs Java, and there is none"
    _java(tmp_path, "11.0.2")
    error = _error(home)
    assert error.problem == f"`usage_engine: spark` needs Java 17, and {tmp_path / 'java'} is 11"
    assert error.remedy is not None and "Install Java 17" in error.remedy


def test_without_pyspark_it_says_what_to_install(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    _java(tmp_path, "17.0.15")
    error = _error(home)
    assert error.problem == "`usage_engine: spark` needs pyspark, which is not installed"
    assert error.remedy is not None and 'pip install "tieout[spark]"' in error.remedy


def test_without_logs_it_says_where_they_are_looked_for(tmp_path: Path) -> None:
    catalog, elsewhere = load_catalog(resource_path("catalog")), tmp_path / "logs"
    assert count_on_spark(Home(tmp_path), catalog, now=NOW) is None
    settings = catalog.settings.model_copy(update={"call_logs": str(elsewhere)})
    with pytest.raises(ClusterError) as raised:
        count_on_spark(Home(tmp_path), catalog.model_copy(update={"settings": settings}), now=NOW)
    error = raised.value
    assert error.problem == f"there are no call logs in {elsewhere}"
    assert error.remedy is not None and "`call_logs`" in error.remedy


def test_a_log_that_the_cluster_refuses_is_refused_with_its_reason(tmp_path: Path) -> None:
    with LandingFolder(tmp_path) as folder:
        folder.put(LOG, [CALL, CALL | {"execution_time_seconds": -1}])
        folder.put(LOG.replace("02.json", "03.json"), [CALL])
        landed = count_here(Home(tmp_path), load_catalog(resource_path("catalog")), now=NOW)
        assert (landed.written, landed.refused) == (2, 1)
        folder.put("container_hours/app=a/function=f/broken.parquet", b"PAR1")
        refused = {file.path: file.reason for file in folder.load().rejected if file.source == "container_hours"}
    assert refused[COUNTED] == "row 2: execution_time_seconds is -1, not between 0 and 1000000000 seconds"
    assert refused["container_hours/app=a/function=f/broken.parquet"].startswith("the file holds no container hours")


def test_a_workspace_on_spark_loads_what_was_counted_and_no_call(home: Home, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    for file in resource_path("catalog").iterdir():
        (catalog / file.name).write_bytes(file.read_bytes())
    settings = catalog / "settings.yaml"
    settings.write_text(settings.read_text().replace("usage_engine: duckdb", "usage_engine: spark"))
    count_here(home, load_catalog(catalog), now=NOW)
    with Workspace(home, catalog) as workspace:
        # Nothing is known of what was counted elsewhere, so Spark would be asked; here it is loaded as it lies there.
        workspace.__dict__["count"] = lambda: None
        assert workspace.load().loaded == 1
        con = workspace.con
        assert con.execute("select source from raw.files").fetchall() == [("container_hours",)]
        assert con.execute("select container_key, inputs from raw.container_hours").fetchall() == [(1, 1)]
        assert con.execute("select count(*) from raw.function_calls").fetchall() == [(0,)]
