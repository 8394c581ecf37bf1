"""The façade: a workspace as the command line, Dagster and Python use it.

What belongs here: the one connection to the warehouse (`access.py`), what is out of date and the steps that bring it up
to date (`facade.py`), and the one order of these steps (`update.py`). What does not: the steps themselves (in the
packages below), what a command prints (`cli`), and Dagster (`defs`).
"""

from tieout.workspace.access import WarehouseAccess
from tieout.workspace.facade import Workspace, open_workspace
from tieout.workspace.update import GateError, Issue, Listener, UnknownWeekError, Update, Work

__all__ = [
    "GateError",
    "Issue",
    "Listener",
    "UnknownWeekError",
    "Update",
    "WarehouseAccess",
    "Work",
    "Workspace",
    "open_workspace",
]
