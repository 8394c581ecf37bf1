"""The Dagster instance of a workspace, `$TIEOUT_HOME/dagster`, where the command line and the UI meet."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy

from pipelines.core.home import Home
from pipelines.core.resources import resource_path

_WORKSPACE = """# What `tieout ui` serves: the installed package, for the workspace that the environment names.
load_from:
  - python_module:
      module_name: pipelines.definitions
      location_name: tieout
"""


def prepare_instance(home: Home) -> Path:
    """Make the instance's folder with the configuration of Dagster and of its UI, and return it."""
    home.dagster.mkdir(parents=True, exist_ok=True)
    wanted = resource_path("dagster.yaml").read_text(encoding="utf-8")
    configuration = home.dagster / "dagster.yaml"
    if not configuration.exists() or configuration.read_text(encoding="utf-8") != wanted:
        configuration.write_text(wanted, encoding="utf-8")
    workspace = home.dagster / "workspace.yaml"
    if not workspace.exists():
        workspace.write_text(_WORKSPACE, encoding="utf-8")
    return home.dagster


@contextmanager
def open_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """Open the instance of a workspace for a run of this process, and close it."""
    folder = prepare_instance(home)
    with _unhurried_databases(), dg.DagsterInstance.from_config(str(folder)) as instance:
        yield instance


@contextmanager
def _unhurried_databases() -> Iterator[None]:
    """Let SQLite hand its commits to the operating system, and tidy up in the end.

    Dagster commits some hundred events in a run, each on a connection of its own. SQLite would wait for the disk every
    time, and would tidy up whenever the last connection to a file closes, which is every time too; a run is several
    times faster this way. A crash of the machine may lose the last events of the log, never the warehouse.
    """
    with ExitStack() as held:
        files: set[str] = set()

        def prepare(connection: Any, _: Any) -> None:
            if not isinstance(connection, sqlite3.Connection):
                return
            connection.execute("pragma synchronous = normal")
            file = str(connection.execute("pragma database_list").fetchone()[2])
            if file and file not in files:
                files.add(file)
                held.enter_context(closing(_held_open(file)))

        sqlalchemy.event.listen(sqlalchemy.Engine, "connect", prepare)
        held.callback(sqlalchemy.event.remove, sqlalchemy.Engine, "connect", prepare)
        yield


def _held_open(file: str) -> sqlite3.Connection:
    connection = sqlite3.connect(file)
    connection.execute("select count(*) from sqlite_master").fetchall()
    return connection
