"""What tests of several kinds share: a simulated workspace, built once, and the command line."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from pipelines.core.home import Home
from pipelines.core.resources import resource_path

FIRST_WEEK, LAST_WEEK = "2026-W42", "2026-W43"


@dataclass(frozen=True)
class Spoken:
    """What a command said, and how it exited."""

    code: int
    out: str
    err: str


Tieout = Callable[..., Spoken]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Start one worker more than there are processors: tests also wait, for disks, servers and a browser."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture
def tieout(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tieout:
    """Run a command as the shell would, with the built-in catalog."""
    from pipelines.cli import main

    monkeypatch.setenv("TIEOUT_CATALOG", str(resource_path("catalog")))
    monkeypatch.delenv("TIEOUT_HOME", raising=False)

    def call(*arguments: str | Path) -> Spoken:
        monkeypatch.setattr(sys, "argv", ["tieout", *(str(argument) for argument in arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
        said = capsys.readouterr()
        return Spoken(code, said.out, said.err)

    return call


@pytest.fixture(scope="session")
def built_workspace(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two simulated weeks of CORAL-X, loaded, built and reported. Look at it, and leave it as it is."""
    from pipelines.cli.demo import run_demo

    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # all workers look at the same one
    home = Home(shared / "workspace")
    with FileLock(shared / "workspace.lock"):
        if not home.reports.exists():
            run_demo(home, resource_path("catalog"), scenario="coral-x", seed=1, weeks=2)
    return home


@pytest.fixture
def workspace(built_workspace: Home, tmp_path: Path) -> Home:
    """A copy of the built workspace, to do anything to."""
    return Home(shutil.copytree(built_workspace.root, tmp_path / "workspace"))
