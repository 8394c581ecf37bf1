"""Back up a workspace: `backup.py HOME DIR` writes DIR/tieout-<time>.tar.gz, also while Tieout is running.

In it is what nothing can bring back: landed files, reports with all revisions, the catalog, and the outbox. Warehouse
and published file are built anew from these; Dagster's history is left out. To restore: unpack it into an empty folder,
then `tieout run --home FOLDER`.
"""

import contextlib
import datetime as dt
import os
import sqlite3
import sys
import tarfile
import tempfile
from pathlib import Path

KEPT = ("landing", "reports", "catalog", "outbox", "simulation.json")
STATE = "outbox/outbox.sqlite"


def back_up(home: Path, folder: Path) -> Path:
    """Write an archive that appears whole or not at all, and return it."""
    name = f"tieout-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}.tar.gz"
    partial = folder / f".{name}.partial"
    with tempfile.TemporaryDirectory() as temporary, tarfile.open(partial, "w:gz") as archive:
        # A copy by SQLite, which is whole also while mail goes out; what goes out later is not known to it.
        if (home / STATE).exists():
            copy = Path(temporary) / "outbox.sqlite"
            with (
                contextlib.closing(sqlite3.connect(home / STATE)) as state,
                contextlib.closing(sqlite3.connect(copy)) as to,
            ):
                state.backup(to)
            archive.add(copy, STATE)
        for kept in KEPT:
            if (home / kept).exists():
                archive.add(home / kept, kept, filter=_kept)
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    return partial.rename(folder / name)


def _kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out the state, of which there is a copy, locks, and what is being written."""
    name = Path(member.name)
    is_state = member.name.startswith(STATE) or name.suffix == ".lock" or name.name.endswith(".partial")
    return None if is_state else member


if __name__ == "__main__":
    if len(sys.argv) != 3 or not Path(sys.argv[1]).is_dir() or not Path(sys.argv[2]).is_dir():
        sys.exit("usage: backup.py HOME DIR, two folders that are there")
    print(back_up(Path(sys.argv[1]), Path(sys.argv[2])))
