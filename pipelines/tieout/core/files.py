"""The one way to write files and folders whole: readers never see half of one, and a crash of the machine keeps it.

Content is written beside its place under a hidden name, flushed to the disk and renamed. A kill leaves the old file and
perhaps a hidden one, `.<name>.partial`, which the next writing of that name replaces.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PARTIAL = ".{}.partial"


def write_whole(path: Path, content: bytes | str) -> Path:
    """Write a file whole; text is UTF-8 with line ends as they are.

    Returns:
        The path, for the list of what was written.

    Raises:
        OSError: the disk does not take it; a file that was there is as it was.
    """
    with written_whole(path) as partial:
        partial.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give the path to write to; what is written there takes its place when the block ends without an error.

    Raises:
        OSError: the disk does not take it; a file that was there is as it was.
    """
    partial = partial_of(path)
    partial.unlink(missing_ok=True)
    try:
        yield partial
        _flush(partial)
        partial.replace(path)
        _flush(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """Give an empty folder to write files into; it takes its place, which must be free, when the block ends.

    Raises:
        OSError: the disk does not take it, or the place is not free.
    """
    partial = partial_of(path)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        for file in partial.iterdir():
            _flush(file)
        _flush(partial)
        partial.rename(path)
        _flush(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def make_folder(path: Path) -> Path:
    """Make a folder, with those above it that are missing, so that a crash of the machine keeps its name.

    Returns:
        The path.

    Raises:
        OSError: the disk does not take it, or a file is in the way.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        _flush(folder.parent)
    return path


def sweep_partial(directory: Path, pattern: str) -> None:
    """Delete what killed processes have left of files whose names match, in all folders below a directory."""
    for partial in directory.rglob(_PARTIAL.format(pattern)):
        if not partial.is_dir():
            partial.unlink(missing_ok=True)


def partial_of(path: Path) -> Path:
    """Return where a file or folder is written before it takes its place."""
    return path.with_name(_PARTIAL.format(path.name))


def _flush(path: Path) -> None:
    """Wait until the disk has a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
