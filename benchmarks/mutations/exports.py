"""A landing folder that is tampered with: what an operator, a script or Modal itself could do to its files."""

import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

SIDECAR = ".meta.json"
# When files by hand were last changed, whatever the clock of the machine says.
BY_HAND = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)

Row: TypeAlias = dict[str, Any]
ChangeRows: TypeAlias = Callable[[list[Row]], list[Row]]


class Exports:
    """The exports below a landing folder.

    Files may be hard links to those of other workspaces: every change writes a new file in place of the old one. It
    leaves a sidecar that fits, as if the file had been wrong when it was pulled; only `edit` changes a file alone.
    """

    def __init__(self, root: Path) -> None:
        """Work below `root`."""
        self.root = root

    def find(self, pattern: str) -> list[Path]:
        """Return the exports whose path below the folder matches, at least one.

        Raises:
            LookupError: there is none, so that no corruption goes into nothing.
        """
        found = sorted(path for path in self.root.glob(pattern) if not path.name.endswith(SIDECAR))
        if not found:
            raise LookupError(f"no export matches {pattern!r}")
        return found

    def rows(self, path: Path) -> list[Row]:
        """Read the rows of an export."""
        rows: list[Row] = json.loads(path.read_bytes())
        return rows

    def write(self, path: Path, content: str | bytes, **sidecar: object) -> None:
        """Put a file in the place of another, with a sidecar that fits and says `sidecar` beside what it said."""
        data = content.encode() if isinstance(content, str) else content
        said = self.sidecar(path)
        self.edit(path, data)
        self._write_sidecar(path, {**said, "sha256": hashlib.sha256(data).hexdigest(), **sidecar})

    def write_rows(self, path: Path, rows: object, **sidecar: object) -> None:
        """Put rows in the place of an export, as the CLI prints them."""
        self.write(path, json.dumps(rows, indent=2, ensure_ascii=False) + "\n", **sidecar)

    def edit(self, path: Path, content: bytes) -> None:
        """Put a file in the place of another and leave the sidecar as it is."""
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (BY_HAND.timestamp(), BY_HAND.timestamp()))

    def sidecar(self, path: Path) -> Mapping[str, Any]:
        """Read what the sidecar of an export says; nothing when it has none."""
        location = _sidecar_of(path)
        said: Mapping[str, Any] = json.loads(location.read_bytes()) if location.exists() else {}
        return said

    def say(self, path: Path, **sidecar: object) -> None:
        """Let the sidecar of an export say something else."""
        self._write_sidecar(path, {**self.sidecar(path), **sidecar})

    def copy(self, path: Path, target: Path, content: bytes | None = None, **sidecar: object) -> None:
        """Land an export a second time, with what its sidecar says; another content, if given, gets its own hash."""
        data = path.read_bytes() if content is None else content
        self.edit(target, data)
        self._write_sidecar(target, {**self.sidecar(path), "sha256": hashlib.sha256(data).hexdigest(), **sidecar})

    def remove(self, path: Path) -> None:
        """Take an export away, and its sidecar."""
        path.unlink()
        self.strip(path)

    def strip(self, path: Path) -> None:
        """Take the sidecar of an export away: it counts as dropped by hand."""
        _sidecar_of(path).unlink(missing_ok=True)

    def _write_sidecar(self, path: Path, said: Mapping[str, object]) -> None:
        location = _sidecar_of(path)
        location.unlink(missing_ok=True)
        location.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def _sidecar_of(path: Path) -> Path:
    return path.with_name(path.name + SIDECAR)
