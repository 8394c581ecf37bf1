"""The Dagster instance of a workspace, `$TIEOUT_HOME/dagster`, where the command line and the UI meet."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from tieout.core.files import write_whole
from tieout.core.home import Home
from tieout.core.resources import resource_path
from tieout.defs.calendar import show_kept_weeks
from tieout.defs.storage import LOCATION, storages

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


def complete_instance(home: Home) -> Path:
    """Make the instance's folder with all that is in it, and return it.

    The threads of webserver and daemon start at the same time. Each makes the tables that it does not find, and the
    slower one would end with an error.
    """
    with open_instance(home) as instance:
        show_kept_weeks(instance, home)
        return home.dagster


def _configured_folder(home: Home) -> Path:
    """Make the instance's folder with the configuration of Dagster and of its UI, and return it."""
    home.dagster.mkdir(parents=True, exist_ok=True)
    common = resource_path("dagster.yaml").read_text(encoding="utf-8")
    folder = home.dagster.absolute()
    wanted = {
        "dagster.yaml": common + _storages(folder, is_kept_open=False),
        _IN_PROCESS_NAME: common + _IN_PROCESS + _storages(folder, is_kept_open=True),
        "workspace.yaml": _WORKSPACE,
    }
    for name, text in wanted.items():
        path = home.dagster / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_whole(path, text)
    return home.dagster


def _storages(folder: Path, *, is_kept_open: bool) -> str:
    named = storages(folder, is_kept_open=is_kept_open)
    return "".join(f"{name}: {json.dumps(storage)}\n" for name, storage in named.items())


@contextmanager
def open_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """Open the instance of a workspace for a run of this process, and close it."""
    folder = _configured_folder(home)
    with dg.DagsterInstance.from_config(str(folder), _IN_PROCESS_NAME) as instance:
        yield instance
