"""The Dagster instance of a workspace, `$TIEOUT_HOME/dagster`, where the command line and the UI meet."""

import sqlite3
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy

from pipelines.core.home import Home
from pipelines.core.resources import resource_path

LOCATION = "tieout"
"""What the UI calls the definitions."""

_WORKSPACE = f"""# What `tieout ui` serves: the installed package, for the workspace that the environment names.
load_from:
  - python_module:
      module_name: pipelines.definitions
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
            path.write_text(text, encoding="utf-8")
    return home.dagster


@contextmanager
def open_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """Open the instance of a workspace for a run of this process, and close it."""
    folder = prepare_instance(home)
    with (
        _reused_connections(),
        dg.DagsterInstance.from_config(str(folder), _IN_PROCESS_NAME) as instance,
        _kept_engines(instance.run_storage, instance.event_log_storage),
    ):
        yield instance


class _ReusedConnection(sqlite3.Connection):
    """A connection that waits for its next use when it is closed."""

    is_free = False

    def close(self) -> None:
        """Wait for the next use."""
        self.is_free = True

    def close_for_good(self) -> None:
        """Close."""
        super().close()


@contextmanager
def _reused_connections() -> Iterator[None]:
    """Use SQLite connections again, and let SQLite hand its commits to the operating system.

    Dagster writes some hundred events in a run, each on a connection of its own to each of three files. SQLite would
    wait for the disk every time, and would tidy up a file whenever the last connection to it closes, which is every
    time too. A run is several times faster this way. A crash of the machine may lose the last events of the log, never
    anything of the warehouse.
    """
    connections: defaultdict[tuple[int, str], list[_ReusedConnection]] = defaultdict(list)

    def connect(dialect: Any, _: Any, arguments: list[Any], options: dict[str, Any]) -> _ReusedConnection | None:
        if dialect.name != "sqlite":
            return None
        own = connections[threading.get_ident(), str(arguments)]
        for connection in own:
            if connection.is_free:
                connection.is_free = False
                return connection
        own.append(sqlite3.connect(*arguments, **{**options, "check_same_thread": False, "factory": _ReusedConnection}))
        own[-1].execute("pragma synchronous = normal")
        return own[-1]

    sqlalchemy.event.listen(sqlalchemy.Engine, "do_connect", connect)
    try:
        yield
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "do_connect", connect)
        for own in connections.values():
            for connection in own:
                connection.close_for_good()


@contextmanager
def _kept_engines(*storages: object) -> Iterator[None]:
    """Let Dagster's storages keep the engine of each file, and with it every statement that it has compiled.

    They make an engine for every connection, and each compiles its statements anew: more than half of what an event
    costs. They offer no way to hand them one, so the function that makes engines is replaced where they look for it.
    """
    engines: dict[str, sqlalchemy.Engine] = {}

    def engine_of(url: str, **options: Any) -> sqlalchemy.Engine:
        if url not in engines:
            engines[url] = sqlalchemy.create_engine(url, **options)
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
