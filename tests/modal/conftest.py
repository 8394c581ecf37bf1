"""Quiet worlds for the local Modal server, the real clients that talk to it, and `tieout pull`."""

import datetime as dt
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import modal
import pytest
from modal.cli.entry_point import entrypoint_cli
from modal.client import Client
from modal.output import enable_output
from modal_proto import api_pb2

from tests.conftest import Spoken, Tieout
from tests.modal.local_modal import LocalModal
from tests.modal.nursery import Forked, Nursery
from tieout.core.home import Home
from tieout.core.periods import day_start
from tieout.simulator import SCENARIOS, Scenario, World, larger, run, simulate
from tieout.simulator.scenario import App, Deployment

CALLS_PER_DAY = 300
LOGGED_LATE = 0.05
SEED = 1
WEEKS = 2


@dataclass(frozen=True)
class Delivered:
    """A world, and the exports that the simulator wrote of it."""

    world: World
    landing: Path

    def exports(self, source: str) -> list[str]:
        """The paths of a source's exports, relative to the landing folder, in the order of their fetches."""
        files = (path for path in (self.landing / source).rglob("*.json") if not path.name.endswith(".meta.json"))
        return sorted((path.relative_to(self.landing).as_posix() for path in files), key=self.fetched_at)

    def export(self, path: str) -> Any:
        return json.loads((self.landing / path).read_text())

    def fetched_at(self, path: str) -> dt.datetime:
        sidecar = json.loads((self.landing / f"{path}.meta.json").read_text())
        return dt.datetime.fromisoformat(sidecar["fetched_at"])


def renamed(scenario: Scenario, names: Mapping[str, str]) -> Scenario:
    """Return a scenario in which some apps and functions have other names."""

    def name(old: str) -> str:
        return names.get(old, old)

    def deployment(old: Deployment) -> Deployment:
        functions = {name(function): deployed for function, deployed in old.functions.items()}
        return replace(old, app=name(old.app), functions=functions)

    return replace(
        scenario,
        functions=tuple(replace(f, name=name(f.name), home_app=name(f.home_app)) for f in scenario.functions),
        apps=tuple(
            replace(app, name=name(app.name), deployments=tuple(map(deployment, app.deployments)))
            for app in scenario.apps
        ),
        rollouts=tuple(replace(r, function=name(r.function), app=name(r.app)) for r in scenario.rollouts),
    )


def quiet_scenario() -> Scenario:
    """Return CORAL-X with all its functions and rollouts, few calls, and many of them logged late."""
    scenario = larger(SCENARIOS["coral-x"], functions=7, calls_per_day=CALLS_PER_DAY)
    return replace(scenario, log_delay_share=LOGGED_LATE)


def days_for_weeks(scenario: Scenario) -> Scenario:
    """Return a scenario in which what follows on the first rollout follows within as many days as it did weeks."""
    first = min(rollout.at for rollout in scenario.rollouts)

    def sooner(at: dt.datetime) -> dt.datetime:
        return first + (at - first) / 7

    def app(old: App) -> App:
        return replace(
            old,
            deployments=tuple(
                replace(d, deployed_at=None if d.deployed_at is None else sooner(d.deployed_at))
                for d in old.deployments
            ),
        )

    changes = scenario.prices.changes
    dated = [
        replace(change, effective=sooner(day_start(change.effective).replace(tzinfo=dt.UTC)).date())
        for change in changes
    ]
    return replace(
        scenario,
        apps=tuple(map(app, scenario.apps)),
        rollouts=tuple(replace(rollout, at=sooner(rollout.at)) for rollout in scenario.rollouts),
        prices=replace(scenario.prices, changes=tuple(dated)),
    )


@pytest.fixture(scope="session")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    scenario = quiet_scenario()
    out = tmp_path_factory.mktemp("delivered")
    simulate(scenario, seed=SEED, weeks=WEEKS, out=out)
    return Delivered(run(scenario, SEED, WEEKS), out / "landing")


@pytest.fixture
def local_modal(delivered: Delivered) -> Iterator[LocalModal]:
    """The quiet workspace, long after its two weeks."""
    with LocalModal(delivered.world) as server:
        yield server


@dataclass(frozen=True)
class CommandLine:
    """The real `modal` command, in a process of its own, with a server to talk to."""

    server: LocalModal

    def run(self, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "modal", *arguments],
            env=self.server.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def prints(self, *arguments: str) -> Any:
        """Return what a command prints as JSON."""
        ended = self.run(*arguments, "--json")
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)


@pytest.fixture
def command_line(local_modal: LocalModal) -> CommandLine:
    return CommandLine(local_modal)


Command = Callable[..., Any]
InOneProcess = Callable[[LocalModal], Command]


@pytest.fixture
def in_one_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[InOneProcess]:
    """The same command line without a process for each command, for what takes many of them; one server a test.

    It prints some times in the local zone, and the simulated exports are of a machine whose zone is UTC.
    """

    def connected(server: LocalModal) -> Command:
        use(server, monkeypatch)
        monkeypatch.setenv("TZ", "UTC")
        time.tzset()
        return prints

    def prints(*arguments: str) -> Any:
        with redirect_stdout(io.StringIO()) as output, enable_output():
            entrypoint_cli.main(args=[*arguments, "--json"], standalone_mode=False)
        return json.loads(output.getvalue())

    yield connected
    # The client that the commands share; closed, it is forgotten.
    Client.from_env().close()
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def one_process(local_modal: LocalModal, in_one_process: InOneProcess) -> Command:
    return in_one_process(local_modal)


def use(server: LocalModal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process and all that it starts take a server for Modal."""
    for name in [name for name in os.environ if name.startswith("MODAL_")]:
        monkeypatch.delenv(name)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


Connect = Callable[[LocalModal], modal.Workspace]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """The real SDK, in this process, connected to a server for the length of a test."""
    with ExitStack() as clients:

        def workspace(server: LocalModal) -> modal.Workspace:
            client = Client(server.environment["MODAL_SERVER_URL"], api_pb2.CLIENT_TYPE_CLIENT, server.token)
            return modal.Workspace.from_context(client=clients.enter_context(client))

        yield workspace


# Pulling


@pytest.fixture(scope="session")
def small_world() -> World:
    """A quiet week of the one app that the catalog knows until then."""
    scenario = larger(SCENARIOS["as-deployed"], functions=10, calls_per_day=50)
    return run(replace(scenario, bill=replace(scenario.bill, restated_week_from_end=None)), SEED, 1)


@dataclass(frozen=True)
class Puller:
    """`tieout pull` into a home of its own, from a server, at the server's own time."""

    server: LocalModal
    home: Home
    tieout: Tieout
    credentials: tuple[str, ...]

    def pull(self, *arguments: str) -> Spoken:
        """Pull, and look for the token in whatever came of it."""
        spoken = self.tieout("pull", "--home", self.home.root, *arguments)
        written = [spoken.out.encode(), spoken.err.encode(), *(path.read_bytes() for path in self.files())]
        assert not any(credential.encode() in content for credential in self.credentials for content in written)
        assert "Traceback" not in spoken.err
        return spoken

    def files(self) -> list[Path]:
        return [path for path in self.home.root.rglob("*") if path.is_file()]

    def rows(self, source: str, kind: str = "") -> list[dict[str, Any]]:
        """What has landed of an export, each row as often as it was pulled."""
        paths = [path for path in self.files() if source in path.parts and kind in path.name]
        exports = [json.loads(path.read_text()) for path in paths if not path.name.endswith(".meta.json")]
        return [row for export in exports for row in export]


PullFrom = Callable[[LocalModal], Puller]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as started:
        yield started


@pytest.fixture
def forked_workers(nursery: Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork the workers of pulls, which saves each of them the import of the client."""

    def start(self: Any) -> Forked:
        self._process = forked = nursery.fork()
        if self._is_killed:
            forked.kill()
        return forked

    monkeypatch.setattr("tieout.modal.client._Worker._start", start)


@pytest.fixture
def pull_from(tieout: Tieout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forked_workers: None) -> PullFrom:
    """One worker and short waits; several of them are slower to start than what they have to do here."""
    policy = {"AT_ONCE": "1", "ATTEMPTS": "2", "FIRST_WAIT_SECONDS": "0.01", "LONGEST_WAIT_SECONDS": "0.05"}
    for name, value in policy.items():
        monkeypatch.setenv(f"TIEOUT_PULL_{name}", value)

    def puller(server: LocalModal) -> Puller:
        use(server, monkeypatch)
        monkeypatch.setattr("tieout.cli.pull.utc_now", lambda: server.workspace.now)
        return Puller(server, Home(tmp_path / "home"), tieout, credentials=server.token)

    return puller


@pytest.fixture
def puller(small_world: World, pull_from: PullFrom) -> Iterator[Puller]:
    """The small world, as soon as all of its week has settled; nothing was pulled yet."""
    with LocalModal(small_world) as server:
        server.workspace.now = small_world.end + dt.timedelta(hours=8)
        yield pull_from(server)
