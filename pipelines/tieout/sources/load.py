"""Loading: everything in `landing/` that is new goes into the raw tables, each file whole or not at all.

Files are taken in batches, one transaction each: their rows, their entries in the ledger and their refusals appear
together. A file that is refused takes no other with it, and a kill leaves whole batches behind.
"""

import datetime as dt
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from tieout.core.sql import transaction
from tieout.sources import (
    app_history,
    app_list,
    billing_rates,
    billing_report,
    billing_summary,
    function_calls,
    function_info,
    invoices,
    ledger,
)
from tieout.sources.fields import ParsedFile
from tieout.sources.landing import (
    Digests,
    LandingFile,
    PathKeys,
    RejectionError,
    Sidecar,
    check_digest,
    check_fetch_time,
    check_source,
    decode,
    digest_file,
    is_gzipped,
    path_keys,
    read_sidecar,
    scan,
    unpack,
)
from tieout.sources.raw_schema import append, create_raw_schema

Progress = Callable[[str, float], None]
Parser = Callable[[str, LandingFile, Sidecar | None], ParsedFile]

PARSERS: Mapping[str, Parser] = {
    "app_history": app_history.parse,
    "app_list": app_list.parse,
    "billing_rates": billing_rates.parse,
    "billing_report": billing_report.parse,
    "billing_summary": billing_summary.parse,
    "function_info": function_info.parse,
    "invoices": invoices.parse,
}
CALLS = "function_calls"
_BATCH_FILES = 500
_BATCH_BYTES = 128 << 20
# From the start of the last row to the end of the content: an hour, a day, or for calls a microsecond.
_GRAIN = {"h": dt.timedelta(hours=1), "d": dt.timedelta(days=1), None: dt.timedelta(microseconds=1)}
_DATED_BY_NAME = frozenset({"app_history", "app_list", "billing_rates", "function_info"})


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


@dataclass(frozen=True)
class _Accepted:
    """A file that can be loaded: its content, its delivery but for the file_id, and where its rows are."""

    file: LandingFile
    content: ledger.Content
    sidecar: Sidecar | None
    rows: pa.Table | None = None
    staged: tuple[int, int] | None = None  # file_no and first rowid in the stage of calls


@dataclass(frozen=True)
class _Refused:
    file: LandingFile
    problem: RejectionError
    sha256: str | None


def load_landing(
    con: duckdb.DuckDBPyConnection, landing: Path, *, now: dt.datetime, progress: Progress | None = None
) -> LoadResult:
    """Load every new file below `landing/` into the raw tables.

    Args:
        con: a connection to the warehouse with no transaction open. Its TimeZone is set to UTC.
        landing: the landing folder; it need not exist.
        now: the time to record, with a timezone.
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
    files = list(scan(landing)) if landing.is_dir() else []
    known = ledger.scanned(con)
    pending = [file for file in files if known.get(file.name) != file.fingerprint]
    changed: list[LoadedFile] = []
    refused: list[_Refused] = []
    done = 0
    for batch in _batches(pending):
        if progress is not None:
            progress(batch[0].name, done / len(pending))
        batch_changed, batch_refused = _load_batch(con, batch, utc_now)
        changed += batch_changed
        refused += batch_refused
        done += len(batch)
    ledger.forget_vanished(con, (file.name for file in files))
    return _result(files, changed, refused)


def _result(files: Sequence[LandingFile], changed: Sequence[LoadedFile], refused: Sequence[_Refused]) -> LoadResult:
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
    for file in sorted(files, key=lambda file: (file.source == CALLS, file.name)):
        full = len(batch) >= _BATCH_FILES or size + file.fingerprint.bytes > _BATCH_BYTES
        if batch and (full or (file.source == CALLS) != (batch[0].source == CALLS)):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.fingerprint.bytes
    if batch:
        yield batch


def _load_batch(
    con: duckdb.DuckDBPyConnection, batch: Sequence[LandingFile], now: dt.datetime
) -> tuple[list[LoadedFile], list[_Refused]]:
    outcomes = _read_calls(con, batch, now) if batch[0].source == CALLS else [_read(file, now) for file in batch]
    accepted = [outcome for outcome in outcomes if isinstance(outcome, _Accepted)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, _Refused)]
    try:
        with transaction(con):
            changed = _store(con, accepted, now)
            ledger.record_scanned(con, [item.file for item in accepted])
            ledger.record_rejections(con, [(item.file, item.problem, item.sha256) for item in refused], now)
    finally:
        function_calls.drop_stage(con)
    return changed, refused


def _read(file: LandingFile, now: dt.datetime) -> _Accepted | _Refused:
    sha256 = None
    try:
        check_source(file)
        keys = path_keys(file)
        sidecar = read_sidecar(file)
        check_fetch_time(file, sidecar, now)
        landed = file.location.read_bytes()
        sha256 = hashlib.sha256(landed).hexdigest()
        check_digest(file, sha256, sidecar)
        unpacked = unpack(landed)
        parsed = PARSERS[file.source](decode(unpacked), file, sidecar)
        content = _content(file, keys, parsed, hashlib.sha256(unpacked).hexdigest())
        _check_range(content, sidecar)
    except RejectionError as problem:
        return _Refused(file, problem, sha256)
    except OSError as error:
        return _Refused(file, _unreadable(error), sha256)
    return _Accepted(file, content, sidecar, rows=parsed.rows)


def _unreadable(error: OSError) -> RejectionError:
    return RejectionError(f"the file cannot be read: {error.strerror}", fix="Check its permissions, or copy it again.")


def _content(file: LandingFile, keys: PathKeys, parsed: ParsedFile, content_sha256: str) -> ledger.Content:
    month = parsed.month.isoformat() if parsed.month else None
    said = (file.source, keys.environment, keys.app, keys.function, month, parsed.report_kind, parsed.resolution)
    return ledger.Content(
        source=file.source,
        sha256=hashlib.sha256(json.dumps([*said, content_sha256]).encode()).hexdigest(),
        path=file.name,
        bytes=file.fingerprint.bytes,
        environment=keys.environment,
        app=keys.app,
        function=keys.function,
        month=parsed.month,
        report_kind=parsed.report_kind,
        resolution=parsed.resolution,
        content_start=parsed.content_start,
        content_end=parsed.content_end,
        row_count=parsed.rows.num_rows,
    )


def _check_range(content: ledger.Content, sidecar: Sidecar | None) -> None:
    """Refuse rows outside the range that their sidecar declares: no snapshot covers them, so they would be lost."""
    if sidecar is None or sidecar.range_start is None or sidecar.range_end is None:
        return
    if content.content_start is None or content.content_end is None:
        return
    last = content.content_end - _GRAIN[content.resolution]
    if sidecar.range_start <= content.content_start and last < sidecar.range_end:
        return
    raise RejectionError(
        f"rows reach from {content.content_start} to {last}, beyond the range that the sidecar declares",
        detail=f"The sidecar says {sidecar.range_start} to {sidecar.range_end} (UTC, end excluded).",
        fix="Pull it again, or correct range_start and range_end in the sidecar.",
    )


@dataclass(frozen=True)
class _Calls:
    """A file of calls whose path, sidecar and head are in order; its hash is being computed meanwhile."""

    file: LandingFile
    keys: PathKeys
    sidecar: Sidecar | None
    digests: Future[Digests]


def _read_calls(
    con: duckdb.DuckDBPyConnection, batch: Sequence[LandingFile], now: dt.datetime
) -> list[_Accepted | _Refused]:
    """Stage a batch of calls and judge each file. Must run outside a transaction: a failing read would abort it."""
    outcomes: list[_Accepted | _Refused] = []
    calls: list[_Calls] = []
    with ThreadPoolExecutor(max_workers=1) as pool:
        for file in batch:
            opened = _open_calls(file, pool, now)
            if isinstance(opened, _Calls):
                calls.append(opened)
            else:
                outcomes.append(opened)
        readable, refused = _stage_readable(con, calls)
        staged = function_calls.staged_files(con) if readable else {}
        outcomes += refused
        outcomes += [_judge_calls(item, number, staged.get(number)) for number, item in enumerate(readable)]
    return outcomes


def _open_calls(file: LandingFile, pool: ThreadPoolExecutor, now: dt.datetime) -> _Calls | _Refused:
    try:
        check_source(file)
        keys = function_calls.app_and_function(file)
        sidecar = read_sidecar(file)
        check_fetch_time(file, sidecar, now)
        function_calls.check_first_record(file.location)
    except RejectionError as problem:
        return _Refused(file, problem, None)
    except OSError as error:
        return _Refused(file, _unreadable(error), None)
    return _Calls(file, keys, sidecar, pool.submit(digest_file, file.location))


def _stage_readable(con: duckdb.DuckDBPyConnection, calls: Sequence[_Calls]) -> tuple[Sequence[_Calls], list[_Refused]]:
    """Stage the files together; where DuckDB refuses, halve until the bad ones are alone, and stage the others."""
    problem = _stage_problem(con, calls)
    if problem is None:
        return calls, []
    if len(calls) == 1:
        return [], [_Refused(calls[0].file, _explain(calls[0].file, problem), _landed_sha256(calls[0]))]
    middle = len(calls) // 2
    left, left_refused = _stage_readable(con, calls[:middle])
    right, right_refused = _stage_readable(con, calls[middle:])
    if not left and not right:
        return [], left_refused + right_refused
    readable, refused = _stage_readable(con, [*left, *right])
    return readable, left_refused + right_refused + refused


def _stage_problem(con: duckdb.DuckDBPyConnection, calls: Sequence[_Calls]) -> str | None:
    if not calls:
        return None
    with tempfile.TemporaryDirectory(prefix="tieout-") as folder:
        links = []
        for number, item in enumerate(calls):
            suffix = ".json.gz" if is_gzipped(item.file.location) else ".json"
            links.append(Path(folder) / f"{number}{suffix}")
            links[-1].symlink_to(item.file.location.absolute())
        try:
            function_calls.stage(con, links)
        except (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException) as error:
            return str(error)
    return None


def _explain(file: LandingFile, problem: str) -> RejectionError:
    try:
        function_calls.refuse(file.location, problem)
    except RejectionError as rejection:
        return rejection
    except OSError as error:
        return _unreadable(error)


def _landed_sha256(calls: _Calls) -> str | None:
    try:
        return calls.digests.result().landed
    except (RejectionError, OSError):
        return None


def _judge_calls(calls: _Calls, file_no: int, staged: function_calls.StagedFile | None) -> _Accepted | _Refused:
    try:
        digests = calls.digests.result()
        check_digest(calls.file, digests.landed, calls.sidecar)
        if staged is not None and staged.has_bad_row:
            function_calls.refuse(calls.file.location, "a row fails a check")
        status = calls.file.location.stat()
        if (status.st_size, status.st_mtime_ns) != (calls.file.fingerprint.bytes, calls.file.fingerprint.mtime_ns):
            raise RejectionError("the file changed while it was read", fix="Run again when it is complete.")
        content = _calls_content(calls, staged, digests.content)
        _check_range(content, calls.sidecar)
    except RejectionError as problem:
        return _Refused(calls.file, problem, _landed_sha256(calls))
    except OSError as error:
        return _Refused(calls.file, _unreadable(error), None)
    position = (file_no, staged.first_rowid) if staged is not None else None
    return _Accepted(calls.file, content, calls.sidecar, staged=position)


def _calls_content(calls: _Calls, staged: function_calls.StagedFile | None, sha256: str) -> ledger.Content:
    empty = ParsedFile(pa.table({}))
    content = _content(calls.file, calls.keys, empty, sha256)
    if staged is None:
        return content
    return replace(content, content_start=staged.content_start, content_end=staged.content_end, row_count=staged.rows)


def _store(con: duckdb.DuckDBPyConnection, accepted: Sequence[_Accepted], now: dt.datetime) -> list[LoadedFile]:
    file_ids = ledger.known_contents(con, [item.content.sha256 for item in accepted])
    next_id = ledger.next_file_id(con)
    new: dict[int, _Accepted] = {}
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


def _insert_rows(con: duckdb.DuckDBPyConnection, new: Mapping[int, _Accepted]) -> None:
    tables: dict[str, list[pa.Table]] = {}
    for file_id, item in new.items():
        if item.rows is not None:
            numbered = item.rows.append_column("file_id", pa.array([file_id] * item.rows.num_rows, pa.int32()))
            tables.setdefault(item.content.source, []).append(numbered)
    for source, parts in tables.items():
        append(con, source, pa.concat_tables(parts))
    staged = {item.staged[0]: (file_id, item.staged[1]) for file_id, item in new.items() if item.staged is not None}
    if staged:
        function_calls.insert(con, staged)


def _delivery(file_id: int, item: _Accepted) -> ledger.Delivery:
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


def _covered(item: _Accepted) -> tuple[dt.datetime | None, dt.datetime | None]:
    if item.sidecar is not None and item.sidecar.range_start is not None:
        return item.sidecar.range_start, item.sidecar.range_end
    if item.content.content_start is not None:
        return item.content.content_start, item.content.content_end
    date = item.file.date_in_name if item.sidecar is None and item.content.source in _DATED_BY_NAME else None
    return (dt.datetime(date.year, date.month, date.day) if date else None), None  # noqa: DTZ001 - naive UTC
