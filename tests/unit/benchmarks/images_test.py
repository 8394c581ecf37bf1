"""The soak of disk images in miniature: finance's file, written again on copies taken while it is written."""

import shutil
from pathlib import Path

import pytest

from benchmarks.soak.images.steps import CATALOG, Starts
from benchmarks.soak.images.trial import trial
from tieout.core.home import Home
from tieout.core.resources import resource_path


@pytest.mark.slow
def test_finances_file_is_the_same_whenever_its_writing_was_cut_off(built_workspace: Home, tmp_path: Path) -> None:
    built = tmp_path / "starts" / "built"
    shutil.copytree(built_workspace.root, built)
    shutil.copytree(resource_path("catalog"), built / CATALOG, dirs_exist_ok=True)
    (built.parent / "complete").touch()
    imaged = trial("publish", tmp_path, 2)
    assert imaged.found == []
    assert imaged.images == 2
    assert imaged.stops > 3
    assert Starts.made(built.parent).root == built.parent
