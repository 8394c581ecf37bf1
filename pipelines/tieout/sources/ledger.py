"""The ledger of what was landed: contents, their deliveries, refusals, and the paths that need no second look.

A content is recorded once; what counts is when it was delivered. Every pull of it (sidecar) is a delivery of its own,
and so is its return to a path that held another content meanwhile: an old state that comes back is again the newest.
Any other copy by hand counts only while nothing better is known: a pull, a copy with a date in its name (of another
date, it says something else), an earlier copy. So the order in which files arrive does not matter.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import duckdb

from tieout.sources.landing import Fingerprint, LandingFile, RejectionError
from tieout.sources.raw_schema import append_tuples


@dataclass(frozen=True)
class Content:
    """A distinct content, as raw.files keeps it; times are naive UTC."""

    source: str
    sha256: str
    path: str
    bytes: int
    environment: str | None
    app: str | None
    function: str | None
    server: str | None
    month: dt.date | None
    report_kind: str | None
    resolution: str | None
    content_start: dt.datetime | None
    content_end: dt.datetime | None
    row_count: int


@dataclass(frozen=True)
class Delivery:
    """One arrival of a content; times are naive UTC, the range is null where it covers nothing."""

    file_id: int
    path: str
    fetched_at: dt.datetime
    range_start: dt.datetime | None
    range_end: dt.datetime | None
    has_sidecar: bool
    client_version: str | None


def known_contents(con: duckdb.DuckDBPyConnection, identities: Sequence[str]) -> dict[str, int]:
    """Return the file_id of every identity that is already in raw.files."""
    rows = con.execute(
        "select sha256, file_id from raw.files where sha256 in (select unnest($1))", [list(identities)]
    ).fetchall()
    return dict(rows)


def next_file_id(con: duckdb.DuckDBPyConnection) -> int:
    """Return the number after the highest one given so far."""
    # fetchall, not fetchone: DuckDB 2.0 refuses other work while a result is not read to its end.
    rows = con.execute("select coalesce(max(file_id), 0) + 1 from raw.files").fetchall()
    return int(rows[0][0])


def record_contents(con: duckdb.DuckDBPyConnection, contents: Sequence[tuple[int, Content]], now: dt.datetime) -> None:
    """Add new contents, each with the file_id given to it; `now` is naive UTC."""
    append_tuples(
        con,
        "files",
        [
            (
                *(file_id, content.source, content.sha256, content.path, content.bytes),
                *(content.environment, content.app, content.function, content.server),
                *(content.month, content.report_kind, content.resolution),
                *(content.content_start, content.content_end, content.row_count, now),
            )
            for file_id, content in contents
        ],
    )


def record_deliveries(con: duckdb.DuckDBPyConnection, arrived: Sequence[Delivery]) -> list[Delivery]:
    """Bring raw.deliveries up to date with what arrived.

    Returns:
        The deliveries that were not known or that changed a known one.
    """
    known = _known_deliveries(con, arrived)
    standing = _Standing(known)
    for delivery in sorted(arrived, key=_precedence):
        standing.admit(delivery)
    kept, before = standing.deliveries(), set(known)
    news = [delivery for delivery in kept if delivery not in before]
    _delete_deliveries(con, before.difference(kept))
    _insert_deliveries(con, news)
    return news


class _Standing:
    """The deliveries that count, by content and by path."""

    def __init__(self, known: Iterable[Delivery]) -> None:
        self._of_content: dict[int, list[Delivery]] = {}
        self._at_path: dict[str, list[Delivery]] = {}
        for delivery in known:
            self._add(delivery)

    def deliveries(self) -> list[Delivery]:
        """All of them."""
        return [delivery for deliveries in self._of_content.values() for delivery in deliveries]

    def admit(self, arrived: Delivery) -> None:
        """Add what arrived if it is news, and drop the copies that say nothing beside it."""
        copies = self._of_content.get(arrived.file_id, [])
        meanwhile = self._held_meanwhile(arrived)
        if arrived.has_sidecar:
            is_news = all(_said(arrived) != _said(other) for other in copies if other.has_sidecar)
        elif copies and meanwhile is not None:
            # A file that was put back may have kept the time that it had before.
            earliest = meanwhile + dt.timedelta(microseconds=1)
            arrived, is_news = replace(arrived, fetched_at=max(arrived.fetched_at, earliest)), True
        else:
            is_news = not any(other == arrived or _adds_nothing(arrived, beside=other) for other in copies)
        if not is_news:
            return
        for copy in [copy for copy in copies if self._is_replaced(copy, arrived)]:
            self._of_content[copy.file_id].remove(copy)
            self._at_path[copy.path].remove(copy)
        self._add(arrived)

    def _add(self, delivery: Delivery) -> None:
        self._of_content.setdefault(delivery.file_id, []).append(delivery)
        self._at_path.setdefault(delivery.path, []).append(delivery)

    def _held_meanwhile(self, delivery: Delivery) -> dt.datetime | None:
        """When the delivery's path got the other content that it held last; None if it held no other since."""
        at_path = self._at_path.get(delivery.path, [])
        same = [other.fetched_at for other in at_path if other.file_id == delivery.file_id]
        others = [other.fetched_at for other in at_path if other.file_id != delivery.file_id]
        newest = max(others, default=None)
        return newest if newest is not None and newest >= max(same, default=newest) else None

    def _is_replaced(self, copy: Delivery, arrived: Delivery) -> bool:
        if copy.has_sidecar:
            return False
        if arrived.has_sidecar and arrived.path == copy.path and self._held_meanwhile(copy) is None:
            return True  # the sidecar of this very file
        before = [other for other in self._at_path[copy.path] if other.fetched_at <= copy.fetched_at]
        is_return = any(other.file_id != copy.file_id for other in before)
        return not is_return and _adds_nothing(copy, beside=arrived)


def _precedence(delivery: Delivery) -> tuple[bool, bool, dt.datetime, str]:
    return not delivery.has_sidecar, _date(delivery) is None, delivery.fetched_at, delivery.path


def _date(delivery: Delivery) -> dt.date | None:
    """The day that a delivery speaks for: of a pull, its own; by hand, that in the file's name, which ends nowhere."""
    if delivery.has_sidecar:
        return delivery.fetched_at.date()
    if delivery.range_start is None or delivery.range_end is not None:
        return None
    return delivery.range_start.date()


def _said(pull: Delivery) -> tuple[dt.datetime, dt.datetime | None, dt.datetime | None]:
    return pull.fetched_at, pull.range_start, pull.range_end


def _adds_nothing(copy: Delivery, *, beside: Delivery) -> bool:
    return _date(copy) in (None, _date(beside)) and _precedence(beside) < _precedence(copy)


def _known_deliveries(con: duckdb.DuckDBPyConnection, arrived: Sequence[Delivery]) -> list[Delivery]:
    """Read what was delivered of the contents that arrived, and at every path that holds or held one of them."""
    rows = con.execute(
        """
        select file_id, path, fetched_at, range_start, range_end, has_sidecar, client_version
        from raw.deliveries
        where
            path in (select unnest($paths))
            or path in (select d.path from raw.deliveries as d where d.file_id in (select unnest($file_ids)))
        """,
        {
            "file_ids": sorted({delivery.file_id for delivery in arrived}),
            "paths": sorted({delivery.path for delivery in arrived}),
        },
    ).fetchall()
    return [Delivery(*row) for row in rows]


def _delete_deliveries(con: duckdb.DuckDBPyConnection, deliveries: Iterable[Delivery]) -> None:
    for delivery in deliveries:
        con.execute(
            "delete from raw.deliveries where not has_sidecar and file_id = $1 and path = $2 and fetched_at = $3",
            [delivery.file_id, delivery.path, delivery.fetched_at],
        )


def _insert_deliveries(con: duckdb.DuckDBPyConnection, deliveries: Sequence[Delivery]) -> None:
    append_tuples(
        con,
        "deliveries",
        [
            (
                *(delivery.file_id, delivery.path, delivery.fetched_at),
                *(delivery.range_start, delivery.range_end),
                *(delivery.has_sidecar, delivery.client_version),
            )
            for delivery in deliveries
        ],
    )


def scanned(con: duckdb.DuckDBPyConnection) -> dict[str, Fingerprint]:
    """Return the paths that are loaded, each with the fingerprint that it had."""
    rows = con.execute(
        "select path, bytes, mtime_ns, sidecar_bytes, sidecar_mtime_ns from raw.scanned_paths"
    ).fetchall()
    return {row[0]: Fingerprint(*row[1:]) for row in rows}


def record_scanned(con: duckdb.DuckDBPyConnection, files: Sequence[LandingFile]) -> None:
    """Remember files as loaded, which also clears an earlier refusal of the same path."""
    forget(con, [file.name for file in files])
    append_tuples(
        con,
        "scanned_paths",
        [
            (
                *(file.name, file.fingerprint.bytes, file.fingerprint.mtime_ns),
                *(file.fingerprint.sidecar_bytes, file.fingerprint.sidecar_mtime_ns),
            )
            for file in files
        ],
    )


def record_rejections(
    con: duckdb.DuckDBPyConnection,
    rejections: Sequence[tuple[LandingFile, RejectionError, str | None]],
    now: dt.datetime,
) -> None:
    """Write down refused files, each with the hash of the file as landed; `now` is naive UTC."""
    forget(con, [file.name for file, _, _ in rejections])
    append_tuples(
        con,
        "rejected_files",
        [
            (file.name, file.source, sha256, problem.problem, problem.detail, problem.fix, now)
            for file, problem, sha256 in rejections
        ],
    )


def forget(con: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> None:
    """Drop what is remembered about paths: that they were scanned, or refused. Loaded rows stay."""
    if paths:
        con.execute("delete from raw.scanned_paths where path in (select unnest($1))", [list(paths)])
        con.execute("delete from raw.rejected_files where path in (select unnest($1))", [list(paths)])


def forget_vanished(con: duckdb.DuckDBPyConnection, present: Iterable[str]) -> None:
    """Drop what is remembered about paths that are no longer in landing/."""
    rows = con.execute("select path from raw.scanned_paths union select path from raw.rejected_files").fetchall()
    forget(con, sorted({path for (path,) in rows} - set(present)))
