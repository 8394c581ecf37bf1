"""When the one code server of the UI is started anew: where it has ended, or would say something else now."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_representation.grpc_server_registry import ServerRegistryEntry
from dagster._core.workspace.load_target import WorkspaceFileTarget

from tieout.core.environment import CATALOG_VARIABLE, HOME_VARIABLE
from tieout.core.home import Home
from tieout.core.periods import IsoWeek
from tieout.defs import ui_daemon
from tieout.defs.calendar import write_calendar
from tieout.defs.instance import complete_instance, open_instance
from tieout.defs.ui_daemon import CodeServer


@dataclass
class Served:
    """Counts how often the definitions are read anew, and fails where a test says so."""

    reloads: int = 0
    error: Exception | None = None
    heard: Event = field(default_factory=Event)

    def reload_workspace(self) -> None:
        self.reloads += 1
        self.heard.set()
        if self.error is not None:
            raise self.error


@dataclass
class Registry:
    """Has started a process that ends when a test says so."""

    server_process: subprocess.Popen[bytes]

    def supports_origin(self, _: Any) -> bool:
        return True

    def get_grpc_server_entry(self, origin: Any) -> ServerRegistryEntry:
        return ServerRegistryEntry(origin.loadable_target_origin, 0, self)  # type: ignore[arg-type]

    @property
    def process(self) -> "Registry":
        return self


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(tmp_path / "home")
    complete_instance(home)
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "mail.yaml").write_text("timezone: UTC\n")
    monkeypatch.setenv(HOME_VARIABLE, str(home.root))
    monkeypatch.setenv(CATALOG_VARIABLE, str(tmp_path / "catalog"))
    return home


@pytest.fixture
def process() -> Any:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as started:
        yield started
        started.kill()


@pytest.fixture
def server(home: Home, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> CodeServer:
    monkeypatch.setattr(ui_daemon, "create_daemon_grpc_server_registry", lambda *_: Registry(process))
    with open_instance(home) as instance:
        return CodeServer(instance, WorkspaceFileTarget([str(home.dagster / "workspace.yaml")]), home)


def refreshed(server: CodeServer) -> int:
    served = Served()
    server.refresh(served)  # type: ignore[arg-type]
    return served.reloads


def test_a_server_that_runs_and_says_what_it_said_is_left_alone(server: CodeServer) -> None:
    assert [refreshed(server) for _ in range(3)] == [0, 0, 0]


def test_a_server_that_has_ended_is_started_anew(server: CodeServer, process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    assert refreshed(server) == 1


def test_a_changed_catalog_is_read_once(server: CodeServer, tmp_path: Path) -> None:
    (tmp_path / "catalog" / "mail.yaml").write_text("timezone: Europe/Berlin\n")
    assert [refreshed(server) for _ in range(2)] == [1, 0]
    (tmp_path / "catalog" / "rollout.yaml").write_text("phases: []\n")
    assert [refreshed(server) for _ in range(2)] == [1, 0]
    (tmp_path / "catalog" / "rollout.yaml").unlink()
    assert [refreshed(server) for _ in range(2)] == [1, 0]


def test_weeks_that_a_run_finds_are_shown_once(server: CodeServer, home: Home) -> None:
    for weeks in ("2026-W42", "2026-W43"):
        write_calendar(home, [IsoWeek.parse("2026-W42"), IsoWeek.parse(weeks)])
        assert [refreshed(server) for _ in range(2)] == [1, 0]
    write_calendar(home, [IsoWeek.parse("2026-W42"), IsoWeek.parse("2026-W43")])
    assert refreshed(server) == 0


def test_a_catalog_that_is_gone_is_no_error(server: CodeServer, tmp_path: Path) -> None:
    (tmp_path / "catalog" / "mail.yaml").unlink()
    (tmp_path / "catalog").rmdir()
    assert [refreshed(server) for _ in range(2)] == [1, 0]


class Daemon:
    """A daemon whose threads live until a test says otherwise."""

    def __init__(self) -> None:
        self.is_alive = True

    def check_daemon_threads(self) -> None:
        if not self.is_alive:
            raise Exception("Stopped dagster-daemon process due to threads no longer running")


def test_definitions_that_cannot_be_read_are_read_later_and_a_daemon_that_has_ended_ends_the_server(
    server: CodeServer, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ui_daemon, "_LOOK_AGAIN_SECONDS", 0.01)
    process.kill()
    process.wait()
    served, controller, ended = Served(error=dg.DagsterInvariantViolationError("no")), Daemon(), Event()

    def look_again() -> None:
        served.heard.clear()
        assert served.heard.wait(30)

    watch = Thread(target=ui_daemon._watch, args=(controller, served, server, stop := Event(), ended.set), daemon=True)
    watch.start()
    look_again()
    look_again()
    assert not ended.is_set()
    controller.is_alive = False
    assert ended.wait(30)
    watch.join(30)
    assert not watch.is_alive()
    assert not stop.is_set()
