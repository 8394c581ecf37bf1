"""The Dagster instance of a workspace, as the runs of the command line write to it."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import pytest
import sqlalchemy

from tieout.core.home import Home
from tieout.defs.instance import open_instance

KEY = dg.AssetKey(["spend", "hourly"])
CHECKS = [dg.AssetCheckKey(KEY, f"check_{number}") for number in range(3)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A workspace whose instance has all its tables."""
    home = Home(tmp_path_factory.mktemp("instance"))
    with open_instance(home) as instance:
        write_checks(instance)
    return home


def write_checks(instance: dg.DagsterInstance) -> None:
    for check in CHECKS:
        instance.report_runless_asset_event(dg.AssetCheckEvaluation(KEY, check.name, passed=True, metadata={}))


@contextmanager
def watched_engines() -> Iterator[list[sqlalchemy.Engine]]:
    """Collect the engine of every connection that is used meanwhile."""
    engines: list[sqlalchemy.Engine] = []

    def used(connection: sqlalchemy.Connection) -> None:
        engines.append(connection.engine)

    sqlalchemy.event.listen(sqlalchemy.Engine, "engine_connect", used)
    try:
        yield engines
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "engine_connect", used)


def test_each_file_has_one_engine_however_many_events_are_written(home: Home) -> None:
    with open_instance(home) as instance, watched_engines() as engines:
        write_checks(instance)
        recorded = instance.event_log_storage.get_latest_asset_check_execution_by_key(CHECKS)
    assert recorded.keys() == set(CHECKS)
    assert len(engines) > len(set(engines)) == len({engine.url for engine in engines})


def test_after_it_is_closed_dagster_makes_its_engines_as_ever(home: Home) -> None:
    with open_instance(home):
        pass
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance, watched_engines() as engines:
        write_checks(instance)
    assert len(set(engines)) > len({engine.url for engine in engines})
