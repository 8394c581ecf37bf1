"""The first version of Tieout, as benchmarks take it from the repository."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.rows import ROOT

FIRST_VERSION = "7d0c253"


@contextmanager
def first_version() -> Iterator[Path]:
    """Unpack the first version into a folder that is there for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="tieout-first-") as directory:
        archive = subprocess.run(["git", "archive", FIRST_VERSION], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", directory], input=archive, check=True)
        yield Path(directory)
