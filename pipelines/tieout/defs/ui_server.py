"""`python -m tieout.defs.ui_server PORT`: Dagster and the archive of the environment's workspace, behind the guard.

It is a process of its own, with Dagster's daemon in it; `tieout ui` starts it, and ends it.
"""

import contextlib
import os
import sys
from pathlib import Path

import dagster as dg
import uvicorn
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context

from tieout.core.environment import HOME_VARIABLE
from tieout.core.home import Home
from tieout.defs.instance import complete_instance
from tieout.defs.ui_archive import BesideArchive
from tieout.defs.ui_daemon import CodeServer, daemon
from tieout.defs.ui_guard import ADDRESS, TOKEN_VARIABLE, URL_VARIABLE, Admission, Guard, origins

_ENDS_WITHIN_SECONDS = 2


def main() -> None:
    """Serve until the process is interrupted."""
    port = int(sys.argv[1])
    home = Home(Path(os.environ[HOME_VARIABLE]))
    admission = Admission(origins(port, os.environ.get(URL_VARIABLE)), token=os.environ.pop(TOKEN_VARIABLE))
    target = WorkspaceFileTarget([str(complete_instance(home) / "workspace.yaml")])
    with contextlib.suppress(KeyboardInterrupt), dg.DagsterInstance.get() as instance:
        code = CodeServer(instance, target, home)
        with code.serving(instance) as context:
            dagster = create_app_from_workspace_process_context(context, live_data_poll_rate=2000)
            guarded = Guard(BesideArchive(dagster, home.reports), admission)
            server = uvicorn.Server(
                uvicorn.Config(
                    guarded,
                    host=ADDRESS,
                    port=port,
                    log_level="warning",
                    timeout_graceful_shutdown=_ENDS_WITHIN_SECONDS,
                )
            )

            def end() -> None:
                server.should_exit = True

            with daemon(instance, context, code, end):
                server.run()


if __name__ == "__main__":
    main()
