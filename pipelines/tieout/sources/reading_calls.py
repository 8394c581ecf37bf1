"""Reading the logs of calls: many files at a time, in DuckDB, and each judged for itself."""

import datetime as dt
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from tieout.sources import call_records, function_calls, ledger
from tieout.sources.call_text import LogText
from tieout.sources.contents import Digests, check_digest, digest_file, is_gzipped
from tieout.sources.fields import ParsedFile
from tieout.sources.landing import LandingFile, PathKeys, RejectionError, Sidecar, check_fetch_time, read_sidecar
from tieout.sources.reading import Accepted, Refused, check_range, content_of, identify, refusal_of

# A thread of its own takes longer for them.
_SMALL = 1 << 20
_PLAIN = re.compile(r"[\w/%.=@+ -]+", re.ASCII)


@dataclass(frozen=True)
class _Calls:
    """A file of calls whose path, sidecar and head are in order; its hash is being computed meanwhile."""

    file: LandingFile
    keys: PathKeys
    sidecar: Sidecar | None
    text: LogText
    is_gzip: bool
    digests: Future[Digests]


def read_calls(
    con: duckdb.DuckDBPyConnection, batch: Sequence[LandingFile], now: dt.datetime
) -> list[Accepted | Refused]:
    """Stage a batch of calls and judge each file. Must run outside a transaction: a failing read would abort it."""
    outcomes: list[Accepted | Refused] = []
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


def _open_calls(file: LandingFile, pool: ThreadPoolExecutor, now: dt.datetime) -> _Calls | Refused:
    text = LogText(file.location)
    try:
        _, keys = identify(file)
        sidecar = read_sidecar(file)
        check_fetch_time(file, sidecar, now)
        is_gzip = is_gzipped(file.location)
        digests = _digests(file, text, pool, is_gzip=is_gzip)
        if is_gzip:
            digests.result()  # refuses what unpacks to too much, which everything below would read
        call_records.check_first_record(file.location, is_gzip=is_gzip)
    except Exception as error:  # the boundary of one file: it takes no other with it
        return Refused(file, refusal_of(error), None)
    return _Calls(file, keys, sidecar, text, is_gzip, digests)


def _digests(file: LandingFile, text: LogText, pool: ThreadPoolExecutor, *, is_gzip: bool) -> Future[Digests]:
    """Hash a file and count its text: a large one beside everything else, a small one at once."""
    if file.fingerprint.bytes > _SMALL:
        return pool.submit(digest_file, file.location, text.observe, is_gzip=is_gzip)
    digests: Future[Digests] = Future()
    digests.set_result(digest_file(file.location, text.observe, is_gzip=is_gzip))
    return digests


def _stage_readable(con: duckdb.DuckDBPyConnection, calls: Sequence[_Calls]) -> tuple[Sequence[_Calls], list[Refused]]:
    """Stage the files together; where DuckDB refuses, halve until the bad ones are alone, and stage the others."""
    problem = _stage_problem(con, calls)
    if problem is None:
        return calls, []
    if len(calls) == 1:
        return [], [Refused(calls[0].file, _explain(calls[0].file, problem), _landed_sha256(calls[0]))]
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
        try:
            function_calls.stage(con, [_readable_path(item, number, Path(folder)) for number, item in enumerate(calls)])
        except (duckdb.OutOfMemoryException, duckdb.InternalException, duckdb.FatalException):
            raise
        except (duckdb.Error, UnicodeDecodeError) as error:  # a message may end in the middle of a character
            return str(error)
    return None


def _readable_path(calls: _Calls, number: int, folder: Path) -> Path:
    """Return a path that is no pattern to DuckDB and whose end says how to read it: the file's, or a link's to it."""
    path, suffix = calls.file.location.absolute(), ".json.gz" if calls.is_gzip else ".json"
    if _PLAIN.fullmatch(str(path)) and path.name.endswith(suffix):
        return path
    link = folder / f"{number}{suffix}"
    link.symlink_to(path)
    return link


def _explain(file: LandingFile, problem: str) -> RejectionError:
    """Name the row that is wrong in a file that DuckDB cannot read; `problem` is what DuckDB says."""
    try:
        call_records.check_records(file.location)
    except Exception as error:  # the boundary of one file: it takes no other with it
        return refusal_of(error)
    return _unreadable_list(problem)


def _unreadable_list(problem: str) -> RejectionError:
    return RejectionError(
        "the file cannot be read as a list of calls", detail=problem[:500], fix=call_records.EXPORT_AGAIN
    )


def _landed_sha256(calls: _Calls) -> str | None:
    try:
        return calls.digests.result().landed
    except (RejectionError, OSError):
        return None


def _judge_calls(calls: _Calls, file_no: int, staged: function_calls.StagedFile | None) -> Accepted | Refused:
    try:
        digests = calls.digests.result()
        check_digest(calls.file, digests.landed, calls.sidecar)
        if staged is not None:
            _check_rows(calls, staged)
        status = calls.file.location.stat()
        if (status.st_size, status.st_mtime_ns) != (calls.file.fingerprint.bytes, calls.file.fingerprint.mtime_ns):
            raise RejectionError("the file changed while it was read", fix="Run again when it is complete.")
        content = _calls_content(calls, staged, digests.content)
        check_range(content, calls.sidecar)
    except Exception as error:  # the boundary of one file: it takes no other with it
        return Refused(calls.file, refusal_of(error), _landed_sha256(calls))
    position = (file_no, staged.first_rowid) if staged is not None else None
    return Accepted(calls.file, content, calls.sidecar, staged=position)


def _check_rows(calls: _Calls, staged: function_calls.StagedFile) -> None:
    """Refuse a log with a wrong row; one that is not proven to have none is read again, record by record."""
    is_proven = staged.looks_usual and calls.text.is_proof(
        rows=staged.rows,
        texts=staged.texts,
        names_with_nulls=staged.names_with_nulls,
        may_hold_booleans=staged.may_hold_booleans,
    )
    if is_proven and not staged.has_bad_row:
        return
    call_records.check_records(calls.file.location)
    if staged.has_bad_row:
        raise _unreadable_list("a row fails a check")


def _calls_content(calls: _Calls, staged: function_calls.StagedFile | None, sha256: str) -> ledger.Content:
    empty = ParsedFile(pa.table({}))
    content = content_of(calls.file, calls.keys, empty, sha256)
    if staged is None:
        return content
    return replace(content, content_start=staged.content_start, content_end=staged.content_end, row_count=staged.rows)
