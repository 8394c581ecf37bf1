"""The façade: a workspace as the command line, Dagster and Python use it.

What belongs here: the one connection to the warehouse (`access.py`), what is out of date, and the steps that bring it
up to date in their order (`facade.py`). What does not: the steps themselves (in the packages below), what a command
prints (`cli`), and Dagster (`defs`).
"""

from tieout.workspace.access import WarehouseAccess
from tieout.workspace.facade import GateError, Work, Workspace, open_workspace

__all__ = ["GateError", "WarehouseAccess", "Work", "Workspace", "open_workspace"]
