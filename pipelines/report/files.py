"""Files that a reader never sees half of."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> Path:
    """Write beside the file, then rename.

    Returns:
        The path, for the list of what was written.
    """
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return path
