"""Loads what is landed at a time that a test or benchmark has set: what it has just written was written then."""

import datetime as dt
import os
from collections.abc import Collection
from pathlib import Path

import duckdb

from tieout.sources import LoadResult, load_landing
from tieout.sources.landing import scan

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def load_at(
    con: duckdb.DuckDBPyConnection,
    landing: Path,
    *,
    now: dt.datetime,
    dated: Collection[Path] = (),
    without: str | None = None,
) -> LoadResult:
    """Load every new file as if it were `now`, whatever the clock of this machine says.

    Args:
        con: a connection to the warehouse.
        landing: the landing folder. A file that is later than `now` gets this time: its own is of this machine.
        now: the time, with a timezone.
        dated: files that keep their time, because somebody chose it.
        without: a source whose files are left alone.
    """
    for file in scan(landing) if landing.is_dir() else ():
        if file.mtime.replace(tzinfo=dt.UTC) > now and file.location not in dated and file.location.exists():
            change_time(file.location, now)
    return load_landing(con, landing, now=now, without=without)


def change_time(path: Path, to: dt.datetime) -> None:
    """Let a file have been changed at a time."""
    nanoseconds = (to - _EPOCH) // dt.timedelta(microseconds=1) * 1000
    os.utime(path, ns=(nanoseconds, nanoseconds))
