"""The landing folder from the side of a pull: names, sidecars, files that appear whole or not at all.

A file is written whole (`core.files`), its sidecar first: a file never stands without its sidecar, and a sidecar alone
says nothing. What a pull needs to know of earlier ones it reads
off the sidecars.
"""

import contextlib
import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from tieout.catalog.vocabulary import CALL_STATUSES
from tieout.core.bounded import UnboundedFileError, read_bounded, require_regular
from tieout.core.files import sweep_partial, write_whole, written_whole
from tieout.sources.landing import LARGEST_SIDECAR

SIDECAR_SUFFIX = ".meta.json"
PLAIN, RESOURCES = "plain", "resources"
_CHUNK_BYTES = 1 << 20
_ROW = b'"function_call_id": '
_OPEN = tuple(f'"status": "{each.status}"'.encode() for each in CALL_STATUSES if not each.is_final)
_STATUS = b'"status": '
_ENQUEUED = b'"enqueued_at": "'
_LONGEST_NEEDLE = max(len(needle) for needle in (_ROW, *_OPEN))


@dataclass(frozen=True)
class Subject:
    """What a file is about: a Modal export, and where it does not say so itself, the names that its folders carry.

    Attributes:
        source: the Modal export.
        environment: None for the catalog's own, which goes without saying.
        app: by its name.
        function: by its name, `Cls.*` for a class.
        server: by its name.
    """

    source: str
    environment: str | None = None
    app: str | None = None
    function: str | None = None
    server: str | None = None

    @property
    def folder(self) -> str:
        """The folder below `landing/`; no name leads out of it."""
        keys = {
            "environment": self.environment,
            "app": self.app,
            "function": self.function,
            "server": self.server,
        }
        return "/".join([self.source, *(f"{key}={path_key(name)}" for key, name in keys.items() if name is not None)])


@dataclass(frozen=True)
class Range:
    """A stretch of time, end exclusive; aware UTC, whole seconds."""

    start: dt.datetime
    end: dt.datetime

    def overlaps(self, other: "Range") -> bool:
        """Whether some time belongs to both."""
        return self.start < other.end and self.end > other.start

    @property
    def label(self) -> str:
        """For file names: `2026-11-02`, `2026-11-02_2026-11-09`, or with times where they are not midnight."""
        if self.end - self.start == dt.timedelta(days=1) and self.start.time() == dt.time():
            return f"{self.start:%Y-%m-%d}"
        return f"{_short(self.start)}_{_short(self.end)}"

    def __str__(self) -> str:
        """Word it for people."""
        if self.end - self.start == dt.timedelta(days=1) and self.start.time() == dt.time():
            return f"{self.start:%Y-%m-%d}"
        return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class Snapshot:
    """What a sidecar says of the file beside it.

    Attributes:
        subject: what the file is about.
        kind: `plain` or `resources` for a billing report, else None.
        range: what it speaks for; None for a picture of the moment.
        fetched_at: aware UTC.
        open_from: when the earliest call was enqueued that had not ended yet; None when all had.
        path: the file.
    """

    subject: Subject
    kind: str | None
    range: Range | None
    fetched_at: dt.datetime
    open_from: dt.datetime | None
    path: Path


@dataclass(frozen=True)
class LandedFile:
    """A file that a pull has brought: its path below `landing/`, and its rows where it is a list of any size."""

    path: str
    source: str
    rows: int | None


@dataclass(frozen=True)
class FetchedContent:
    """What was found in a fetched file.

    Attributes:
        sha256: of the file as it lands.
        calls: the number of calls in it.
        first_call: when the earliest of them was enqueued, to the second; None when there is none.
        open_from: likewise of those that were pending or running.
    """

    sha256: str
    calls: int
    first_call: dt.datetime | None
    open_from: dt.datetime | None


def accept_any(_: FetchedContent) -> None:
    """Find nothing wrong with what was fetched."""


def path_key(name: str) -> str:
    """Return a name as one folder of a landing path, which can never lead outside."""
    return quote(name, safe="") if name not in {".", ".."} else name.replace(".", "%2E")


def rfc3339(instant: dt.datetime) -> str:
    """Return an instant to the second with a `Z`, as the CLI takes it and a sidecar says it."""
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def naive_iso(instant: dt.datetime) -> str:
    """Return an instant as the SDK's own output says it: UTC, without saying so."""
    return instant.astimezone(dt.UTC).replace(tzinfo=None).isoformat()


class LandingFolder:
    """The landing folder, to be written by this pull and by no other at the same time."""

    def __init__(self, directory: Path, client_version: str) -> None:
        """Make the folder where it is missing, and sweep out what a killed pull has left half-written."""
        self.directory = directory
        self.client_version = client_version
        directory.mkdir(parents=True, exist_ok=True)
        sweep_partial(directory, "*.json*")

    def receive(
        self,
        subject: Subject,
        *,
        label: str,
        command: str,
        fetched_at: dt.datetime,
        covers: Range | None,
        write: Callable[[Path], None],
        check: Callable[[FetchedContent], None] = accept_any,
    ) -> tuple[LandedFile, Snapshot]:
        """Land one export.

        Args:
            subject: what it is about.
            label: the first part of the file's name; the time of the fetch is the second.
            command: how it was obtained, for the sidecar.
            fetched_at: when it was asked for.
            covers: the range that it speaks for; None for a picture of the moment.
            write: is given a temporary path and writes the content there; if it raises, nothing lands.
            check: is given what was found in it; if it raises, nothing lands.

        Raises:
            OSError: the disk does not take it.
        """
        name = f"{label}.{fetched_at:%Y%m%dT%H%M%SZ}.json"
        folder = self.directory / subject.folder
        folder.mkdir(parents=True, exist_ok=True)
        with written_whole(folder / name) as partial:
            write(partial)
            content = _examine(partial, is_calls=subject.source == "function_calls")
            check(content)
            fields = self._sidecar(subject, content, command, fetched_at, covers)
            write_whole(folder / f"{name}{SIDECAR_SUFFIX}", json.dumps(fields, indent=2) + "\n")
        rows = content.calls if subject.source == "function_calls" else None
        return LandedFile(f"{subject.folder}/{name}", subject.source, rows), _snapshot(self.directory, folder / name)

    def _sidecar(
        self, subject: Subject, content: FetchedContent, command: str, fetched_at: dt.datetime, covers: Range | None
    ) -> dict[str, str | None]:
        fields = {
            "command": command,
            "range_start": rfc3339(covers.start) if covers else None,
            "range_end": rfc3339(covers.end) if covers else None,
            "fetched_at": rfc3339(fetched_at),
            "client_version": self.client_version,
            "sha256": content.sha256,
        }
        if subject.source == "billing_report":
            fields["resolution"] = "h"
        if content.open_from is not None:
            fields["open_from"] = rfc3339(content.open_from)
        return fields


def read_snapshots(directory: Path) -> Iterator[Snapshot]:
    """Read every sidecar whose file is there, in no order. One that cannot be read counts as missing: pulled again."""
    for folder, _, names in os.walk(directory):
        present = set(names)
        for name in names:
            file = name.removesuffix(SIDECAR_SUFFIX)
            if file != name and file in present:
                with contextlib.suppress(UnboundedFileError, OSError, ValueError, KeyError, TypeError):
                    yield _snapshot(directory, Path(folder) / file)


def first_call_since(path: Path, start: dt.datetime) -> dt.datetime | None:
    """Return when the first call at or after an instant was enqueued, by a landed log of calls."""
    return next((enqueued for enqueued in _enqueued(path, lambda _: True) if enqueued >= start), None)


def _snapshot(directory: Path, path: Path) -> Snapshot:
    require_regular(path)
    sidecar = path.with_name(path.name + SIDECAR_SUFFIX)
    fields = json.loads(read_bounded(sidecar, most_bytes=LARGEST_SIDECAR))
    source, *folders = path.parent.relative_to(directory).parts
    keys = {key: unquote(value) for key, separator, value in (folder.partition("=") for folder in folders) if separator}
    start, end = fields["range_start"], fields["range_end"]
    return Snapshot(
        subject=Subject(source, *(keys.get(name) for name in ("environment", "app", "function", "server"))),
        kind=next((kind for kind in (PLAIN, RESOURCES) if f".{kind}." in path.name), None),
        range=None if start is None else Range(_utc(start), _utc(end)),
        fetched_at=_utc(fields["fetched_at"]),
        open_from=_utc(fields["open_from"]) if "open_from" in fields else None,
        path=path,
    )


def _utc(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)


def _short(instant: dt.datetime) -> str:
    return f"{instant:%Y-%m-%d}" if instant.time() == dt.time() else f"{instant:%Y-%m-%dT%H%M%S}"


def _examine(path: Path, *, is_calls: bool) -> FetchedContent:
    """Hash a file of any size, and count the calls in it and find those that have not ended."""
    digest, calls, still_open, carried = hashlib.sha256(), 0, 0, b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            if is_calls:
                window = carried + chunk
                calls += window.count(_ROW) - carried.count(_ROW)
                still_open += sum(window.count(status) - carried.count(status) for status in _OPEN)
                carried = window[1 - _LONGEST_NEEDLE :]
    first_call = next(_enqueued(path, lambda _: True), None) if calls else None
    began = _enqueued(path, lambda row: any(status in row for status in _OPEN)) if still_open else ()
    return FetchedContent(digest.hexdigest(), calls, first_call, open_from=min(began, default=None))


def _enqueued(path: Path, is_meant: Callable[[bytes], bool]) -> Iterator[dt.datetime]:
    """Yield when the calls of a kind were enqueued, to the second, oldest first as Modal lists them."""
    row = b""
    with path.open("rb") as file:
        for line in file:
            row = line if _ROW in line else row + line
            if _STATUS in line and is_meant(row):
                # A row that does not say when is for the loading to refuse.
                _, found, text = row.partition(_ENQUEUED)
                if found:
                    yield _utc(text[: len("2026-11-02T00:00:00")].decode())
