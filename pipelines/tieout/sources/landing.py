"""Landing: which files are there, and what their paths and sidecars say.

A file's folder below `landing/` names the Modal export; `app=`, `function=`, `server=` and `environment=` folders carry
percent-encoded names, so that an app called `../x` stays inside. A sidecar `<file>.meta.json` says which range a pull
covered and when.
"""

import datetime as dt
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from urllib.parse import unquote

from tieout.core.bounded import UnboundedFileError, read_bounded
from tieout.core.errors import TieoutError

SIDECAR_SUFFIX = ".meta.json"
LARGEST_SIDECAR = 1 << 20
# What Windows and its Office put into any folder that somebody opens.
_OF_WINDOWS = ("thumbs.db", "desktop.ini", "~$")
_CLOCK_ERROR = dt.timedelta(days=1)
_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)", re.ASCII)
_MONTH = re.compile(r"(?<!\d)(\d{4})-(\d{2})(?!\d)", re.ASCII)


class RejectionError(TieoutError):
    """A file that cannot be loaded exactly: problem, remedy (called fix), and more detail where it helps."""

    def __init__(self, problem: str, *, fix: str, detail: str = "") -> None:
        """Keep the three texts apart, so that every place that shows them can lay them out.

        Half a character (a lone surrogate) that a file holds can be neither stored nor printed: its code is shown.
        """
        problem, fix, detail = (text.encode(errors="backslashreplace").decode() for text in (problem, fix, detail))
        super().__init__(problem, remedy=fix)
        self.fix = fix
        self.detail = detail


@dataclass(frozen=True)
class Fingerprint:
    """What the file system says about a file and its sidecar; if it is the same, so is the content."""

    bytes: int
    mtime_ns: int
    sidecar_bytes: int | None
    sidecar_mtime_ns: int | None


@dataclass(frozen=True)
class LandingFile:
    """A file found below `landing/`.

    `address` is where it lies; `name` is its path below `landing/` with forward slashes, printable even where the file
    system's bytes are not.
    """

    address: str
    name: str
    fingerprint: Fingerprint

    @cached_property
    def location(self) -> Path:
        """Where it lies. Most files of a landing folder are only compared by name and fingerprint."""
        return Path(self.address)

    @property
    def source(self) -> str:
        """The first folder, which names the Modal export; empty for a file in `landing/` itself."""
        folder, separator, _ = self.name.partition("/")
        return folder if separator else ""

    @property
    def path_in_source(self) -> str:
        """The path below the source's folder."""
        return self.name.partition("/")[2]

    @property
    def date_in_name(self) -> dt.date | None:
        """The date in the file's own name, like `2026-11-01` in `2026-11-01.json`."""
        found = _DATE.search(self.name.rpartition("/")[2])
        return _date_or_none(*found.groups()) if found else None

    @property
    def months_in_name(self) -> list[dt.date]:
        """The first days of the months in the file's own name, each once, like `2026-10` in `2026-10.json`."""
        found = {_date_or_none(year, month) for year, month in _MONTH.findall(self.name.rpartition("/")[2])}
        return sorted(month for month in found if month is not None)

    @property
    def is_month_of_a_day(self) -> bool:
        """Whether the file's own name says its months only within dates, like `2026-11-02.json`."""
        name = self.name.rpartition("/")[2]
        return _DATE.search(name) is not None and _MONTH.search(_DATE.sub(" ", name)) is None

    @property
    def mtime(self) -> dt.datetime:
        """The modification time, naive UTC, in whole microseconds."""
        microseconds = self.fingerprint.mtime_ns // 1000
        return dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=microseconds)  # noqa: DTZ001 - naive UTC


@dataclass(frozen=True)
class PathKeys:
    """The names in a file's folders, decoded; None where a folder does not say."""

    environment: str | None = None
    app: str | None = None
    function: str | None = None
    server: str | None = None


_PATH_KEYS = frozenset(field.name for field in fields(PathKeys))


@dataclass(frozen=True)
class Sidecar:
    """What a pull wrote beside a file; times are naive UTC."""

    fetched_at: dt.datetime
    range_start: dt.datetime | None
    range_end: dt.datetime | None
    client_version: str | None
    sha256: str | None
    resolution: str | None
    command: str


def _date_or_none(year: str, month: str, day: str = "1") -> dt.date | None:
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def scan(landing: Path) -> Iterator[LandingFile]:
    """Yield every file below `landing/` in the order of its name.

    Sidecars, hidden files and folders, temporary files (`.tmp`) and those that Windows makes are left out. Linked
    folders are followed once; a link that leads nowhere counts as a file, and so do pipes and devices, so that they are
    refused and not passed over.
    """
    yield from sorted(_walk(landing, "", set()), key=attrgetter("name"))


def holds_files(landing: Path) -> bool:
    """Tell whether there is any file below `landing/`."""
    return landing.is_dir() and next(_walk(landing, "", set()), None) is not None


def _walk(folder: Path, prefix: str, visited: set[tuple[int, int]]) -> Iterator[LandingFile]:
    status = folder.stat()
    if (status.st_dev, status.st_ino) in visited:
        return
    visited.add((status.st_dev, status.st_ino))
    with os.scandir(folder) as entries:
        found = {entry.name: entry for entry in entries}
    for name, entry in found.items():
        if name.startswith(".") or name.endswith((SIDECAR_SUFFIX, ".tmp")) or name.lower().startswith(_OF_WINDOWS):
            continue
        if not _leads_somewhere(entry):
            yield LandingFile(entry.path, prefix + _printable(name), _fingerprint(entry, None))
        elif entry.is_dir():
            yield from _walk(Path(entry.path), f"{prefix}{_printable(name)}/", visited)
        else:
            sidecar = found.get(name + SIDECAR_SUFFIX)
            yield LandingFile(entry.path, prefix + _printable(name), _fingerprint(entry, sidecar))


def _leads_somewhere(entry: os.DirEntry[str]) -> bool:
    return not entry.is_symlink() or _is_there(Path(entry.path))


def _is_there(location: Path) -> bool:
    try:
        location.stat()
    except OSError:
        return False
    return True


def _fingerprint(file: os.DirEntry[str], sidecar: os.DirEntry[str] | None) -> Fingerprint:
    status = file.stat(follow_symlinks=_leads_somewhere(file))
    beside = sidecar.stat(follow_symlinks=_leads_somewhere(sidecar)) if sidecar is not None else None
    return Fingerprint(
        bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
        sidecar_bytes=beside.st_size if beside else None,
        sidecar_mtime_ns=beside.st_mtime_ns if beside else None,
    )


def _printable(name: str) -> str:
    return name if name.isascii() else name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def path_keys(file: LandingFile) -> PathKeys:
    """Read the names from a file's folders.

    Raises:
        RejectionError: a name that is empty or given twice.
    """
    names: dict[str, str] = {}
    for folder in file.path_in_source.split("/")[:-1]:
        key, separator, value = folder.partition("=")
        if not separator or key not in _PATH_KEYS:
            continue
        name = unquote(value)
        if not name or key in names or "\0" in name:
            raise RejectionError(
                f"the folder {folder!r} does not name one {key}",
                fix=f"Put the file in a folder {key}=<name>, once, with the name percent-encoded.",
            )
        names[key] = name
    return PathKeys(**names)


def is_dangling(file: LandingFile) -> bool:
    """Whether a file is a link that leads nowhere."""
    return file.location.is_symlink() and not _is_there(file.location)


def link_target(file: LandingFile) -> str:
    """Return what a link points to, printable."""
    return _printable(str(file.location.readlink()))


def read_sidecar(file: LandingFile) -> Sidecar | None:
    """Read the sidecar beside a file; None when there is none.

    Raises:
        RejectionError: a sidecar that is there but cannot be read.
    """
    if file.fingerprint.sidecar_bytes is None:
        return None
    location = file.location.with_name(file.location.name + SIDECAR_SUFFIX)
    try:
        return _parse_sidecar(json.loads(read_bounded(location, most_bytes=LARGEST_SIDECAR)))
    except (UnboundedFileError, OSError, ValueError, RecursionError) as error:
        raise RejectionError(
            f"its sidecar cannot be read: {error.problem if isinstance(error, UnboundedFileError) else error}",
            fix=f"Pull the file again, or delete {file.name}{SIDECAR_SUFFIX} to load the file by its content.",
        ) from None


def check_fetch_time(file: LandingFile, sidecar: Sidecar | None, now: dt.datetime) -> None:
    """Refuse a file from the future: it would count instead of everything that is read from Modal until then.

    Args:
        file: the file; its modification time counts when it has no sidecar.
        sidecar: what a pull wrote beside it.
        now: the time of this machine, naive UTC.

    Raises:
        RejectionError: it was fetched more than a day after now.
    """
    fetched_at = file.mtime if sidecar is None else sidecar.fetched_at
    if fetched_at <= now + _CLOCK_ERROR:
        return
    reason = "its sidecar says that it was fetched" if sidecar is not None else "it was last changed"
    again = "pull the file again" if sidecar is not None else "touch the file, which gives it the time of now"
    raise RejectionError(
        f"{reason} at {fetched_at:%Y-%m-%d %H:%M} UTC, more than a day ahead of the clock",
        detail=f"This machine's clock says {now:%Y-%m-%d %H:%M} UTC.",
        fix=f"If that time is wrong, {again}; if the clock is, correct it and run again.",
    )


def month_of(file: LandingFile, sidecar: Sidecar | None) -> dt.date:
    """Return the first day of the month that a file is about: that of the sidecar's range, else of its name.

    Raises:
        RejectionError: neither says one month.
    """
    if sidecar is not None and sidecar.range_start is not None:
        return sidecar.range_start.date().replace(day=1)
    months = file.months_in_name
    if len(months) == 1 and not file.is_month_of_a_day:
        return months[0]
    fix = f"Name it after its month: {file.source}/2026-10.json."
    if len(months) == 1:
        raise RejectionError(
            f"the file's name says the day {file.date_in_name}, and not which month it is about",
            detail="A summary or an invoice is often of the month before the day on which it was made.",
            fix=fix,
        )
    said = " and ".join(f"{month:%Y-%m}" for month in months)
    raise RejectionError(
        f"the file's name says several months: {said}"
        if months
        else "neither the file's name nor a sidecar says which month it is about",
        fix=fix,
    )


def _parse_sidecar(fields: object) -> Sidecar:
    if not isinstance(fields, dict):
        raise ValueError("it is not a JSON object")
    if fields.get("fetched_at") is None:
        raise ValueError("fetched_at is missing")
    fetched_at = _utc(fields["fetched_at"], "fetched_at")
    start, end = fields.get("range_start"), fields.get("range_end")
    if (start is None) != (end is None):
        raise ValueError("range_start and range_end must both be given or both be null")
    range_start = None if start is None else _utc(start, "range_start")
    range_end = None if end is None else _utc(end, "range_end")
    if range_start is not None and range_end is not None and range_start > range_end:
        raise ValueError(f"the range ends ({end}) before it starts ({start})")
    if fields.get("resolution") not in (None, "h", "d"):
        raise ValueError(f"resolution {fields['resolution']!r} is neither h nor d")
    return Sidecar(
        fetched_at=fetched_at,
        range_start=range_start,
        range_end=range_end,
        client_version=_optional_text(fields, "client_version"),
        sha256=_optional_text(fields, "sha256"),
        resolution=_optional_text(fields, "resolution"),
        command=_optional_text(fields, "command") or "",
    )


def _optional_text(fields: dict[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is not a text")
    if value is not None and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{name} contains half a character (a lone surrogate)")
    return value


def _utc(value: object, name: str) -> dt.datetime:
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a time like 2026-11-02T00:00:00Z")
    try:
        moment = dt.datetime.fromisoformat(value)
        return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise ValueError(f"{name} {value[:60]!r} is not a time like 2026-11-02T00:00:00Z") from None
