"""Reading the logs of calls: many files at a time, in DuckDB, and each judged for itself."""

import datetime as dt
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from tieout.sources import function_calls, ledger
from tieout.sources.contents import Digests, check_digest, digest_file, is_gzipped
from tieout.sources.fields import ParsedFile
from tieout.sources.landing import LandingFile, PathKeys, RejectionError, Sidecar, check_fetch_time, read_sidecar
from tieout.sources.reading import Accepted, Refused, check_range, content_of, identify, unreadable


@dataclass(frozen=True)
class _Calls:
    """A file of calls whose path, sidecar and head are in order; its hash is being computed meanwhile."""

    file: LandingFile
    keys: PathKeys
    sidecar: Sidecar | None
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
    try:
        _, keys = identify(file)
        sidecar = read_sidecar(file)
        check_fetch_time(file, sidecar, now)
        function_calls.check_first_record(file.location)
    except RejectionError as problem:
        return Refused(file, problem, None)
    except OSError as error:
        return Refused(file, unreadable(error), None)
    return _Calls(file, keys, sidecar, pool.submit(digest_file, file.location))


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
        return unreadable(error)


def _landed_sha256(calls: _Calls) -> str | None:
    try:
        return calls.digests.result().landed
    except (RejectionError, OSError):
        return None


def _judge_calls(calls: _Calls, file_no: int, staged: function_calls.StagedFile | None) -> Accepted | Refused:
    try:
        digests = calls.digests.result()
        check_digest(calls.file, digests.landed, calls.sidecar)
        if staged is not None and staged.has_bad_row:
            function_calls.refuse(calls.file.location, "a row fails a check")
        status = calls.file.location.stat()
        if (status.st_size, status.st_mtime_ns) != (calls.file.fingerprint.bytes, calls.file.fingerprint.mtime_ns):
            raise RejectionError("the file changed while it was read", fix="Run again when it is complete.")
        content = _calls_content(calls, staged, digests.content)
        check_range(content, calls.sidecar)
    except RejectionError as problem:
        return Refused(calls.file, problem, _landed_sha256(calls))
    except OSError as error:
        return Refused(calls.file, unreadable(error), None)
    position = (file_no, staged.first_rowid) if staged is not None else None
    return Accepted(calls.file, content, calls.sidecar, staged=position)


def _calls_content(calls: _Calls, staged: function_calls.StagedFile | None, sha256: str) -> ledger.Content:
    empty = ParsedFile(pa.table({}))
    content = content_of(calls.file, calls.keys, empty, sha256)
    if staged is None:
        return content
    return replace(content, content_start=staged.content_start, content_end=staged.content_end, row_count=staged.rows)
