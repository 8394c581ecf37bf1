"""What `tieout doctor` reads of the state on disk: every page of every database, and every file that is state."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb

from tieout.cli.diagnosis import Diagnosis
from tieout.core.home import Home
from tieout.core.sql import sqlite_damage

_LOST_REMEDY = "Restore it from a backup. What was mailed, and the figures in the warehouse, stay as they are."
_OUTBOX_REMEDY = "Restore it from a backup; it alone says who has which mail."
_RECORD_REMEDY = "Move the folder {} away: the next run makes another. Only the history of runs is lost."


def kept_issues(con: duckdb.DuckDBPyConnection, home: Home) -> Iterator[Diagnosis]:
    """Verify the files of issued weeks, write again what the workspace still has, and name what is lost."""
    from tieout.report.kept_issues import mend_issues
    from tieout.warehouse.schema import MIGRATIONS, version_of

    if version_of(con) < MIGRATIONS[-1].version:
        return  # the next run brings the bookkeeping up to date, and verifies
    mended = mend_issues(con, home.reports)
    for path in mended.rewritten:
        yield Diagnosis("issues", f"{path} was lost and is written again, as it was issued", is_notable=True)
    for lost in mended.lost:
        yield Diagnosis("issues", f"{lost.path} {lost.problem}", _LOST_REMEDY)


def state_files(home: Home) -> Iterator[Diagnosis]:
    """Read the published file, the record of runs and the outbox to their ends."""
    found = [*_published(home), *_record(home), *_outbox(home)]
    yield from found
    if not found and home.root.is_dir():
        yield Diagnosis("state", "every block and every state file can be read")


def _published(home: Home) -> Iterator[Diagnosis]:
    if not home.finance.exists():
        return
    from tieout.warehouse.connection import WarehouseError, read_every_block
    from tieout.warehouse.publish import read_published

    try:
        with read_published(home.finance) as con:
            read_every_block(con)
    except WarehouseError as error:
        yield Diagnosis("finance", error.located, error.remedy or "Delete it; `tieout run` publishes it again.")


def _record(home: Home) -> Iterator[Diagnosis]:
    """Read the databases of Dagster, which a folder of it holds, and the small files beside them."""
    remedy = _RECORD_REMEDY.format(home.dagster)
    for path in sorted(home.dagster.rglob("*.db")):
        if (damage := sqlite_damage(path)) is not None:
            yield Diagnosis("record", f"{path} is damaged: {damage}", remedy)
    for path in sorted(home.dagster.glob("*.json")):
        if not _is_json(path):
            yield Diagnosis("record", f"{path} is damaged: it is not JSON", "Delete it; the next run writes it again.")


def _outbox(home: Home) -> Iterator[Diagnosis]:
    """Read the state of the outbox, and every message, which has to be what was rendered."""
    from tieout.mail.outbox import DATABASE_NAME, OutboxError, read_outbox

    path = home.outbox / DATABASE_NAME
    if not path.exists():
        return
    if (damage := sqlite_damage(path)) is not None:
        yield Diagnosis(
            "outbox", f"{path} is damaged: {damage}", "Restore it from a backup; it says who has which mail."
        )
        return
    try:
        with read_outbox(home.outbox) as outbox:
            for message in outbox.messages():
                try:
                    outbox.content(message)
                except OutboxError as error:
                    yield Diagnosis("outbox", error.located, error.remedy)
    except OutboxError as error:
        yield Diagnosis("outbox", error.located, error.remedy or _OUTBOX_REMEDY)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True
