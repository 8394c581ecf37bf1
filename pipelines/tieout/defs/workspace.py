"""The resource that every asset works with: an open workspace, with one warehouse connection for a whole run.

Opening it for each step would cost more than building the tables. The run executes in one process, so what is opened
when it starts is closed when it ends, however it ends. A command that has a workspace open already shares it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

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


class WorkspaceResource(dg.ConfigurableResource[Any]):
    """A workspace: the folder of its state, and the catalog of its programme."""

    home: str
    catalog: str
    _opened: Workspace = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["WorkspaceResource"]:
        """Open the warehouse when a run starts, and close it when the run ends, unless a command shares its own."""
        run_id = context.run.run_id if context.run else ""
        shared = _shared.get()
        if shared is not None:
            shared.run_id = run_id
            self._opened = shared
            yield self
            return
        with Workspace(Home(Path(self.home)), Path(self.catalog), run_id=run_id) as opened:
            self._opened = opened
            yield self

    @property
    def opened(self) -> Workspace:
        """The open workspace of this run."""
        return self._opened
