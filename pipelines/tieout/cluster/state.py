"""What is kept of earlier counts: which logs were read as they stand, and in which folder their hours are.

A folder is named here only once all of it is written, so what a killed job left is never read.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tieout.catalog.models import Catalog
from tieout.cluster import containers, logs
from tieout.core.files import write_whole
from tieout.core.home import Home
from tieout.sources import container_hours

_FOLDER = ".digests"
_FILE = "logs.json"


@dataclass(frozen=True)
class Log:
    """A log as it was listed: its path for Spark, its size and time, and what its sidecar says."""

    path: str
    size: int
    mtime_ns: int
    sidecar: bytes | None

    @property
    def fingerprint(self) -> str:
        """What tells it from another state of the same file."""
        sidecar = "" if self.sidecar is None else hashlib.sha256(self.sidecar).hexdigest()
        return f"{self.size} {self.mtime_ns} {sidecar}"


@dataclass(frozen=True)
class State:
    """What is known of logs.

    Attributes:
        directory: where it is kept, on this machine.
        place: the folder of the folders with hours, as Spark names it.
        code: what hours depend on beside their log.
        known: the logs by name, each with its fingerprint and the number of the folder that has its hours.
    """

    directory: Path
    place: str
    code: str
    known: Mapping[str, tuple[str, int]]

    @classmethod
    def empty(cls, home: Home, catalog: Catalog) -> "State":
        """Nothing is known."""
        directory = (home.root / _FOLDER).absolute()
        logs_at = catalog.settings.call_logs
        is_here = logs_at is None or local_folder(logs_at) is not None
        return cls(directory, directory.as_uri() if is_here else f"{logs_at}".rstrip("/") + _FOLDER, _code(catalog), {})

    @classmethod
    def read(cls, home: Home, catalog: Catalog) -> "State":
        """Read what an earlier count wrote; nothing is known of what other code or other settings counted."""
        empty = cls.empty(home, catalog)
        try:
            said = json.loads((empty.directory / _FILE).read_bytes())
            if (said["code"], said["place"]) != (empty.code, empty.place):
                return empty
            return replace(empty, known={name: (mark, int(folder)) for name, (mark, folder) in said["logs"].items()})
        except (OSError, ValueError, KeyError, TypeError):
            return empty

    def knows(self, name: str, log: Log) -> bool:
        """Tell whether a log was read as it stands."""
        return name in self.known and self.known[name][0] == log.fingerprint

    def is_of(self, found: Mapping[str, Log]) -> bool:
        """Tell whether these logs, and no others, were counted as they stand."""
        return found.keys() == self.known.keys() and all(self.knows(name, log) for name, log in found.items())

    def new_folder(self) -> int:
        """Number a folder that no log is in."""
        return max((folder for _, folder in self.known.values()), default=0) + 1

    def path_of(self, folder: int | str) -> str:
        """Name a folder as Spark does."""
        return f"{self.place}/{folder}"

    def with_logs(self, new: Mapping[str, Log], folder: int) -> "State":
        """Know these logs, too."""
        return replace(self, known={**self.known, **{name: (log.fingerprint, folder) for name, log in new.items()}})

    def only(self, found: Iterable[str]) -> "State":
        """Forget the logs that are gone."""
        return replace(self, known={name: self.known[name] for name in found})

    def write(self) -> None:
        """Keep this, and delete the folders on this machine that no log is in."""
        self.directory.mkdir(parents=True, exist_ok=True)
        said = {"code": self.code, "place": self.place, "logs": self.known}
        write_whole(self.directory / _FILE, json.dumps(said, indent=1) + "\n")
        used = {str(folder) for _, folder in self.known.values()}
        for folder in self.directory.iterdir():
            if folder.is_dir() and folder.name not in used:
                shutil.rmtree(folder, ignore_errors=True)


def local_folder(logs_at: str) -> Path | None:
    """Return the folder of logs where it is on this machine; None where only Spark can read it."""
    if logs_at.startswith("file:"):
        return Path(logs_at.removeprefix("file://").removeprefix("file:"))
    return None if "://" in logs_at else Path(logs_at)


def _code(catalog: Catalog) -> str:
    texts = [Path(str(module.__file__)).read_bytes() for module in (container_hours, logs, containers)]
    return hashlib.sha256(b"\0".join([*texts, catalog.functions.environment.encode()])).hexdigest()
