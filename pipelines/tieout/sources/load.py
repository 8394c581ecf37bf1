"""Loading: everything in `landing/` that is new goes into the raw tables, each file whole or not at all.

Files are taken in batches, one transaction each: their rows, their entries in the ledger and their refusals appear
together. A file that is refused takes no other with it, and a kill leaves whole batches behind.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from tieout.core.sql import transaction
from tieout.sources import container_hours, digests, function_calls, ledger
from tieout.sources.landing import LandingFile, scan
from tieout.sources.raw_schema import append, create_raw_schema
from tieout.sources.reading import Accepted, Refused, read_file
from tieout.sources.reading_calls import read_calls
from tieout.sources.registry import SOURCES
from tieout.sources.source import Coverage

Progress = Callable[[str, float], None]
_BATCH_FILES = 500
_BATCH_BYTES = 128 << 20


@dataclass(frozen=True)
class RejectedFile:
    """A file that was refused: what is wrong, more detail, and what to do."""

    path: str
    source: str
    reason: str
    detail: str
    fix: str


@dataclass(frozen=True)
class LoadedFile:
    """A content that is new, or a known one delivered again; `is_new` tells which. Times are naive UTC."""

    file_id: int
    content: ledger.Content
    deliveries: tuple[ledger.Delivery, ...]
    is_new: bool


@dataclass(frozen=True)
class LoadResult:
    """What a load did.

    `loaded` counts new contents and `rows` their rows; `unchanged` counts files that added nothing; `rejected` lists
    all refused files that are in landing/ now; `changed` lists every content that is new or was delivered again.
    """

    loaded: int
    unchanged: int
    rejected: tuple[RejectedFile, ...]
    rows: int
    changed: tuple[LoadedFile, ...]


def load_landing(
    con: duckdb.DuckDBPyConnection,
    landing: Path,
    *,
    now: dt.datetime,
    found: Sequence[LandingFile] = (),
    without: str | None = None,
    progress: Progress | None = None,
) -> LoadResult:
    """Load every new file below `landing/` into the raw tables.

    Args:
        con: a connection to the warehouse with no transaction open. Its TimeZone is set to UTC.
        landing: the landing folder; it need not exist.
        now: the time to record, with a timezone.
        found: the files that are there, where they have just been looked for; else this looks for them.
        without: a source whose files are left alone, because another one counts in its place.
        progress: called with a file's path and the finished share (0 to 1) before each batch.

    Returns:
        What was loaded, refused and left alone.

    Raises:
        ValueError: `now` has no timezone.
        duckdb.Error: the warehouse itself fails (disk full, closed connection); finished batches stay.
    """
    if now.tzinfo is None:
        raise ValueError("now needs a timezone; pass datetime.now(UTC)")
    utc_now = now.astimezone(dt.UTC).replace(tzinfo=None)
    create_raw_schema(con)
    con.execute("set TimeZone = 'UTC'")
    container_hours.fill_in(con)
    files = found or (list(scan(landing)) if landing.is_dir() else [])
    files = [file for file in files if file.source != without]
    known = ledger.scanned(con)
    pending = [file for file in files if known.get(file.name) != file.fingerprint]
    changed: list[LoadedFile] = []
    refused: list[Refused] = []
    done = 0
    for batch in _batches(pending):
        if progress is not None:
            progress(batch[0].name, done / len(pending))
        batch_changed, batch_refused = load_batch(con, batch, utc_now)
        changed += batch_changed
        refused += batch_refused
        done += len(batch)
    ledger.forget_vanished(con, (file.name for file in files))
    return _result(files, changed, refused)


def _result(files: Sequence[LandingFile], changed: Sequence[LoadedFile], refused: Sequence[Refused]) -> LoadResult:
    new = [loaded for loaded in changed if loaded.is_new]
    news = sum(len(loaded.deliveries) for loaded in changed)
    rejected = tuple(
        RejectedFile(item.file.name, item.file.source, item.problem.problem, item.problem.detail, item.problem.fix)
        for item in sorted(refused, key=lambda item: item.file.name)
    )
    return LoadResult(
        loaded=len(new),
        unchanged=len(files) - len(refused) - news,
        rejected=rejected,
        rows=sum(loaded.content.row_count for loaded in new),
        changed=tuple(changed),
    )


def _batches(files: Sequence[LandingFile]) -> Iterator[list[LandingFile]]:
    """Group files of one kind (calls or not), so that a batch is neither too long nor too large to hold."""
    batch: list[LandingFile] = []
    size = 0
    for file in sorted(files, key=lambda file: (_is_bulk(file), file.name)):
        full = len(batch) >= _BATCH_FILES or size + file.fingerprint.bytes > _BATCH_BYTES
        if batch and (full or (_is_bulk(file)) != (_is_bulk(batch[0]))):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.fingerprint.bytes
    if batch:
        yield batch


def _is_bulk(file: LandingFile) -> bool:
    """Whether a file is of a source that is read many files at a time."""
    source = SOURCES.get(file.source)
    return source is not None and source.is_bulk


def load_batch(
    con: duckdb.DuckDBPyConnection, batch: Sequence[LandingFile], now: dt.datetime
) -> tuple[list[LoadedFile], list[Refused]]:
    """Load some files of one kind, in one transaction; `now` is naive UTC."""
    outcomes = read_calls(con, batch, now) if _is_bulk(batch[0]) else [read_file(file, now) for file in batch]
    accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    try:
        with transaction(con):
            changed = _store(con, accepted, now)
            ledger.record_scanned(con, [item.file for item in accepted])
            ledger.record_rejections(con, [(item.file, item.problem, item.sha256) for item in refused], now)
    finally:
        function_calls.drop_stage(con)
    return changed, refused


def _store(con: duckdb.DuckDBPyConnection, accepted: Sequence[Accepted], now: dt.datetime) -> list[LoadedFile]:
    file_ids = ledger.known_contents(con, [item.content.sha256 for item in accepted])
    next_id = ledger.next_file_id(con)
    new: dict[int, Accepted] = {}
    for item in accepted:
        if item.content.sha256 not in file_ids:
            file_ids[item.content.sha256] = next_id + len(new)
            new[file_ids[item.content.sha256]] = item
    ledger.record_contents(con, [(file_id, item.content) for file_id, item in new.items()], now)
    _insert_rows(con, new)
    contents = {file_ids[item.content.sha256]: item.content for item in accepted}
    contents |= {file_id: item.content for file_id, item in new.items()}
    news = ledger.record_deliveries(con, [_delivery(file_ids[item.content.sha256], item) for item in accepted])
    arrived: dict[int, list[ledger.Delivery]] = {}
    for delivery in news:
        arrived.setdefault(delivery.file_id, []).append(delivery)
    return [
        LoadedFile(file_id, contents[file_id], tuple(deliveries), is_new=file_id in new)
        for file_id, deliveries in sorted(arrived.items())
    ]


def _insert_rows(con: duckdb.DuckDBPyConnection, new: Mapping[int, Accepted]) -> None:
    tables: dict[str, list[pa.Table]] = {}
    for file_id, item in new.items():
        if item.rows is not None:
            numbered = item.rows.append_column("file_id", pa.array([file_id] * item.rows.num_rows, pa.int32()))
            tables.setdefault(item.content.source, []).append(numbered)
    for source, parts in tables.items():
        if source == "container_hours":
            digests.insert(con, pa.concat_tables(parts))
        else:
            append(con, source, pa.concat_tables(parts))
    staged = {item.staged[0]: (file_id, item.staged[1]) for file_id, item in new.items() if item.staged is not None}
    if staged:
        function_calls.insert(con, staged)
        container_hours.insert(con, min(new), max(new))


def _delivery(file_id: int, item: Accepted) -> ledger.Delivery:
    if item.sidecar is None:
        fetched_at, client_version = item.file.mtime, None
    else:
        fetched_at, client_version = item.sidecar.fetched_at, item.sidecar.client_version
    range_start, range_end = _covered(item)
    return ledger.Delivery(
        file_id=file_id,
        path=item.file.name,
        fetched_at=fetched_at,
        range_start=range_start,
        range_end=range_end,
        has_sidecar=item.sidecar is not None,
        client_version=client_version,
    )


def _covered(item: Accepted) -> tuple[dt.datetime | None, dt.datetime | None]:
    if item.sidecar is not None and item.sidecar.range_start is not None:
        return item.sidecar.range_start, item.sidecar.range_end
    if item.content.content_start is not None:
        return item.content.content_start, item.content.content_end
    is_dated_by_name = item.sidecar is None and SOURCES[item.content.source].covers is Coverage.MOMENT
    date = item.file.date_in_name if is_dated_by_name else None
    return (dt.datetime(date.year, date.month, date.day) if date else None), None  # noqa: DTZ001 - naive UTC
