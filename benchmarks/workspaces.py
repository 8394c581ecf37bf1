"""Workspaces that benchmarks start from: copied with their exports linked, short of a day that lands later."""

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tieout.core.home import Home
from tieout.sources.landing import SIDECAR_SUFFIX, LandingFile, Sidecar, read_sidecar, scan


def copy(source: Path, target: Path) -> None:
    """Copy a workspace; its exports, which nobody changes, are linked."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("landing"), dirs_exist_ok=True)
    land(Home(source).landing, target)


def land(exports: Path, folder: Path) -> None:
    """Land in a workspace what has not landed yet, as the same files."""
    shutil.copytree(exports, Home(folder).landing, copy_function=_link, dirs_exist_ok=True)


def delivered(landing: Path) -> Iterator[tuple[LandingFile, Sidecar]]:
    """Every export with its sidecar."""
    for file in scan(landing):
        sidecar = read_sidecar(file)
        assert sidecar is not None, f"{file.name} has no sidecar"
        yield file, sidecar


def take_away(file: LandingFile) -> None:
    """Let an export, and its sidecar, not have landed."""
    file.location.unlink()
    file.location.with_name(file.location.name + SIDECAR_SUFFIX).unlink()


def take_away_since(landing: Path, instant: dt.datetime) -> None:
    """Let nothing have landed that was fetched from an instant on, naive UTC."""
    for file, sidecar in delivered(landing):
        if sidecar.fetched_at >= instant:
            take_away(file)


def _link(source: str, target: str) -> None:
    if not Path(target).exists():
        os.link(source, target)
