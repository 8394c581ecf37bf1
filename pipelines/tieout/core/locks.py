"""The one way to keep other processes out: a lock on a file, which the system lets go when its process ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tieout.core.errors import TieoutError


class LockedError(TieoutError):
    """Another process holds the lock; who asked for it says what that means."""


@contextmanager
def only_process(path: Path) -> Iterator[None]:
    """Hold a lock for the length of the block; its file stays.

    Args:
        path: the file, in a folder that is there.

    Raises:
        LockedError: another process, or another block of this one, holds it.
    """
    lock = FileLock(path, blocking=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise LockedError("another process holds it", place=path) from None
    try:
        yield
    finally:
        lock.release()
