"""The Dagster instance of a workspace, `$TIEOUT_HOME/dagster`, where the command line and the UI meet."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy

from tieout.core.files import write_whole
from tieout.core.home import Home
from tieout.core.resources import resource_path

LOCATION = "tieout"
"""What the UI calls the definitions."""

_WORKSPACE = f"""# What `tieout ui` serves: the installed package, for the workspace that the environment names.
load_from:
  - python_module:
      module_name: tieout.definitions
      location_name: {LOCATION}
"""


_IN_PROCESS_NAME = "in_process.yaml"

# Capturing what a run prints takes two processes more for every job. A Ctrl-C meets them, too, and they answer with a
# traceback.
_IN_PROCESS = """
# A run of the command line prints for the command line.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""


def prepare_instance(home: Home) -> Path:
    """Make the instance's folder with the configuration of Dagster and of its UI, and return it."""
    home.dagster.mkdir(parents=True, exist_ok=True)
    common = resource_path("dagster.yaml").read_text(encoding="utf-8")
    wanted = {
        "dagster.yaml": common,
        _IN_PROCESS_NAME: common + _IN_PROCESS,
        "workspace.yaml": _WORKSPACE,
    }
    for name, text in wanted.items():
        path = home.dagster / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_whole(path, text)
    return home.dagster


@contextmanager
def open_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """Open the instance of a workspace for a run of this process, and close it."""
    folder = prepare_instance(home)
    with (
        dg.DagsterInstance.from_config(str(folder), _IN_PROCESS_NAME) as instance,
        _kept_engines(instance.run_storage, instance.event_log_storage),
    ):
        yield instance


class _Pool(sqlalchemy.QueuePool):
    """Connections that stay open when Dagster disposes of an engine, as it does after every event."""

    def dispose(self) -> None:
        """Keep the connections."""

    def recreate(self) -> "_Pool":
        """Stay the same."""
        return self

    def close_for_good(self) -> None:
        """Close the connections."""
        super().dispose()


@contextmanager
def _kept_engines(*storages: object) -> Iterator[None]:
    """Let Dagster's storages keep the engine of each file, with its connections and every statement it has compiled.

    Dagster writes some hundred events in a run, and makes an engine and a connection for every statement, to each of
    three files. Each would compile its statements anew, more than half of what an event costs, and SQLite would tidy up
    a file whenever the last connection to it closes, which is every time. The storages offer no way to hand them an
    engine, so the function that makes engines is replaced where they look for it.

    SQLite hands its commits to the operating system and does not wait for the disk. A crash of the machine may lose the
    last events of the log, never anything of the warehouse.
    """
    engines: dict[str, sqlalchemy.Engine] = {}

    def engine_of(url: str, **options: Any) -> sqlalchemy.Engine:
        if url not in engines:
            arguments = {**options.pop("connect_args", {}), "check_same_thread": False}
            engines[url] = sqlalchemy.create_engine(url, **{**options, "poolclass": _Pool}, connect_args=arguments)
            sqlalchemy.event.listen(engines[url], "connect", _commit_without_waiting)
        return engines[url]

    modules = [sys.modules[type(storage).__module__] for storage in storages]
    made_by = [module.create_engine for module in modules]
    for module in modules:
        module.create_engine = engine_of  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module, create_engine in zip(modules, made_by, strict=True):
            module.create_engine = create_engine  # type: ignore[attr-defined]
        for engine in engines.values():
            if isinstance(engine.pool, _Pool):
                engine.pool.close_for_good()


def _commit_without_waiting(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("pragma synchronous = normal")
