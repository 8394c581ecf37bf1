"""Reading one landed file: what its path, sidecar and content say, or why it is refused."""

import datetime as dt
import hashlib
import json
from dataclasses import dataclass

import pyarrow as pa

from tieout.core.bounded import UnboundedFileError, read_bounded, require_regular
from tieout.sources import ledger
from tieout.sources.contents import LARGEST_CONTENT, check_digest, decode, unpack
from tieout.sources.fields import ParsedFile
from tieout.sources.landing import (
    LandingFile,
    PathKeys,
    RejectionError,
    Sidecar,
    check_fetch_time,
    path_keys,
    read_sidecar,
)
from tieout.sources.registry import check_path, source_of
from tieout.sources.source import Source

# From the start of the last row to the end of the content: an hour, a day, or for calls a microsecond.
_GRAIN = {"h": dt.timedelta(hours=1), "d": dt.timedelta(days=1), None: dt.timedelta(microseconds=1)}


@dataclass(frozen=True)
class Accepted:
    """A file that can be loaded: its content, its delivery but for the file_id, and where its rows are."""

    file: LandingFile
    content: ledger.Content
    sidecar: Sidecar | None
    rows: pa.Table | None = None
    staged: tuple[int, int] | None = None  # file_no and first rowid in the stage of calls


@dataclass(frozen=True)
class Refused:
    """A file that cannot be loaded; `sha256` is that of the file as landed, None when it could not be read."""

    file: LandingFile
    problem: RejectionError
    sha256: str | None


def read_file(file: LandingFile, now: dt.datetime) -> Accepted | Refused:
    """Read a file of any source that is read file by file; `now` is naive UTC."""
    sha256 = None
    try:
        source, keys = identify(file)
        sidecar = read_sidecar(file)
        check_fetch_time(file, sidecar, now)
        landed = read_bounded(file.location, most_bytes=LARGEST_CONTENT)
        sha256 = hashlib.sha256(landed).hexdigest()
        check_digest(file, sha256, sidecar)
        unpacked = unpack(landed)
        parsed = _parsed(source, unpacked, file, sidecar)
        content = content_of(file, keys, parsed, hashlib.sha256(unpacked).hexdigest())
        check_range(content, sidecar)
    except Exception as error:  # the boundary of one file: it takes no other with it
        return Refused(file, refusal_of(error), sha256)
    return Accepted(file, content, sidecar, rows=parsed.rows)


def _parsed(source: Source, content: bytes, file: LandingFile, sidecar: Sidecar | None) -> ParsedFile:
    if source.parse_binary is not None:
        return source.parse_binary(content)
    if source.parse is None:
        raise ValueError(f"{source.name} is read many files at a time")
    return source.parse(decode(content), file, sidecar)


def identify(file: LandingFile) -> tuple[Source, PathKeys]:
    """Return the source of a file and the names in its path.

    Raises:
        RejectionError: the folder is no source's, or the path lacks a name.
        UnboundedFileError: it is a pipe or a device.
    """
    source, keys = source_of(file), path_keys(file)
    check_path(source, keys, file)
    require_regular(file.location)
    return source, keys


def refusal_of(error: Exception) -> RejectionError:
    """Word why a file is refused, whatever went wrong with it: one file must not stop the load of the others."""
    if isinstance(error, RejectionError):
        return error
    if isinstance(error, UnboundedFileError):
        return RejectionError(error.problem, fix=error.remedy or "")
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return RejectionError(f"the file cannot be read: {reason}", fix="Check its permissions, or copy it again.")
    return RejectionError(
        f"the file cannot be read: {type(error).__name__}",
        detail=str(error)[:500],
        fix="Export it again; if that does not help, report this file as a defect of Tieout.",
    )


def content_of(file: LandingFile, keys: PathKeys, parsed: ParsedFile, content_sha256: str) -> ledger.Content:
    """Put together what is recorded of a content, from its path and its rows."""
    month = parsed.month.isoformat() if parsed.month else None
    said = [file.source, keys.environment, keys.app, keys.function, month, parsed.report_kind, parsed.resolution]
    said += [] if keys.server is None else [keys.server]
    return ledger.Content(
        source=file.source,
        sha256=hashlib.sha256(json.dumps([*said, content_sha256]).encode()).hexdigest(),
        path=file.name,
        bytes=file.fingerprint.bytes,
        environment=keys.environment,
        app=keys.app,
        function=keys.function,
        server=keys.server,
        month=parsed.month,
        report_kind=parsed.report_kind,
        resolution=parsed.resolution,
        content_start=parsed.content_start,
        content_end=parsed.content_end,
        row_count=parsed.rows.num_rows,
    )


def check_range(content: ledger.Content, sidecar: Sidecar | None) -> None:
    """Refuse rows outside the range that their sidecar declares: no snapshot covers them, so they would be lost.

    Raises:
        RejectionError: there are such rows.
    """
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
