"""Dagster's daemon in the process of its webserver: its threads, and the one code server that both ask.

As a process of its own it would import Dagster once more, and start a code server of its own, and that anew every
minute. Here the code server is started anew only when it has ended, or when what definitions are made of has changed.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

import dagster as dg
from dagster._core.remote_representation.grpc_server_registry import GrpcServerRegistry, ServerRegistryEntry
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon.controller import (
    DagsterDaemonController,
    create_daemon_grpc_server_registry,
    create_daemons_from_instance,
)
from dagster._utils.log import configure_loggers

from tieout.core.environment import NoSuchCatalogError, catalog_or_default
from tieout.core.home import Home

_LOOK_AGAIN_SECONDS = 5
_LOG = logging.getLogger("dagster.daemon")

Context = WorkspaceProcessContext


class CodeServer:
    """The process that holds a workspace's definitions, kept alive and up to date."""

    def __init__(self, instance: dg.DagsterInstance, target: WorkspaceFileTarget, home: Home) -> None:
        """Start nothing yet."""
        self._registry: GrpcServerRegistry = create_daemon_grpc_server_registry(instance, "warning")
        self._target = target
        self._home = home
        self._made_of = made_of(home)

    @contextmanager
    def serving(self, instance: dg.DagsterInstance) -> Iterator[Context]:
        """The workspace as it is served, until the end of the block; then the process ends, too."""
        with self._registry, Context(instance, self._target, grpc_server_registry=self._registry) as context:
            yield context

    def refresh(self, context: Context) -> None:
        """Start it anew where it has ended, or where what its definitions are made of is no longer what it was."""
        found = made_of(self._home)
        if found != self._made_of or self._has_ended():
            self._made_of = found
            context.reload_workspace()

    def _has_ended(self) -> bool:
        origins = [origin for origin in self._target.create_origins() if self._registry.supports_origin(origin)]
        entries = [self._registry.get_grpc_server_entry(origin) for origin in origins]
        return any(
            isinstance(entry, ServerRegistryEntry) and entry.process.server_process.poll() is not None
            for entry in entries
        )


def made_of(home: Home) -> dict[Path, bytes]:
    """The files that definitions are made of, with what is in them."""
    try:
        catalog = list(catalog_or_default(None, home).glob("*.yaml"))
    except NoSuchCatalogError:
        catalog = []
    found = {}
    for path in (home.simulation, *home.dagster.glob("*.json"), *catalog):
        with contextlib.suppress(OSError):
            found[path] = path.read_bytes()
    return found


@contextmanager
def daemon(
    instance: dg.DagsterInstance, context: Context, server: CodeServer, ended: Callable[[], None]
) -> Iterator[None]:
    """Run schedules and sensors until the end of the block.

    Args:
        instance: of the workspace.
        context: what is served.
        server: is looked after.
        ended: is called where a thread of the daemon has ended by itself.
    """
    configure_loggers()
    stop = Event()
    with ExitStack() as stack:
        daemons = [stack.enter_context(each) for each in create_daemons_from_instance(instance)]
        controller = stack.enter_context(DagsterDaemonController(context, daemons))
        watch = Thread(target=_watch, args=(controller, context, server, stop, ended), daemon=True)
        watch.start()
        try:
            yield
        finally:
            stop.set()


def _watch(
    controller: DagsterDaemonController, context: Context, server: CodeServer, stop: Event, ended: Callable[[], None]
) -> None:
    while not stop.wait(_LOOK_AGAIN_SECONDS):
        try:
            server.refresh(context)
        except Exception:  # whatever it is, the next look may find it gone
            _LOG.exception("The definitions could not be read anew")
        try:
            controller.check_daemon_threads()
        except Exception:  # Dagster raises nothing more exact, and has logged which of them it was
            ended()
            return
