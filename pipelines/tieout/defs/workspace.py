"""The resources of the assets: an open workspace, with one warehouse connection for a whole run, or one that is named.

Opening it for each step would cost more than building the tables. The run executes in one process, so what is opened
when it starts is closed when it ends, however it ends. A command that has a workspace open already shares it.

Which workspace it is stands in the definitions and in no run's configuration: who may start a run cannot have it read
or mail another one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from tieout.core.home import Home
from tieout.workspace import Workspace

_shared: ContextVar[Workspace | None] = ContextVar("shared", default=None)


@contextmanager
def sharing(workspace: Workspace) -> Iterator[None]:
    """Let the runs of this process work on a workspace that is open already."""
    token = _shared.set(workspace)
    try:
        yield
    finally:
        _shared.reset(token)


@dataclass(frozen=True)
class WorkspaceName:
    """A workspace that is not open: the folder of its state, and the catalog of its programme.

    The pull needs no warehouse; the mail keeps nobody from it while a mail server is slow.
    """

    home: Home
    catalog: Path


OpenWorkspace = dg.ResourceParam[Workspace]
"""A parameter of an asset that works on the open workspace."""

NamedWorkspace = dg.ResourceParam[WorkspaceName]
"""A parameter of an asset that opens the workspace itself, or not at all."""


def open_workspace(home: Home, catalog: Path) -> dg.ResourceDefinition:
    """Open the warehouse when a run starts, and close it when the run ends, unless a command shares its own."""

    @dg.resource(config_schema={}, description="The workspace of these definitions, open for a run.")
    def opened(context: dg.InitResourceContext) -> Iterator[Workspace]:
        run_id = context.run.run_id if context.run else ""
        shared = _shared.get()
        if shared is not None:
            shared.run_id = run_id
            yield shared
            return
        with Workspace(home, catalog, run_id=run_id) as workspace:
            yield workspace

    return opened


def named_workspace(home: Home, catalog: Path) -> dg.ResourceDefinition:
    """Name the workspace to assets that do not need it open."""

    @dg.resource(config_schema={}, description="Where the workspace of these definitions is.")
    def named(_: dg.InitResourceContext) -> WorkspaceName:
        return WorkspaceName(home, catalog)

    return named
