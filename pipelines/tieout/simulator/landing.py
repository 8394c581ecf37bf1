"""Writing files as a pull leaves them: the content unchanged, and a sidecar that says where it came from.

They do not wait for the disk one by one: a simulation that ends early is written again, until `simulation.json` says
that it is complete.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tieout.simulator.cli_format import CLIENT_VERSION, rfc3339


@dataclass(frozen=True, slots=True)
class Fetch:
    """How a file was obtained: the command, the range it covers, and when."""

    command: str
    fetched_at: dt.datetime
    range_start: dt.datetime | None = None
    range_end: dt.datetime | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


class Landing:
    """A landing directory that counts what it receives."""

    def __init__(self, directory: Path) -> None:
        """Write below a directory, which need not exist yet."""
        self.directory = directory
        self.files = 0
        self._made: set[Path] = set()

    def write(self, path: str, content: str, fetch: Fetch) -> None:
        """Write one export and its sidecar.

        Args:
            path: relative to the landing directory, already escaped.
            content: the file's text.
            fetch: for the sidecar.
        """
        target = self.directory / path
        if target.parent not in self._made:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(target.parent)
        data = content.encode()
        target.write_bytes(data)
        sidecar = {
            "command": fetch.command,
            "range_start": rfc3339(fetch.range_start) if fetch.range_start else None,
            "range_end": rfc3339(fetch.range_end) if fetch.range_end else None,
            "fetched_at": rfc3339(fetch.fetched_at),
            "client_version": CLIENT_VERSION,
            "sha256": hashlib.sha256(data).hexdigest(),
            **fetch.extra,
        }
        target.with_name(f"{target.name}.meta.json").write_text(json.dumps(sidecar, indent=2) + "\n")
        self.files += 1
