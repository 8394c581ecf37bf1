"""Results that a benchmark keeps as it goes, a line of JSON each, so that a run that was cut short resumes.

A row belongs to a key. The key names all that the result depends on, so a row of other code or other data is never
taken for one of these.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "benchmarks" / ".rows"
_PACKAGES = ("core", "catalog", "sources", "learning", "warehouse")
_FLOORS = ("staging", "usage", "spend")
_CODE = (
    *(f"pipelines/tieout/{package}/*.py" for package in _PACKAGES),
    *(f"sql/{floor}/*.sql" for floor in _FLOORS),
    "catalog/*.yaml",
)
_Key = Mapping[str, str | int | bool]


def code_version(*more: Path) -> str:
    """Return a hash of all code from exports to attributed cost, and of more files.

    What comes after changes no result; the simulator's code is known by what it writes.
    """
    found = {path for pattern in _CODE for path in ROOT.glob(pattern)}
    return _hash(sorted(found | set(more)), ROOT)


def content_hash(folder: Path) -> str:
    """Return a hash of every file below a folder: names and contents."""
    return _hash(sorted(path for path in folder.rglob("*") if path.is_file()), folder)


def _hash(paths: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


class Rows:
    """The rows of one benchmark."""

    def __init__(self, name: str, folder: Path = FOLDER) -> None:
        """Read what earlier runs have kept; a line that a kill has cut short is left out."""
        self.path = folder / f"{name}.jsonl"
        self._rows: dict[str, Any] = {}
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            self._rows[_text(row["key"])] = row["result"]

    def get(self, key: _Key) -> Any | None:
        """Return the result of a key, or None."""
        return self._rows.get(_text(key))

    def put(self, key: _Key, result: Any) -> None:
        """Keep a result at once."""
        self._rows[_text(key)] = result
        self.path.parent.mkdir(parents=True, exist_ok=True)
        is_cut_short = (
            self.path.exists() and not self.path.read_bytes().endswith(b"\n") and self.path.stat().st_size > 0
        )
        with self.path.open("a", encoding="utf-8") as file:
            file.write(("\n" if is_cut_short else "") + json.dumps({"key": dict(key), "result": result}) + "\n")


def _text(key: _Key) -> str:
    return json.dumps(dict(key), sort_keys=True)
