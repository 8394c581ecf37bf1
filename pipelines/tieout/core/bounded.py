"""Reading files that others put somewhere: only such as have an end, and only up to a size."""

import os
import stat
from pathlib import Path

from tieout.core.errors import TieoutError

_KINDS = (
    (stat.S_ISFIFO, "a pipe (FIFO)"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISDIR, "a folder"),
)


class UnboundedFileError(TieoutError):
    """A file that is not read, because it may have no end, or is larger than anything it could rightly hold."""


def require_regular(path: Path) -> None:
    """Refuse what is no regular file, also behind a link, without opening it: a pipe would wait for ever.

    Raises:
        UnboundedFileError: it is a pipe, a device, a socket or a folder.
        OSError: it is not there.
    """
    _require_regular(path, path.stat().st_mode)


def read_bounded(path: Path, *, most_bytes: int) -> bytes:
    """Return the content of a regular file.

    Raises:
        UnboundedFileError: it is no regular file, or larger than `most_bytes`.
        OSError: it cannot be read.
    """
    # Without waiting: what was a file a moment ago may be a pipe by now.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        _require_regular(path, os.fstat(descriptor).st_mode)
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise UnboundedFileError(
            f"the file is larger than {in_mib(most_bytes)}",
            place=path,
            remedy="Nothing of its kind is that large: look at what it holds, or split it into files of a day each.",
        )
    return content


def in_mib(size: int) -> str:
    """`256 MiB`."""
    return f"{size / (1 << 20):,.0f} MiB"


def _require_regular(path: Path, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")
    raise UnboundedFileError(
        f"it is {kind}, or a link to one, and no file",
        place=path,
        remedy="Remove it, or put a file with the content in its place.",
    )
